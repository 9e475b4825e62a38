"""Write what was decided: one transaction, whose first write proves the claim and settles the row. No decision is taken here."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from cases.assignment import open_owned_case
from cases.blobs import put_many
from cases.claims import prove
from cases.contacts import find_contact
from cases.file_types import detect_type
from cases.inbound.decision import AppendToCase, Circumstances, OpenCase, ReadEmail, SeenBefore
from cases.inbound.screening import Refusal
from cases.inbound.trail import Trail
from cases.lifecycle import record_inbound_activity
from cases.message_ids import hash_of, thread_index_root
from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    CaseTask,
    EmailAddress,
    EmailMessage,
    InboundEmail,
    Participant,
)
from cases.outbound.notices import queue_owner_notice, queue_refusal_notice
from routing.models import EmailToCaseSettings
from routing.owners import OwnerChoice

# A mail to a thousand people is kept whole in its raw form; the case lists this many of them.
MOST_ADDRESSES = 500
MOST_PARTICIPANTS = 100


def settle_row(
    inbound: InboundEmail, *, state: str, trail: Trail, now: datetime, mail: ReadEmail | None = None, **changes: Any
) -> None:
    """Prove the claim and record the outcome in one UPDATE. Raises LostLease when the claim is not ours any more."""
    changes |= {"state": state, "trail": trail.as_json(), "settled_at": now, "lease_until": None, "last_error": ""}
    if mail is not None:
        changes |= {
            "from_address": (mail.email.sender.address if mail.email.sender else "")[:254],
            "subject": mail.email.subject[:255],
            "routing_address": mail.routing_address,
            "also_received_by": mail.also_received_by,
        }
    prove(inbound, **changes)


def write_duplicate(inbound: InboundEmail, mail: ReadEmail, decision: SeenBefore, trail: Trail, *, now: datetime) -> None:
    """Another delivery of a mail we have. A routing address that it reached in addition is noted on the mail."""
    settle_row(
        inbound,
        state=InboundEmail.State.DUPLICATE,
        trail=trail,
        now=now,
        mail=mail,
        reason="same_mail",
        because="another delivery of a mail received before",
        duplicate_of=decision.original,
    )
    original = decision.original
    more = [
        match.routing_address.email_address
        for match in mail.matches
        if match.routing_address.pk != original.case.routing_address_id
        and match.routing_address.email_address not in original.also_received_by
    ]
    if more:
        EmailMessage.objects.filter(pk=original.pk).update(also_received_by=[*original.also_received_by, *more])


def write_refusal(inbound: InboundEmail, mail: ReadEmail, refusal: Refusal, trail: Trail, *, now: datetime) -> None:
    settle_row(
        inbound,
        state=refusal.state,
        trail=trail,
        now=now,
        mail=mail,
        reason=refusal.reason.value,
        because=refusal.because[:500],
    )
    if refusal.notice and mail.email.sender is not None and mail.analysis.auto_response_allowed:
        queue_refusal_notice(inbound, reason=refusal.reason, recipient=mail.email.sender.address, authentication=mail.analysis.authentication)


def write_new_case(
    inbound: InboundEmail,
    mail: ReadEmail,
    decision: OpenCase,
    owner: OwnerChoice,
    trail: Trail,
    circumstances: Circumstances,
    *,
    now: datetime,
) -> EmailMessage:
    """Open a case stamped with the routing address's settings, and put the mail into it as its source."""
    address = mail.routing_address
    sender = mail.email.sender
    # An ambiguous From may name a customer who did not write: it finds no contact.
    contact, contact_because = find_contact(sender.address if sender and not mail.email.sender_is_ambiguous else "")
    trail.note("contact", "found" if contact else "none", contact_because)
    trail.note("owner", owner.label, owner.because)
    trail.note("write", "case", f"opened by a mail to {address.email_address if address else 'nobody'}")
    settle_row(inbound, state=InboundEmail.State.CASE, trail=trail, now=now, mail=mail, reason="", because="")
    case = open_owned_case(
        Case(
            subject=mail.email.subject[:500] or "(no subject)",
            description=mail.analysis.reply_text or mail.email.text_body,
            status=circumstances.default_status,
            priority=address.case_priority if address else Case._meta.get_field("priority").default,
            origin=address.case_origin if address else Case._meta.get_field("origin").default,
            record_type=(address.case_record_type if address else None) or circumstances.default_record_type,
            contact=contact,
            supplied_email=sender.address[:254] if sender else "",
            supplied_name=sender.name[:255] if sender else "",
            routing_address=address,
            created_at=inbound.received_at,
            last_activity_at=inbound.received_at,
            last_inbound_at=inbound.received_at,
            possibly_belongs_to=decision.thread.possibly,
            follows=decision.follows,
        ),
        owner,
    )
    message = write_message(inbound, mail, case, EmailMessage.ThreadBasis.NONE, decision.thread.flags, circumstances.settings_row, is_participant=False)
    Case.objects.filter(pk=case.pk).update(source=message)
    case.source = message
    write_participants(mail, case, known=set(), sender_role=Participant.Role.CUSTOMER)
    CaseEvent.objects.create(
        case=case, kind=CaseEvent.Kind.CASE_OPENED, email_message=message, because=f"{trail_sentence(mail)}; owner: {owner.label}"[:500]
    )
    write_task(mail, case, message)
    return message


