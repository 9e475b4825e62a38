"""Who vouches for a mail: the provider, a server we trust, or our own computation; else nobody (all None). Pure.

A sender can write any Authentication-Results it likes. Only the topmost one counts, and only when its authserv-id is
configured as trusted: that server removes or renames those that claim its name (RFC 8601 section 5) and adds its own
on top.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import authres
import dkim
from dkim.canonicalization import (
    ALGORITHMS,
    Relaxed,
    compress_whitespace,
    correct_empty_body,
    strip_trailing_lines,
)

from cases.inbound.analysis.context import AnalysisContext, TxtResolver
from cases.inbound.parsed import Authentication, ParsedEmail, ProviderFacts
from routing.addresses import domain_of
from routing.organisations import organisational_domain

logger = logging.getLogger(__name__)

METHODS = ("spf", "dkim", "dmarc")
COMPUTED = "computed"
# RFC 8601 section 2.7; "hardfail" and "bestguesspass" are older words for two of them.
_RESULTS = frozenset(("none", "pass", "fail", "policy", "neutral", "temperror", "permerror", "softfail"))
_SYNONYMS = {
    "hardfail": "fail",
    "bestguesspass": "pass",
    "failed": "fail",
    "passed": "pass",
    "error": "temperror",
    "invalid": "permerror",
    "ok": "pass",
}
_MAX_HEADER = 8_000
_MAX_SIGNATURES = 5
# What is beyond these counts as a signature that does not hold, not as one that nobody looked at: a forger must not be
# able to get rid of the check by the length of a mail.
_MAX_COMPUTED = 50_000_000
_MAX_SIGNED_HEADER = 128_000
_MAX_SIGNATURE = 4_000
_MAX_KEY = 2_000  # characters of the record; an RSA key of 8192 bits has 1400
_METHOD = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc)\s{0,4}=\s{0,4}([a-z]{2,15})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_TAG = re.compile(r"([a-z]{1,10})\s{0,8}=\s{0,8}([^;\s]{0,400})", re.IGNORECASE)


def authenticate(
    email: ParsedEmail, facts: ProviderFacts, context: AnalysisContext, raw: bytes | None
) -> Authentication:
    """SPF, DKIM and DMARC results with their origins: each result from the first origin that gives it.

    A later origin is asked only while DMARC is unknown: some providers report SPF alone.
    """
    said = _by_provider(facts)
    if said is None or said.dmarc is None:
        said = _completed(said, _by_trusted_server(email, context.trusted_authserv_ids))
    if said is None or said.dmarc is None:
        said = _completed(said, _computed(email, context.resolver, raw))
    return said or Authentication()


def _completed(said: Authentication | None, more: Authentication | None) -> Authentication | None:
    """What one origin said, and of another what that left open."""
    if said is None or more is None:
        return said or more
    dmarc = more.dmarc
    if more.by == COMPUTED and dmarc == "fail" and said.spf == "pass":
        dmarc = None  # computed from DKIM alone: SPF, which passed, may be what aligns
    both = Authentication(spf=said.spf or more.spf, dkim=said.dkim or more.dkim, dmarc=said.dmarc or dmarc)
    added = both != replace(said, by=both.by)
    return replace(both, by=f"{said.by}, {more.by}" if added else said.by)


def _by_provider(facts: ProviderFacts) -> Authentication | None:
    results = {method: result for method in METHODS if (result := _word(facts.authentication.get(method, "")))}
    if not results:
        return None
    return Authentication(
        spf=results.get("spf"), dkim=results.get("dkim"), dmarc=results.get("dmarc"), by=facts.provider
    )


def _word(value: str) -> str:
    """A result in the words of RFC 8601; "" for anything else."""
    word = value.strip().lower()[:20]
    word = _SYNONYMS.get(word, word)
    return word if word in _RESULTS else ""


# --- Authentication-Results -----------------------------------------------------------------------------------------
def _by_trusted_server(email: ParsedEmail, trusted: frozenset[str]) -> Authentication | None:
    if not trusted:
        return None
    header = email.header("Authentication-Results")[:_MAX_HEADER]
    authserv_id = header.split(";", 1)[0].strip().split(" ")[0].strip().lower()
    if not authserv_id or authserv_id not in {name.lower() for name in trusted}:
        return None
    results = _read_results(header)
    if not results:
        return None
    return Authentication(
        spf=_best(results.get("spf")),
        dkim=_best(results.get("dkim")),
        dmarc=_best(results.get("dmarc")),
        by=authserv_id,
    )


def _read_results(header: str) -> dict[str, list[str]]:
    """Method -> results in order. By authres; where a server bends the grammar, by the method names alone."""
    found: dict[str, list[str]] = {}
    try:
        parsed = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {header}")
    except (authres.AuthResError, ValueError, IndexError, AttributeError, TypeError):
        for method, result in _METHOD.findall(_COMMENT.sub(" ", header)):
            found.setdefault(method.lower(), []).append(_word(result))
        return {method: [result for result in results if result] for method, results in found.items()}
    for entry in parsed.results:
        result = _word(entry.result or "")
        if result and entry.method in METHODS:
            found.setdefault(entry.method, []).append(result)
    return found


def _best(results: list[str] | None) -> str | None:
    """One result of several signatures: a single good one proves the domain, whatever the others say."""
    if not results:
        return None
    return "pass" if "pass" in results else results[0]


# --- computed -------------------------------------------------------------------------------------------------------
def _computed(email: ParsedEmail, resolver: TxtResolver | None, raw: bytes | None) -> Authentication | None:
    """DKIM over the exact bytes and DMARC over DKIM alone; SPF needs the client's address, which nobody gave."""
    if resolver is None or raw is None or email.sender is None:
        return None
    from_domain = domain_of(email.sender.address)
    result, signed_by = _verify_signatures(email, resolver, raw)
    authentication = Authentication(dkim=result, by=COMPUTED)
    if email.sender_is_ambiguous:
        # RFC 7489 section 6.6.1: a mail with several From domains has no DMARC result to give.
        return replace(authentication, dmarc="permerror")
    return replace(authentication, dmarc=_dmarc(from_domain, signed_by, resolver))


