"""Read one claimed row: the stored request becomes a mail, the mail a ReadEmail. No transaction is open meanwhile.

Every way in which a stranger's bytes can fail ends in one of three exceptions: NotAMail (there is none), ReadFailed
(there is, and it cannot be read: quarantine), TemporaryFailure (its content could not be fetched now: try again).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import timezone

from cases.inbound.analysis import AnalysisContext, analyse
from cases.inbound.decision import ReadEmail
from cases.inbound.dedupe import dedupe_key
from cases.inbound.dns import shared_lookups
from cases.inbound.parsed import Analysis, ParsedEmail
from cases.inbound.provider_requests import (
    FetchFailed,
    NotAMail,
    ReceivedMail,
    UnreadableRequest,
    mails_of,
)
from cases.inbound.reader import TooComplex, UnreadableMail, looks_empty, read_mail, read_pieces
from cases.inbound.recipients import recipients_of
from cases.inbound.special_parts import find_special_parts
from cases.inbound.trail import Trail
from cases.models import EmailMessage, InboundEmail
from cases.outbound.loop_tests import Arrival, note_arrival, recognise_test
from cases.reasons import Reason
from cases.thread_keys import signing_keys
from cases.thread_token import case_of_message_id
from routing.addresses import read_address_list
from routing.matching import Directory, Match, find_routing_addresses
from routing.named_settings import NamedSetting, in_environment, of_address
from routing.verification import mask_file, mask_links, recognise_returned

__all__ = ["NotAMail", "ReadFailed", "TakenApart", "TemporaryFailure", "read_email", "take_apart"]

SNIPPET_LENGTH = 200
IN_ADDRESS_HEADERS = 2  # Recipient.rank: their order of appearance counts before the order number


class ReadFailed(RuntimeError):
    """The mail is stored but cannot be read; the sentence is for admins."""

    def __init__(self, reason: Reason, because: str) -> None:
        super().__init__(because)
        self.reason = reason


class TemporaryFailure(RuntimeError):
    """Something outside failed that may work later."""


@dataclass(frozen=True, slots=True)
class TakenApart:
    """What the bytes alone say, whatever the configuration is: the costly part of reading."""

    received: ReceivedMail
    as_sent: ParsedEmail


def take_apart(inbound: InboundEmail, *, dry_run: bool = False, charset: str = "") -> TakenApart:
    """May ask the provider for the content, so no transaction is open meanwhile."""
    received = received_mail(inbound, dry_run=dry_run)
    if charset and received.raw is None:
        raise ReadFailed(Reason.PARSE_FAILED, "the provider decoded the text itself: there are no bytes to read anew")
    return TakenApart(received, parse(received, charset=charset))


def read_email(
    inbound: InboundEmail,
    trail: Trail,
    *,
    dry_run: bool = False,
    charset: str = "",
    directory: Directory | None = None,
    apart: TakenApart | None = None,
) -> ReadEmail:
    """Everything that can be known about a mail without looking at cases.

    `charset`: what a person says its text is written in; "" for what the mail says.
    `directory`: every routing address; None: those that this mail names are looked up, with one query.
    `apart`: the mail when it was taken apart before.
    """
    apart = apart or take_apart(inbound, dry_run=dry_run, charset=charset)
    received, as_sent = apart.received, apart.as_sent
    email = without_verification_links(as_sent)
    note_reading(email, trail)
    recipients = tuple(recipients_of(email, received.facts))
    sender = email.sender.address if email.sender else ""
    if directory is None:
        directory = Directory.of([*(recipient.address for recipient in recipients), sender])
    own_sender = own_sender_because(sender, directory)
    analysis = analyse(email, received.facts, analysis_context(directory), received.raw)
    trail.note(
        "analyse",
        analysis.automatic_kind or "person",
        analysis.automatic_because or "nothing says that a machine wrote it",
    )
    matches = tuple(find_routing_addresses(recipients, directory))
    note_route(matches, trail)
    if own_sender and not dry_run:
        own_sender = mail_that_came_back(inbound, email, as_sent, analysis, matches) or own_sender
    if analysis.automatic_kind == "own_loop":
        own_sender = own_sender or analysis.automatic_because
    return ReadEmail(
        email=email,
        analysis=analysis,
        facts=received.facts,
        recipients=recipients,
        matches=matches,
        own_sender_because=own_sender,
        own_sender_setting=own_sender_setting(sender, directory),
        snippet=" ".join((analysis.reply_text or email.text_body)[:2000].split())[:SNIPPET_LENGTH],
        dedupe_key=dedupe_key(as_sent),
        special_parts=find_special_parts(email),
    )


def mail_that_came_back(
    inbound: InboundEmail,
    email: ParsedEmail,
    as_sent: ParsedEmail,
    analysis: Analysis,
    matches: tuple[Match, ...],
) -> str:
    """What a mail of our own proves by coming back: a verification mail, or a test mail; "" for all else."""
    if recognise_returned([email.message_id], as_sent.text_body):
        return "our own verification mail came back: forwarding works. An admin can confirm it from the raw mail"
    test = recognise_test(email.message_id, email.text_body)
    if test is None:
        return ""
    match, verdicts = matches[0] if matches else None, analysis.authentication
    arrival = Arrival(
        routing_address_id=match.routing_address.pk if match else None,
        matched_by=f"{match.by} in {match.recipient.found_in}" if match else "",
        from_address=email.sender.address if email.sender else "",
        spf=verdicts.spf or "",
        dkim=verdicts.dkim or "",
        dmarc=verdicts.dmarc or "",
    )
    return note_arrival(test, arrival, inbound_key=inbound.pk, now=timezone.now())


def received_mail(inbound: InboundEmail, *, dry_run: bool) -> ReceivedMail:
    """The row's own mail of its request; mails that the same request brings besides get rows of their own first."""
    try:
        mails = mails_of(inbound)
        if inbound.event_index == 0 and mails.count > 1 and not dry_run:
            add_siblings(inbound, count=mails.count)
        return mails.read(inbound.event_index)
    except FetchFailed as failure:
        raise TemporaryFailure(str(failure)) from failure
    except UnreadableRequest as failure:
        raise ReadFailed(Reason.PARSE_FAILED, str(failure)) from failure


