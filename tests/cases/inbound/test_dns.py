"""Computed authentication: the exact bytes, a signature made here, and a name server that is a script."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import dkim
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cases.inbound import reading
from cases.inbound.dns import DnsSilent, TxtLookups
from cases.inbound.ingesting import ingest_mail
from cases.inbound.reading import shared_lookups
from tests.factories import RoutingAddressFactory

RAW = (
    b"From: Casey <casey@mail.example.net>\r\nTo: support@acme.example\r\nSubject: Lamp\r\n"
    b"Message-ID: <1@example.net>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nIt is dark.\r\n"
)


class ScriptedResolver(dns.resolver.Resolver):
    """Answers from a zone; counts what it is asked. A value that is an exception is raised."""

    def __init__(self, zone: dict[str, Any]) -> None:
        super().__init__(configure=False)
        self.zone = zone
        self.asked: list[str] = []

    def resolve(self, qname: Any, *args: Any, **options: Any) -> Any:
        self.asked.append(qname)
        name = dns.name.from_text(qname)
        found = self.zone.get(qname)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise dns.resolver.NXDOMAIN(qnames=[name], responses={})
        return [dns.rrset.from_text(name, 300, "IN", "TXT", f'"{text}"')[0] for text in found]


@pytest.fixture
def key_pair() -> tuple[bytes, str]:
    """(private key in PEM, the record of its public half)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    encoded = base64.b64encode(public).decode()
    return pem, f'v=DKIM1; k=rsa; p={encoded[:200]}" "{encoded[200:]}'


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, settings: Any, organisation: Any) -> Iterator[Any]:
    """Settle a mail with E2C_DNS on and a zone; returns (authentication, names asked)."""
    RoutingAddressFactory(email_address="support@acme.example", verified=True)

    def settle(raw: bytes, zone: dict[str, Any]) -> tuple[Any, list[str]]:
        settings.E2C_DNS = True
        resolver = ScriptedResolver(zone)
        monkeypatch.setattr(reading, "shared_lookups", lambda: TxtLookups(resolver))
        settled = ingest_mail(raw)
        assert settled.message is not None
        message = settled.message
        return (message.spf, message.dkim, message.dmarc, message.authenticated_by), resolver.asked

    return settle


def signed(pem: bytes, raw: bytes = RAW) -> bytes:
    return dkim.sign(raw, b"s1", b"mail.example.net", pem, include_headers=[b"from", b"subject", b"to"]) + raw


def test_signature_over_the_exact_bytes_passes(ask: Any, key_pair: tuple[bytes, str]) -> None:
    pem, record = key_pair
    zone = {"s1._domainkey.mail.example.net": [record], "_dmarc.mail.example.net": ["v=DMARC1; p=reject"]}

    verdicts, asked = ask(signed(pem), zone)

    assert verdicts == ("", "pass", "pass", "computed")
    assert asked == ["s1._domainkey.mail.example.net", "_dmarc.mail.example.net"]


def test_changed_mail_of_a_strict_domain_fails_and_warns(ask: Any, key_pair: tuple[bytes, str]) -> None:
    pem, record = key_pair
    zone = {"s1._domainkey.mail.example.net": [record], "_dmarc.example.net": ["other", "v=DMARC1; p=reject"]}

    verdicts, _asked = ask(signed(pem).replace(b"dark", b"bright"), zone)

    assert verdicts == ("", "fail", "fail", "computed")


@pytest.mark.parametrize(
    ("from_domain", "dmarc"),
    [("shop.example.co.uk", "pass"), ("example.co.uk", "pass"), ("other.co.uk", "fail")],
)
def test_a_signature_is_aligned_within_one_organisation_under_a_public_suffix(
    ask: Any, key_pair: tuple[bytes, str], from_domain: str, dmarc: str
) -> None:
    pem, record = key_pair
    policy = f"_dmarc.{'.'.join(from_domain.split('.')[-3:])}"
    zone = {"s1._domainkey.mail.example.co.uk": [record], policy: ["v=DMARC1; p=reject"]}
    raw = RAW.replace(b"casey@mail.example.net", f"casey@{from_domain}".encode())
    mail = dkim.sign(raw, b"s1", b"mail.example.co.uk", pem, include_headers=[b"from", b"subject", b"to"]) + raw

    verdicts, _asked = ask(mail, zone)

    assert verdicts == ("", "pass", dmarc, "computed")


def test_hospitals_of_one_health_service_are_not_one_sender(ask: Any, key_pair: tuple[bytes, str]) -> None:
    pem, record = key_pair
    zone = {"s1._domainkey.leeds.nhs.uk": [record], "_dmarc.york.nhs.uk": ["v=DMARC1; p=reject"]}
    raw = RAW.replace(b"casey@mail.example.net", b"casey@york.nhs.uk")
    mail = dkim.sign(raw, b"s1", b"leeds.nhs.uk", pem, include_headers=[b"from", b"subject", b"to"]) + raw

    verdicts, _asked = ask(mail, zone)

    assert verdicts == ("", "pass", "fail", "computed")


def test_silent_dns_is_an_error_for_now_and_is_asked_once(ask: Any, key_pair: tuple[bytes, str]) -> None:
    pem, _record = key_pair
    silence = dns.resolver.LifetimeTimeout(timeout=2, errors=[])
    zone = {"s1._domainkey.mail.example.net": silence, "_dmarc.mail.example.net": silence}

    verdicts, asked = ask(signed(pem), zone)

    assert verdicts == ("", "temperror", "temperror", "computed")
    assert asked == ["s1._domainkey.mail.example.net"]


def test_nothing_is_asked_while_dns_is_off(
    organisation: Any, monkeypatch: pytest.MonkeyPatch, key_pair: tuple[bytes, str]
) -> None:
    RoutingAddressFactory(email_address="support@acme.example", verified=True)
    monkeypatch.setattr(reading, "shared_lookups", lambda: pytest.fail("a look-up with E2C_DNS off"))

    settled = ingest_mail(signed(key_pair[0]))

    assert settled.message is not None
    assert (settled.message.dkim, settled.message.authenticated_by) == ("", "")


def test_silent_domain_stops_no_question_about_others() -> None:
    """Not of its country either: a silent name server of one must not switch off the checks of them all."""
    silence = dns.resolver.LifetimeTimeout(timeout=2, errors=[])
    zone = {"_dmarc.silent.example": silence, "_dmarc.silent.co.uk": silence, "s1._domainkey.bank.co.uk": ["x"]}
    lookups = TxtLookups(ScriptedResolver(zone | {"_dmarc.fine.test": ["x"]}))

    for name in ("_dmarc.silent.example", "_dmarc.silent.co.uk"):
        with pytest.raises(DnsSilent):
            lookups(name)

    assert lookups("_dmarc.fine.test") == "x"
    assert lookups("s1._domainkey.bank.co.uk") == "x"


def test_a_name_that_cannot_be_one_has_no_record() -> None:
    lookups = TxtLookups(ScriptedResolver({"a..b": dns.exception.SyntaxError("empty label")}))

    assert lookups("a..b") is None


def test_broken_zone_says_nothing_and_stops_no_other_question() -> None:
    lookups = TxtLookups(ScriptedResolver({"broken.example": dns.resolver.NoNameservers(), "fine.example": ["x"]}))

    with pytest.raises(DnsSilent):
        lookups("broken.example")

    assert lookups("fine.example") == "x"


def test_answers_are_kept_for_the_whole_process() -> None:
    assert shared_lookups() is shared_lookups()
