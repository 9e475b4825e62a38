"""What DNS says about a sending domain, asked of a real name server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from routing import dns_checks, domain_checks
from routing.dns_checks import DnsFinding, TxtRecords, check_domain
from routing.domain_checks import DnsIsOff, check_due_domains, check_now, findings_of, kept_check, service_of, words_of
from routing.mail_services import SERVICES, MailService, service_of_host
from routing.models import DomainCheck, RoutingAddress
from routing.spf import merged, read_tree, with_include
from tests.factories import ConnectionFactory, RoutingAddressFactory
from tests.fake_dns import SILENT, FakeDns, fake_dns

DOMAIN = "company.example"
GOOGLE = SERVICES["gmail"]
GOOD_ZONE = {
    DOMAIN: ["other text", "v=spf1 include:_spf.google.com -all"],
    "_spf.google.com": ["v=spf1 include:_netblocks.google.com ~all"],
    "_netblocks.google.com": ["v=spf1 ip4:192.0.2.0/24 ~all"],
    f"google._domainkey.{DOMAIN}": ["v=DKIM1; k=rsa; p=" + "A" * 392],
    f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject; rua=mailto:a@company.example"],
}


@pytest.fixture
def server() -> Iterator[FakeDns]:
    with fake_dns(dict(GOOD_ZONE)) as fake:
        yield fake


def found(server: FakeDns, service: MailService = GOOGLE, domain: str = DOMAIN) -> dict[str, DnsFinding]:
    return {each.name: each for each in check_domain(domain, service, TxtRecords(server.resolver()))}


def test_a_domain_that_is_well_set_up_is_right_in_everything(server: FakeDns) -> None:
    findings = found(server)

    assert {name: (each.state, each.code) for name, each in findings.items()} == {
        "spf": ("ok", "spf_ok"),
        "dkim": ("ok", "dkim_ok"),
        "dmarc": ("ok", "dmarc_ok"),
    }
    assert findings["spf"].value == "2"
    assert not any(each.record for each in findings.values())


def test_a_domain_without_records_is_told_each_record_to_add(server: FakeDns) -> None:
    server.zone.clear()

    findings = found(server)

    assert (findings["spf"].state, findings["spf"].host, findings["spf"].record) == (
        "todo",
        DOMAIN,
        "v=spf1 include:_spf.google.com ~all",
    )
    assert (findings["dmarc"].host, findings["dmarc"].record) == (f"_dmarc.{DOMAIN}", "v=DMARC1; p=none")
    assert (findings["dkim"].state, findings["dkim"].host) == ("todo", f"google._domainkey.{DOMAIN}")


@pytest.mark.parametrize("selector", ["ms1", "mlsend2", "mlsend"])
def test_a_key_at_a_former_name_of_the_service_is_a_key(server: FakeDns, selector: str) -> None:
    server.zone[f"{selector}._domainkey.{DOMAIN}"] = ["k=rsa; p=AAAA"]

    finding = found(server, SERVICES["mailersend"])["dkim"]

    assert (finding.state, finding.value) == ("ok", selector)


def test_no_service_with_a_return_path_of_its_own_is_asked_of_the_domains_record(server: FakeDns) -> None:
    """SPF is checked at the return path: naming such a service in the From's domain would prove nothing."""
    own = ["amazon_ses", "brevo", "mailersend", "mailtrap", "mandrill", "postmark", "resend", "sendgrid", "sparkpost"]

    assert {name: SERVICES[name].include for name in own} == dict.fromkeys(own, "")
    assert {found(server, SERVICES[name])["spf"].state for name in own} == {"unknown"}


def test_an_spf_record_is_changed_and_never_doubled(server: FakeDns) -> None:
    server.zone[DOMAIN] = ["v=spf1  mx include:mail.partner.example -all"]
    server.zone["mail.partner.example"] = ["v=spf1 ip4:192.0.2.1 -all"]

    spf = found(server)["spf"]

    assert (spf.state, spf.code) == ("todo", "spf_include_missing")
    assert spf.record == "v=spf1 mx include:mail.partner.example include:_spf.google.com -all"
    assert "Do not add a second record" in words_of(spf)[1]


def test_two_spf_records_are_wrong_and_become_one(server: FakeDns) -> None:
    server.zone[DOMAIN] = ["v=spf1 mx -all", "v=spf1 include:_spf.google.com ~all"]

    spf = found(server)["spf"]

    assert (spf.state, spf.code) == ("wrong", "spf_several")
    assert spf.record == "v=spf1 include:_spf.google.com mx ~all"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("v=spf1 " + " ".join(f"exists:h{n}.example" for n in range(11)) + " -all", "spf_lookups"),
        ("v=spf1 " + " ".join(f"a:h{n}.example" for n in range(10)) + " -all", "spf_no_room"),
        ("v=spf1 include:_spf.google.com +all", "spf_open"),
        ("v=spf1 include:_spf.google.com all", "spf_open"),
        ("v=spf1 include:nothing.example include:_spf.google.com -all", "spf_broken"),
    ],
)
def test_spf_that_receivers_cannot_use_is_wrong(server: FakeDns, record: str, code: str) -> None:
    server.zone[DOMAIN] = [record]

    spf = found(server)["spf"]

    assert (spf.state, spf.code, spf.record) == ("wrong", code, "")
    assert all(words_of(spf))