def add_siblings(inbound: InboundEmail, *, count: int) -> None:
    """Rows for the second and later mails of one request; the unique (raw, event_index) makes a retry harmless."""
    InboundEmail.objects.bulk_create(
        (
            InboundEmail(
                received_at=inbound.received_at,
                provider=inbound.provider,
                method=inbound.method,
                path=inbound.path,
                query=inbound.query,
                headers=inbound.headers,
                remote_address=inbound.remote_address,
                raw=inbound.raw,
                event_index=index,
            )
            for index in range(1, count)
        ),
        ignore_conflicts=True,
    )


def parse(received: ReceivedMail, *, charset: str = "") -> ParsedEmail:
    try:
        if received.raw is not None:
            if looks_empty(received.raw):
                raise ReadFailed(Reason.PARSE_FAILED, "the mail is empty")
            return read_mail(received.raw, charset=charset)
        pieces = received.pieces
        if pieces is None:
            raise ReadFailed(Reason.PARSE_FAILED, "the provider's request holds neither a mail nor its pieces")
        return read_pieces(pieces.headers, pieces.text, pieces.html, pieces.attachments)
    except TooComplex as failure:
        raise ReadFailed(Reason.TOO_COMPLEX, str(failure)) from failure
    except UnreadableMail as failure:
        raise ReadFailed(Reason.PARSE_FAILED, str(failure)) from failure


def note_reading(email: ParsedEmail, trail: Trail) -> None:
    if email.sender is None:
        trail.note("read", "sender_unknown", "no readable sender")
    elif email.sender_is_ambiguous:
        trail.note(
            "read", "sender_ambiguous", "programs would read this From differently; it counts as nobody we know"
        )
    defects = ", ".join(email.defects).replace("_", " ")
    trail.note("read", "read", f"with repairs: {defects}" if defects else "as it stands")


def note_route(matches: tuple[Match, ...], trail: Trail) -> None:
    if not matches:
        because = "none of its recipients is a routing address"
        trail.note("route", "no_routing_address", because, NamedSetting("routing_address"))
        return
    first = matches[0]
    recipient = f"{first.recipient.address} in {first.recipient.found_in}"
    found = f"{recipient} is the {first.by} of {first.routing_address.routing_name}"
    others = ", ".join(match.routing_address.email_address for match in matches[1:])
    because = f"{found}; also received by {others}" if others else found
    trail.note("route", first.routing_address.email_address, because, what_matched(matches))


def what_matched(matches: tuple[Match, ...]) -> NamedSetting:
    """The order number where it alone put the first address before the second; else the address itself."""
    first, second = matches[0], matches[1] if len(matches) > 1 else None
    same_place = second is not None and first.recipient.rank == second.recipient.rank < IN_ADDRESS_HEADERS
    if same_place and second is not None:
        orders = (first.routing_address.priority_order, second.routing_address.priority_order)
        if orders[0] != orders[1] and not second.routing_address.is_deleted:
            return of_address(first.routing_address.pk, "priority_order")
    return of_address(first.routing_address.pk, "email_address")


def own_sender_because(sender: str, directory: Directory) -> str:
    """Why the sender counts as ourselves; "" when it does not."""
    if not sender:
        return ""
    if sender in system_addresses():
        return f"{sender} is our own system address"
    ours = directory.owner_of(sender)
    if ours is not None and not ours.is_deleted:
        return f"{sender} is our own routing address {ours.routing_name}"
    return ""


def own_sender_setting(sender: str, directory: Directory) -> NamedSetting | None:
    """Where it stands that this sender is one of us."""
    if sender in system_addresses():
        return in_environment("E2C_SYSTEM_FROM")
    ours = directory.owner_of(sender) if sender else None
    return of_address(ours.pk, "email_address") if ours is not None and not ours.is_deleted else None


def system_addresses() -> frozenset[str]:
    return frozenset(person.address for person in read_address_list(settings.E2C_SYSTEM_FROM))


def analysis_context(directory: Directory) -> AnalysisContext:
    keys = signing_keys()
    return AnalysisContext(
        own_addresses=system_addresses() | directory.own_addresses(),
        own_message_id=lambda identifier: case_of_message_id(identifier, keys) is not None,
        trusted_authserv_ids=settings.E2C_TRUSTED_AUTHSERV_IDS,
        resolver=shared_lookups() if settings.E2C_DNS else None,
    )


def without_verification_links(email: ParsedEmail) -> ParsedEmail:
    """A verification link in any mail, ours that came back or one somebody forwards, is not for reps to click."""
    masked = replace(
        email,
        text_body=mask_links(email.text_body),
        html_body=mask_links(email.html_body),
        attachments=tuple(replace(file, content=mask_file(file.content)) for file in email.attachments),
    )
    return email if masked == email else replace(masked, defects=(*email.defects, EmailMessage.LINK_REMOVED))