def append_to_case(
    inbound: InboundEmail,
    mail: ReadEmail,
    decision: AppendToCase,
    trail: Trail,
    settings_row: EmailToCaseSettings,
    *,
    now: datetime,
) -> EmailMessage:
    """Add the mail to its case; none of the case's settings change."""
    case = decision.case
    trail.note("write", "appended", f"added to case {case.number}" + (", which it reopens" if decision.reopen else ""))
    settle_row(inbound, state=InboundEmail.State.APPENDED, trail=trail, now=now, mail=mail, reason="", because="")
    message = write_message(
        inbound, mail, case, decision.thread.basis, decision.thread.flags, settings_row, is_participant=decision.thread.sender_is_participant
    )
    record_inbound_activity(
        case, at=inbound.received_at, by_person=not mail.analysis.is_automatic, reopen=decision.reopen
    )
    if not mail.analysis.is_automatic and not decision.thread.sender_is_participant:
        write_participants(mail, case, known=None, sender_role=Participant.Role.NEW)
    kind = CaseEvent.Kind.BOUNCE_ADDED if mail.analysis.is_bounce else CaseEvent.Kind.EMAIL_ADDED
    events = [CaseEvent(case=case, kind=kind, email_message=message, because=decision.thread.because[:500])]
    if decision.reopen:
        events.append(CaseEvent(case=case, kind=CaseEvent.Kind.CASE_REOPENED, email_message=message))
    CaseEvent.objects.bulk_create(events)
    if not mail.analysis.is_automatic:
        write_task(mail, case, message)
    if settings_row.notify_case_owner_on_new_email or mail.analysis.is_bounce:
        queue_owner_notice(case, message)
    return message


def trail_sentence(mail: ReadEmail) -> str:
    match = mail.matches[0] if mail.matches else None
    if match is None:
        return "reached no routing address"
    return f"reached {match.routing_address.email_address} by its {match.by} in {match.recipient.found_in}"


def write_message(
    inbound: InboundEmail,
    mail: ReadEmail,
    case: Case,
    basis: str,
    flags: tuple[str, ...],
    settings_row: EmailToCaseSettings,
    *,
    is_participant: bool,
) -> EmailMessage:
    email, analysis = mail.email, mail.analysis
    address = mail.routing_address
    message = EmailMessage.objects.create(
        case=case,
        inbound_email=inbound,
        incoming=True,
        from_address=email.sender.address[:254] if email.sender else "",
        from_name=email.sender.name[:255] if email.sender else "",
        subject=email.subject[:1000],
        text_body=email.text_body,
        html_body=email.html_body,
        reply_text=analysis.reply_text,
        snippet=mail.snippet,
        dedupe_key=mail.dedupe_key,
        message_identifier=email.message_id[:998],
        message_identifier_hash=hash_of(email.message_id),
        in_reply_to=" ".join(email.in_reply_to),
        in_reply_to_hash=hash_of(email.in_reply_to[0]) if email.in_reply_to else "",
        references=" ".join(email.references),
        thread_index=email.thread_index[:500],
        thread_index_hash=thread_index_root(email.thread_index),
        headers=[list(header) for header in email.headers] if address and address.save_email_headers else None,
        message_date=email.date,
        received_at=inbound.received_at,
        is_automatic=analysis.is_automatic,
        automatic_kind=analysis.automatic_kind,
        is_bounce=analysis.is_bounce,
        bounce=asdict(analysis.bounce) if analysis.bounce else None,
        forwarded_original=asdict(analysis.forwarded) if analysis.forwarded else None,
        spf=(analysis.authentication.spf or "")[:12],
        dkim=(analysis.authentication.dkim or "")[:12],
        dmarc=(analysis.authentication.dmarc or "")[:12],
        authenticated_by=(analysis.authentication.by or "")[:255],
        thread_basis=basis,
        sender_is_participant=is_participant,
        flags=flags_of(mail, flags),
        defects=list(email.defects),
        also_received_by=mail.also_received_by,
    )
    people = [
        (role, person)
        for role, group in (
            (EmailAddress.Role.TO, email.to),
            (EmailAddress.Role.CC, email.cc),
            (EmailAddress.Role.BCC, email.bcc),
            (EmailAddress.Role.REPLY_TO, email.reply_to),
        )
        for person in group
    ]
    EmailAddress.objects.bulk_create(
        EmailAddress(email_message=message, role=role, address=person.address[:254], name=person.name[:255])
        for role, person in people[:MOST_ADDRESSES]
    )
    write_attachments(message, mail, settings_row)
    return message


