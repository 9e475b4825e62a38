"""Whether the DNS of a sending domain says that our mail is its own: SPF, DKIM and DMARC, with the record to publish.

Asks the questions and judges the answers; keeps nothing. Pure but for the questions, which the caller brings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dns.exception
import dns.resolver

from routing.mail_services import MailService
from routing.spf import MOST_LOOKUPS, is_open_to_all, is_spf, merged, read_tree, with_include

__all__ = ["DnsFinding", "NoAnswer", "TxtRecords", "check_domain"]

QUESTION_SECONDS = 2.0
ALL_SECONDS = 8.0  # one check asks up to some twenty questions, and a person may wait for it

OK, TODO, WRONG, UNKNOWN = "ok", "todo", "wrong", "unknown"


class NoAnswer(RuntimeError):
    """No name server answered, or none in time: says nothing about the record."""


@dataclass(frozen=True, slots=True)
class DnsFinding:
    """`code` and `value` name the sentence (routing.domain_checks.words_of); `host` and `record`: the TXT record as it
    should be, "" when nothing is to be published.
    """

    name: str  # spf, dkim, dmarc
    state: str
    code: str
    value: str = ""
    found: str = ""  # the record as it is
    host: str = ""
    record: str = ""


class TxtRecords:
    """Call it with a name: all its TXT records, () when there are none. Raises NoAnswer. For one check."""

    def __init__(self, resolver: dns.resolver.Resolver) -> None:
        resolver.lifetime, resolver.timeout = QUESTION_SECONDS, QUESTION_SECONDS / 2
        self._resolver = resolver
        self._until = time.monotonic() + ALL_SECONDS
        self._known: dict[str, tuple[str, ...]] = {}

    def __call__(self, name: str) -> tuple[str, ...]:
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def _ask(self, name: str) -> tuple[str, ...]:
        if time.monotonic() > self._until:
            raise NoAnswer(f"not asked for {name[:100]}: the name servers were slow")
        try:
            answer = self._resolver.resolve(name, "TXT", search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise NoAnswer(f"{name[:100]}: {type(error).__name__}") from error
        return tuple(b"".join(each.strings).decode("utf-8", "replace")[:2_000] for each in answer)


def check_domain(domain: str, service: MailService, texts: Callable[[str], Sequence[str]]) -> list[DnsFinding]:
    """SPF, DKIM and DMARC, in this order. A question without an answer makes its finding unknown, never right."""
    findings = []
    checks: tuple[tuple[str, Callable[[], DnsFinding]], ...] = (
        ("spf", lambda: _check_spf(domain, service, texts)),
        ("dkim", lambda: _check_dkim(domain, service, texts)),
        ("dmarc", lambda: _check_dmarc(domain, texts)),
    )
    for name, check in checks:
        try:
            findings.append(check())
        except NoAnswer as silence:
            findings.append(DnsFinding(name, UNKNOWN, "no_answer", str(silence)))
    return findings


def _check_spf(domain: str, service: MailService, texts: Callable[[str], Sequence[str]]) -> DnsFinding:
    # Sorted: name servers answer in any order, and the advice must not change with it.
    records = sorted(" ".join(text.split()) for text in texts(domain) if is_spf(text))
    include = service.include
    if not records:
        if not include:
            return DnsFinding("spf", UNKNOWN, "spf_none_needed", service.name)
        wanted = f"v=spf1 include:{include} ~all"
        return DnsFinding("spf", TODO, "spf_missing", service.name, host=domain, record=wanted)
    if len(records) > 1:
        return DnsFinding(
            "spf", WRONG, "spf_several", str(len(records)), " | ".join(records), domain, merged(records, include)
        )
    record = records[0]
    tree = read_tree(record, texts)
    if is_open_to_all(record):
        return DnsFinding("spf", WRONG, "spf_open", "", record)
    if tree.lookups > MOST_LOOKUPS:
        return DnsFinding("spf", WRONG, "spf_lookups", str(tree.lookups), record)
    if tree.broken:
        return DnsFinding("spf", WRONG, "spf_broken", ", ".join(tree.broken), record)
    if not include:
        return DnsFinding("spf", UNKNOWN, "spf_service_unknown", service.name, record)
    if include in tree.includes:
        return DnsFinding("spf", OK, "spf_ok", f"{tree.lookups}", record)
    wanted = with_include(record, include)
    cost = read_tree(wanted, texts).lookups
    if cost > MOST_LOOKUPS:
        return DnsFinding("spf", WRONG, "spf_no_room", str(cost), record)
    return DnsFinding("spf", TODO, "spf_include_missing", service.name, record, domain, wanted)


def _check_dkim(domain: str, service: MailService, texts: Callable[[str], Sequence[str]]) -> DnsFinding:
    if not service.selectors:
        return DnsFinding("dkim", UNKNOWN, "dkim_selector_unknown", service.name)
    revoked = ""
    for selector in service.selectors:
        host = f"{selector}._domainkey.{domain}"
        for text in texts(host):
            key = _tags(text).get("p")
            if key:
                return DnsFinding("dkim", OK, "dkim_ok", selector, host=host)
            if key == "":
                revoked = host
    if revoked:
        return DnsFinding("dkim", WRONG, "dkim_revoked", revoked)
    return DnsFinding("dkim", TODO, "dkim_missing", service.name, host=f"{service.selectors[0]}._domainkey.{domain}")


def _check_dmarc(domain: str, texts: Callable[[str], Sequence[str]]) -> DnsFinding:
    """Of the domain, else of the nearest one above it that has a policy; a top level has none of ours."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(labels[start:])
        records = [text for text in texts(f"_dmarc.{name}") if text.lower().replace(" ", "").startswith("v=dmarc1")]
        if len(records) > 1:
            return DnsFinding("dmarc", WRONG, "dmarc_several", f"_dmarc.{name}", " | ".join(records))
        if records:
            return _judge_dmarc(records[0], is_own=start == 0)
    return DnsFinding("dmarc", TODO, "dmarc_missing", host=f"_dmarc.{domain}", record="v=DMARC1; p=none")


def _judge_dmarc(record: str, *, is_own: bool) -> DnsFinding:
    tags = _tags(record)
    policy = tags.get("p", "") if is_own else tags.get("sp") or tags.get("p", "")
    if policy not in ("none", "quarantine", "reject"):
        return DnsFinding("dmarc", WRONG, "dmarc_no_policy", policy[:40], record)
    return DnsFinding("dmarc", OK, "dmarc_none" if policy == "none" else "dmarc_ok", policy, record)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, mark, value in pairs if mark}