def _verify_signatures(email: ParsedEmail, resolver: TxtResolver, raw: bytes) -> tuple[str, frozenset[str]]:
    """(result, domains whose signature holds)."""

    def find_key(name: bytes | str, timeout: int = 5) -> bytes | None:
        text = resolver((name.decode("ascii", "replace") if isinstance(name, bytes) else name).rstrip("."))
        return text.encode("utf-8", "replace") if text is not None and len(text) <= _MAX_KEY else None

    if not email.header("DKIM-Signature"):
        return "none", frozenset()
    try:
        verifier, signatures = _verifier_of(raw)
    except (dkim.DKIMException, IndexError):
        return "permerror", frozenset()
    domains: set[str] = set()
    worst = "fail"
    for index, signature in enumerate(signatures):
        if len(signature) > _MAX_SIGNATURE:
            worst = "permerror" if worst == "fail" else worst
            continue
        try:
            if verifier.verify(idx=index, dnsfunc=find_key):
                domains.add((verifier.domain or b"").decode("ascii", "replace").lower())
        except (OSError, TimeoutError, dkim.DnsTimeoutError):
            worst = "temperror"
        except dkim.ValidationError:
            continue  # another body or another header than the one signed
        except (dkim.DKIMException, ValueError, IndexError, KeyError, TypeError, AssertionError):
            # A signature or key that cannot be read is one that does not hold.
            worst = "permerror" if worst == "fail" else worst
    if domains:
        return "pass", frozenset(domains)
    return worst, frozenset()


_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")


def _verifier_of(raw: bytes) -> tuple[dkim.DKIM, list[bytes]]:
    """dkimpy over the mail, and the signatures to check. Raises DKIMException.

    It is given header and body apart: it would cut the body into lines, each an object, and puts a header's folded
    lines together in a time that grows with the square of their number.
    """
    blank = _BLANK_LINE.search(raw)
    head, body = (raw[: blank.start()], raw[blank.end() :]) if blank else (raw, b"")
    if len(head) > _MAX_SIGNED_HEADER or len(raw) > _MAX_COMPUTED:
        raise dkim.MessageFormatError("The mail is too long.")
    verifier = dkim.DKIM(logger=_SILENT)
    verifier.headers, _nothing = dkim.rfc822_parse(head)
    verifier.body = _LINE_END.sub(b"\r\n", body)
    signatures = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    return verifier, signatures[:_MAX_SIGNATURES]


class _LinearRelaxed(Relaxed):
    """dkimpy's own takes, for a line of blanks, a time that grows with the square of its length."""

    _TRAILING = re.compile(rb"(?<![\t ])[\t ]+\r\n")

    @staticmethod
    def canonicalize_body(body: bytes) -> bytes:
        body = compress_whitespace(_LinearRelaxed._TRAILING.sub(b"\r\n", body))
        return correct_empty_body(strip_trailing_lines(body))


# dkimpy looks a signature's way of writing up by its name when it checks it.
ALGORITHMS[_LinearRelaxed.name] = _LinearRelaxed

_SILENT = logging.getLogger(f"{__name__}.dkim")
_SILENT.setLevel(logging.CRITICAL)


def _dmarc(from_domain: str, signed_by: frozenset[str], resolver: TxtResolver) -> str:
    """DMARC from DKIM alignment alone (RFC 7489 section 3.1.1).

    "fail" only where the domain asks for p=quarantine or reject: without SPF, a mail of a domain that only watches may
    still be in order, and is "none" here.
    """
    try:
        record, of_domain = _find_record(from_domain, resolver)
    except (OSError, TimeoutError):
        return "temperror"
    if not record:
        return "none"
    strict = record.get("adkim", "r").lower() == "s"
    organisation = organisational_domain(from_domain)
    for domain in signed_by:
        if domain == from_domain or (not strict and organisational_domain(domain) == organisation):
            return "pass"
    policy = record.get("sp" if of_domain != from_domain and "sp" in record else "p", "none").lower()
    return "fail" if policy in ("quarantine", "reject") else "none"


def _find_record(domain: str, resolver: TxtResolver) -> tuple[dict[str, str], str]:
    for name in dict.fromkeys((domain, organisational_domain(domain))):
        text = (resolver(f"_dmarc.{name}") or "")[:2000]
        if text.strip().lower().startswith("v=dmarc1"):
            return {key.lower(): value for key, value in _TAG.findall(text)}, name
    return {}, domain