def flags_of(mail: ReadEmail, flags: tuple[str, ...]) -> list[str]:
    """What a rep should be warned of, as slugs; pages have the sentences."""
    found = list(flags)
    if mail.email.sender is None:
        found.append("sender_unknown")
    elif mail.email.sender_is_ambiguous:
        found.append("sender_ambiguous")
    if mail.analysis.authentication.failed_dmarc and "dmarc_failed" not in found:
        found.append("dmarc_failed")
    return found


def write_attachments(message: EmailMessage, mail: ReadEmail, settings_row: EmailToCaseSettings) -> None:
    """Files by content: stored once, listed each; bytes the case has already are marked as repeated."""
    files = mail.email.attachments[: settings_row.max_attachments]
    if not files:
        return
    blobs = put_many([file.content for file in files])
    repeated: set[str] = set()
    if settings_row.dedupe_attachments:
        repeated = set(
            Attachment.objects.filter(email_message__case_id=message.case_id, blob__in=[blob.pk for blob in blobs]).values_list(
                "blob_id", flat=True
            )
        )
    Attachment.objects.bulk_create(
        Attachment(
            email_message=message,
            blob=blob,
            position=position,
            file_name=file.file_name[:255],
            declared_type=file.content_type[:127],
            content_type=detect_type(file.content, file.file_name, file.content_type)[:127],
            inline=file.inline,
            content_id=file.content_id[:255],
            is_repeated=blob.pk in repeated,
        )
        for position, (file, blob) in enumerate(zip(files, blobs, strict=True))
    )


def write_participants(mail: ReadEmail, case: Case, *, known: set[str] | None, sender_role: str) -> None:
    """The sender and, on a new case, everybody copied who is not one of our own addresses. `known` None: some exist already."""
    ours = {match.recipient.address for match in mail.matches} | {match.routing_address.email_address for match in mail.matches}
    people: dict[str, Participant] = {}
    sender = mail.email.sender
    if sender is not None and not mail.email.sender_is_ambiguous:
        people[sender.address] = Participant(case=case, address=sender.address[:254], name=sender.name[:255], role=sender_role)
    if sender_role == Participant.Role.CUSTOMER:
        for person in (*mail.email.to, *mail.email.cc)[:MOST_PARTICIPANTS]:
            if person.address not in ours and person.address not in people:
                people[person.address] = Participant(
                    case=case, address=person.address[:254], name=person.name[:255], role=Participant.Role.COPIED
                )
    if people:
        Participant.objects.bulk_create(people.values(), ignore_conflicts=known is None)


def write_task(mail: ReadEmail, case: Case, message: EmailMessage) -> None:
    address = mail.routing_address
    if address is not None and address.create_task:
        CaseTask.objects.create(
            case=case,
            subject=f"Answer: {mail.email.subject}"[:255],
            status=address.task_status,
            owner=case.owner_user,
            email_message=message,
        )


def note_mail_of_address(mail: ReadEmail, *, now: datetime) -> None:
    """For the set-up checklist: when mail came last, and since when the forward has worked. At most one UPDATE a minute."""
    match = mail.matches[0] if mail.matches else None
    if match is None:
        return
    address = match.routing_address
    forwarded = match.by == "services address"
    stale = address.last_mail_at is None or (now - address.last_mail_at).total_seconds() > 60
    if stale or (forwarded and address.forwarding_seen_at is None):
        type(address).objects.filter(pk=address.pk).update(
            last_mail_at=now,
            forwarding_seen_at=Coalesce(F("forwarding_seen_at"), Value(now)) if forwarded else F("forwarding_seen_at"),
        )