def test_exactly_ten_lookups_are_allowed(server: FakeDns) -> None:
    server.zone[DOMAIN] = ["v=spf1 " + " ".join(f"a:h{n}.example" for n in range(8)) + " include:_spf.google.com -all"]

    assert (found(server)["spf"].code, found(server)["spf"].value) == ("spf_ok", "10")


def test_a_record_that_includes_itself_ends() -> None:
    zone = {"a.example": ["v=spf1 include:b.example -all"], "b.example": ["v=spf1 include:a.example -all"]}

    tree = read_tree(zone["a.example"][0], lambda name: zone.get(name, []))

    assert tree.lookups <= 4


def test_include_is_put_before_a_redirect() -> None:
    assert (
        with_include("v=spf1 mx redirect=x.example", "y.example") == "v=spf1 mx include:y.example redirect=x.example"
    )


@pytest.mark.parametrize(
    ("name", "records", "state", "code"),
    [
        ("_dmarc.company.example", ["v=DMARC1; p=none"], "ok", "dmarc_none"),
        ("_dmarc.company.example", ["v=DMARC1; p=reject", "v=DMARC1; p=none"], "wrong", "dmarc_several"),
        ("_dmarc.company.example", ["v=DMARC1; p=perhaps"], "wrong", "dmarc_no_policy"),
        ("google._domainkey.company.example", ["v=DKIM1; p="], "wrong", "dkim_revoked"),
    ],
)
def test_other_records_are_judged(server: FakeDns, name: str, records: list[str], state: str, code: str) -> None:
    server.zone[name] = records

    finding = found(server)[code.partition("_")[0]]

    assert (finding.state, finding.code) == (state, code)


def test_the_policy_of_the_domain_above_counts_by_its_sp(server: FakeDns) -> None:
    server.zone[f"_dmarc.{DOMAIN}"] = ["v=DMARC1; p=reject; sp=none"]

    assert found(server, domain=f"mail.{DOMAIN}")["dmarc"].code == "dmarc_none"


def test_silence_is_unknown_and_never_right(server: FakeDns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_checks, "QUESTION_SECONDS", 0.2)
    server.zone[DOMAIN] = SILENT

    findings = found(server)

    assert (findings["spf"].state, findings["spf"].code) == ("unknown", "no_answer")
    assert "DNS did not answer" in words_of(findings["spf"])[0]
    assert findings["dmarc"].state == "ok"


def test_a_check_that_takes_too_long_stops_asking(server: FakeDns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_checks, "ALL_SECONDS", -1.0)

    findings = found(server)

    assert {each.state for each in findings.values()} == {"unknown"}
    assert server.asked == []


def test_services_are_known_by_their_servers() -> None:
    assert service_of_host("smtp.gmail.com") is SERVICES["gmail"]
    assert service_of_host("email-smtp.eu-west-1.amazonaws.com") is SERVICES["amazon_ses"]
    assert service_of_host("notgmail.com") == MailService("notgmail.com")


# --- kept answers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def dns_on(server: FakeDns, monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeDns:
    settings.E2C_DNS, settings.E2C_EMAIL_URL = True, "smtp://smtp-relay.gmail.com:587"
    monkeypatch.setattr(domain_checks, "new_resolver", server.resolver)
    return server


@pytest.fixture
def address(db: Any) -> RoutingAddress:
    made: RoutingAddress = RoutingAddressFactory(email_address=f"support@{DOMAIN}", verified=True)
    return made


def test_answers_are_kept_for_the_page_and_replaced(dns_on: FakeDns, address: RoutingAddress) -> None:
    first = check_now(address, now=timezone.now())
    dns_on.zone.clear()
    check_now(address, now=timezone.now())

    assert DomainCheck.objects.count() == 1
    assert [each.state for each in findings_of(first)] == ["ok", "ok", "ok"]
    kept = kept_check(address)
    assert kept is not None
    assert [each.state for each in findings_of(kept)] == ["todo", "todo", "todo"]


def test_nothing_is_asked_while_dns_is_off(dns_on: FakeDns, address: RoutingAddress, settings: Any) -> None:
    settings.E2C_DNS = False

    with pytest.raises(DnsIsOff):
        check_now(address, now=timezone.now())
    assert check_due_domains() == 0
    assert dns_on.asked == []


def test_the_sweeper_asks_each_domain_once_a_day(dns_on: FakeDns, address: RoutingAddress) -> None:
    RoutingAddressFactory(email_address=f"sales@{DOMAIN}", verified=True)
    RoutingAddressFactory(email_address="new@other.example")  # not verified
    now = timezone.now()

    counts = [check_due_domains(now=now + timedelta(hours=hours)) for hours in (0, 1, 23, 25)]

    assert counts == [1, 0, 0, 1]


def test_the_service_is_that_of_the_connection(dns_on: FakeDns, address: RoutingAddress) -> None:
    assert service_of(address) is SERVICES["gmail"]

    address.connection = ConnectionFactory(account=address.email_address, host="smtp.office365.com")

    assert service_of(address) is SERVICES["microsoft365"]


def test_several_records_become_one_that_loses_no_service() -> None:
    records = [
        "v=spf1 mx redirect=_spf.former.example",
        "v=spf1 include:_spf.google.com -all redirect=_spf.unused.example",
    ]

    assert merged(records, "mailgun.org") == (
        "v=spf1 mx include:_spf.former.example include:_spf.google.com include:mailgun.org ~all"
    )
