"""Decide what becomes of a read mail: seen before, part of a case, or welcome as a new one. Reads the database, writes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cases.forwarded import is_unwrapped, original_sender
from cases.inbound.parsed import Analysis, MailAddress, ParsedEmail, ProviderFacts
from cases.inbound.screening import Proceed, Refusal, Screened, screen_new_case, screen_sender
from cases.inbound.special_parts import SpecialParts
from cases.inbound.threading import Related, Thread, find_related, find_thread, signs_of_thread, weak_signs
from cases.inbound.trail import Trail
from cases.lifecycle import OnClosedCase, effect_of_mail, may_reopen_cases
from cases.models import Case, CaseStatus, EmailMessage, InboundEmail
from cases.outbound.recipients import own_addresses_among
from routing.matching import Directory, Match, Recipient
from routing.models import EmailToCaseSettings, RecordType, RoutingAddress
from routing.named_settings import NamedSetting, of_address, of_organisation


@dataclass(frozen=True, slots=True)
class ReadEmail:
    """A mail with all that is known before the database is asked about threads."""

    email: ParsedEmail
    analysis: Analysis
    facts: ProviderFacts
    recipients: tuple[Recipient, ...]
    matches: tuple[Match, ...]  # the first one stamps a case
    own_sender_because: str
    own_sender_setting: NamedSetting | None
    snippet: str
    dedupe_key: str
    special_parts: SpecialParts

    @property
    def routing_address(self) -> RoutingAddress | None:
        return self.matches[0].routing_address if self.matches else None

    @property
    def also_received_by(self) -> list[str]:
        return [match.routing_address.email_address for match in self.matches[1:]]


@dataclass(frozen=True, slots=True)
class OpenCase:
    thread: Thread
    follows: Case | None = None
    # The author of the mail that a trusted colleague forwarded: the customer in the colleague's place.
    original_sender: MailAddress | None = None


@dataclass(frozen=True, slots=True)
class AppendToCase:
    case: Case
    thread: Thread
    reopen: bool
    reported: EmailMessage | None = None  # the mail of ours that a bounce or complaint is about


@dataclass(frozen=True, slots=True)
class SeenBefore:
    original: EmailMessage


Decision = OpenCase | AppendToCase | SeenBefore | Refusal


@dataclass(slots=True)
class DayCount:
    """Cases opened by mail within 24 hours; counted on while a batch is settled."""

    cases: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a batch of mails has in common: the settings row, signing keys, and how many cases the day has seen."""

    settings_row: EmailToCaseSettings
    default_status: CaseStatus
    default_record_type: RecordType
    keys: Sequence[str]
    day: DayCount
    # Every routing address, while there are few; None: each mail looks up its own.
    directory: Directory | None = None


def decide(
    mail: ReadEmail,
    inbound: InboundEmail,
    circumstances: Circumstances,
    trail: Trail,
    *,
    now: datetime,
    as_if_new: bool = False,
) -> Decision:
    """The order of the checks is the order of the trail: duplicate, thread, sender, closed case, new case.

    `as_if_new`: of a mail that was settled before, what it would be if it came now; mails that came with it or after
    it are not known.
    """
    known_before = inbound.received_at if as_if_new else None
    related = find_related(mail.email, mail.analysis, mail.dedupe_key, known_before=known_before)
    if related.duplicate is not None:
        trail.note("deduplicate", "duplicate", "the same Message-ID, sender and date were received before")
        return SeenBefore(related.duplicate)
    trail.note("deduplicate", "new", "not received before")

    signs = signs_of_thread(
        mail.email,
        mail.analysis,
        mail.recipients,
        related,
        use_headers=circumstances.settings_row.use_headers_for_threading,
        keys=circumstances.keys,
    )
    thread = find_thread(mail.email, mail.analysis, signs, related)
    note_thread(thread, related, trail, use_headers=circumstances.settings_row.use_headers_for_threading)

    screened = Screened(
        email=mail.email,
        analysis=mail.analysis,
        facts=mail.facts,
        routing_address=mail.routing_address,
        settings_row=circumstances.settings_row,
        now=now,
        snippet=mail.snippet,
        own_sender_because=mail.own_sender_because,
        own_sender_setting=mail.own_sender_setting,
    )
    verdict = screen_sender(screened, waved_through=inbound.waved_through)
    follows: Case | None = None
    if isinstance(verdict, Proceed) and thread.case is not None:
        effect, because, policy = effect_of_mail(thread.case, now=now, may_reopen=may_reopen(mail.analysis))
        trail.note("closed case policy", effect.value, because, policy)
        if effect is not OnClosedCase.FOLLOW_UP:
            trail.note("screen", "proceed", verdict.because)
            answered = (*related.sent_under_other_id, *related.answered)
            reported = next((message for message in answered if not message.incoming), None)
            return AppendToCase(thread.case, thread, effect is OnClosedCase.REOPEN, reported)
        follows = thread.case
    if isinstance(verdict, Proceed):
        verdict = screen_new_case(screened, daily_count=circumstances.day.cases, waved_through=inbound.waved_through)
    if isinstance(verdict, Refusal):
        trail.note("screen", verdict.reason.value, verdict.because, verdict.setting)
        return verdict
    trail.note("screen", "proceed", verdict.because)
    return OpenCase(thread, follows, original_sender_by_policy(mail, trail))


def note_thread(thread: Thread, related: Related, trail: Trail, *, use_headers: bool) -> None:
    """The line names the setting that let headers count, or that kept them from it."""
    verdict = thread.basis if thread.case else "possibly" if thread.possibly else "none"
    because, by_setting = thread.because, thread.by_headers
    if verdict == "none" and not use_headers and weak_signs(related):
        because, by_setting = f"{because}, for its headers, which name mail of a case, are not used", True
    trail.note("thread", verdict, because, of_organisation("use_headers_for_threading") if by_setting else None)


def original_sender_by_policy(mail: ReadEmail, trail: Trail) -> MailAddress | None:
    """Who wrote a mail that was forwarded by somebody whom the routing address trusts; else None."""
    email, sender = mail.email, mail.email.sender
    if mail.analysis.forwarded is None or sender is None or not is_unwrapped(mail.routing_address, sender.address):
        return None
    original = original_sender(asdict(mail.analysis.forwarded))
    why_not, policy = "", of_address(mail.routing_address.pk, "unwrap_forwards_from") if mail.routing_address else None
    if email.sender_is_ambiguous or mail.analysis.authentication.failed_dmarc or mail.analysis.is_automatic:
        why_not = f"{sender.address} may forward here, but this mail may not be theirs"
    elif original is None:
        why_not = "the forwarded mail shows no address of its sender"
    elif own_addresses_among([original.address]):
        why_not = f"{original.address}, who wrote the forwarded mail, is one of our own addresses"
    if why_not or original is None:
        trail.note("customer", "sender", why_not, policy)
        return None
    because = f"wrote the mail that {sender.address} forwarded, whom this address trusts"
    trail.note("customer", original.address, because, policy)
    return original


def may_reopen(analysis: Analysis) -> bool:
    return may_reopen_cases(
        automatic_kind=analysis.automatic_kind,
        delayed_bounce=bool(analysis.bounce and analysis.bounce.delayed),
        is_thanks=analysis.is_thanks,
    )
