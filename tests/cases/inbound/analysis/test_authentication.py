"""Who vouches for a mail, and whom we believe."""

from __future__ import annotations

import base64
import time

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cases.inbound.analysis import AnalysisContext, analyse
from cases.inbound.parsed import Authentication, ProviderFacts
from cases.inbound.reader import read_mail
from tests.cases.inbound.analysis.mails import analysed, mail

TRUSTED = frozenset(("mx.acme.example",))
RAW = (
    b"From: Casey <casey@mail.example.net>\r\n"
    b"To: support@acme.example\r\nSubject: Lamp\r\n"
    b"Message-ID: <1@example.net>\r\n"
    b"\r\nIt is dark.\r\n"
)


def test_the_providers_verdicts_come_first() -> None:
    facts = ProviderFacts("ses", authentication={"spf": "PASS", "dkim": "FAIL", "dmarc": "fail"})
    email = mail("x", headers=(("Authentication-Results", "mx.acme.example; dmarc=pass"),))

    result = analysed(email, facts, trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication("pass", "fail", "fail", "ses")


def test_what_the_provider_leaves_open_comes_from_a_trusted_server() -> None:
    facts = ProviderFacts("postmark", authentication={"spf": "pass"})
    email = mail("x", headers=(("Authentication-Results", "mx.acme.example; spf=fail; dkim=pass; dmarc=pass"),))

    result = analysed(email, facts, trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication("pass", "pass", "pass", "postmark, mx.acme.example")


def test_an_origin_that_adds_nothing_is_not_named() -> None:
    facts = ProviderFacts("postmark", authentication={"spf": "pass"})
    email = mail("x", headers=(("Authentication-Results", "mx.acme.example; spf=pass"),))

    assert analysed(email, facts, trusted_authserv_ids=TRUSTED).authentication == Authentication(
        "pass", None, None, "postmark"
    )


def test_a_trusted_servers_results_are_believed() -> None:
    value = (
        "mx.acme.example; dkim=fail header.d=a.example; dkim=pass header.d=example.net; "
        "spf=softfail smtp.mailfrom=x@example.net; dmarc=pass (p=none) "
        "header.from=example.net"
    )

    result = analysed(mail("x", headers=(("Authentication-Results", value),)), trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication("softfail", "pass", "pass", "mx.acme.example")


def test_a_senders_own_authentication_results_are_not_believed() -> None:
    value = "mx.attacker.example; dmarc=pass header.from=example.net"

    result = analysed(mail("x", headers=(("Authentication-Results", value),)), trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication()


def test_a_trusted_name_below_the_topmost_header_is_not_believed() -> None:
    headers = (
        ("Authentication-Results", "other.example; none"),
        ("Authentication-Results", "mx.acme.example; dmarc=pass"),
    )

    result = analysed(mail("x", headers=headers), trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication()


def test_without_trusted_servers_nothing_is_known() -> None:
    result = analysed(mail("x", headers=(("Authentication-Results", "mx.acme.example; dmarc=pass"),)))

    assert result.authentication == Authentication()


def test_a_header_that_bends_the_grammar_is_read_all_the_same() -> None:
    value = (
        "mx.acme.example; spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.net; "
        "dkim=pass (signature was verified) header.d=example.net;dmarc=pass "
        "action=none header.from=example.net;compauth=pass reason=100"
    )

    result = analysed(mail("x", headers=(("Authentication-Results", value),)), trusted_authserv_ids=TRUSTED)

    assert result.authentication == Authentication("pass", "pass", "pass", "mx.acme.example")


# --- computed -------------------------------------------------------------------------------------------------------
class Zone:
    """DNS TXT records of a test, and the questions asked."""

    def __init__(self, records: dict[str, str]) -> None:
        self.records = records
        self.asked: list[str] = []

    def __call__(self, name: str) -> str | None:
        self.asked.append(name)
        return self.records.get(name)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(key: rsa.RSAPrivateKey, domain: bytes = b"example.net") -> bytes:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return bytes(dkim.sign(RAW, b"s1", domain, pem)) + RAW


def zone(key: rsa.RSAPrivateKey, policy: str = "v=DMARC1; p=reject", domain: str = "example.net") -> Zone:
    public = base64.b64encode(
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).decode()
    return Zone({f"s1._domainkey.{domain}": f"v=DKIM1; k=rsa; p={public}", "_dmarc.example.net": policy})


def computed(raw: bytes, resolver: Zone) -> Authentication:
    return analyse(read_mail(raw), ProviderFacts("smtp"), AnalysisContext(resolver=resolver), raw).authentication


def test_a_signature_that_holds_passes_dkim_and_dmarc(key: rsa.RSAPrivateKey) -> None:
    assert computed(signed(key), zone(key)) == Authentication(None, "pass", "pass", "computed")


def test_a_changed_body_fails_dkim_and_dmarc(key: rsa.RSAPrivateKey) -> None:
    assert computed(signed(key).replace(b"dark", b"fine"), zone(key)) == Authentication(
        None, "fail", "fail", "computed"
    )


def test_a_signature_of_another_domain_is_not_aligned(key: rsa.RSAPrivateKey) -> None:
    raw = signed(key, b"attacker.example")

    assert computed(raw, zone(key, domain="attacker.example")) == Authentication(None, "pass", "fail", "computed")


def test_strict_alignment_wants_the_same_domain(key: rsa.RSAPrivateKey) -> None:
    assert computed(signed(key), zone(key, "v=DMARC1; p=reject; adkim=s")) == Authentication(
        None, "pass", "fail", "computed"
    )


def test_a_domain_that_only_watches_is_not_failed_without_spf(key: rsa.RSAPrivateKey) -> None:
    assert computed(RAW, zone(key, "v=DMARC1; p=none")) == Authentication(None, "none", "none", "computed")


def test_a_silent_dns_is_a_temporary_error(key: rsa.RSAPrivateKey) -> None:
    def silent(name: str) -> str | None:
        raise TimeoutError(name)

    raw = signed(key)

    result = analyse(read_mail(raw), ProviderFacts("smtp"), AnalysisContext(resolver=silent), raw)

    assert result.authentication == Authentication(None, "temperror", "temperror", "computed")


def test_without_a_resolver_nothing_is_computed(key: rsa.RSAPrivateKey) -> None:
    raw = signed(key)

    result = analyse(read_mail(raw), ProviderFacts("smtp"), AnalysisContext(), raw)

    assert result.authentication == Authentication()


def test_dmarc_is_computed_where_the_provider_reports_spf_alone(key: rsa.RSAPrivateKey) -> None:
    facts = ProviderFacts("postmark", authentication={"spf": "pass"})
    context = AnalysisContext(frozenset(), lambda _identifier: False, frozenset(), zone(key))

    signed_mail = analyse(read_mail(signed(key)), facts, context, signed(key)).authentication
    unsigned = analyse(read_mail(RAW), facts, context, RAW).authentication

    assert signed_mail == Authentication("pass", "pass", "pass", "postmark, computed")
    # Without a signature SPF may be what aligns, and what it passed for is not known here: no verdict.
    assert unsigned == Authentication("pass", "none", None, "postmark, computed")


# --- what checking may cost -----------------------------------------------------------------------------------------
def signed_relaxed(key: rsa.RSAPrivateKey, body: bytes) -> bytes:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    raw = RAW.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    return bytes(dkim.sign(raw, b"s1", b"example.net", pem, canonicalize=(b"relaxed", b"relaxed"))) + raw


@pytest.mark.parametrize("body", [b"two  blanks \t\r\n \r\nend\t\r\n\r\n\r\n", b"", b"\r\n", b"no end", b" \t"])
def test_a_relaxed_signature_holds_whatever_the_blanks(key: rsa.RSAPrivateKey, body: bytes) -> None:
    raw = signed_relaxed(key, body)

    assert computed(raw, zone(key)).dkim == "pass"
    assert computed(raw.replace(b"\r\n", b"\n"), zone(key)).dkim == "pass"
    assert computed(raw + b"more\r\n", zone(key)).dkim == "fail"


def test_a_line_of_blanks_costs_no_more_than_its_length(key: rsa.RSAPrivateKey) -> None:
    raw = signed_relaxed(key, b"short\r\n") + b" " * 300_000 + b"x\r\n"
    started = time.process_time()

    result = computed(raw, zone(key))

    assert (result.dkim, result.dmarc) == ("fail", "fail")
    assert time.process_time() - started < 5


LONG_SIGNATURE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1; h=from; bh=AA==; b=AA"
    + b"\r\n AA" * 10_000
    + b"\r\n"
)


@pytest.mark.parametrize("form", ["folded lines", "a signature"])
def test_a_header_too_long_to_check_has_no_signature_that_holds(key: rsa.RSAPrivateKey, form: str) -> None:
    """And is no way around DMARC: it fails as an unsigned mail does."""
    resolver = zone(key)
    raw = LONG_SIGNATURE + RAW
    if form == "folded lines":
        raw = b"X-Long: a\r\n" + b" a\r\n" * 400_000 + signed(key)
    started = time.process_time()

    result = computed(raw, resolver)

    assert (result.dkim, result.dmarc) == ("permerror", "fail")
    assert resolver.asked == ["_dmarc.mail.example.net", "_dmarc.example.net"]
    assert time.process_time() - started < 5


def test_a_key_longer_than_any_is_no_key(key: rsa.RSAPrivateKey) -> None:
    """A key of its own choice could keep us counting for hours."""
    long_key = Zone({"s1._domainkey.example.net": "v=DKIM1; k=rsa; p=" + "A" * 60_000})

    assert computed(signed(key), long_key).dkim == "fail"  # as without a record; reading it would be a permerror
