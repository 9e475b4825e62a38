"""Write what was decided: one transaction, whose first write proves the claim and settles the row. Decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from cases.assignment import open_owned_case
from cases.claims import prove
from cases.contacts import find_contact
from cases.forwarded import contact_for, let_original_sender_take_part
from cases.hooks import queue_hooks
from cases.inbound.answering import plan_auto_response
from cases.inbound.decision import AppendToCase, Circumstances, OpenCase, ReadEmail, SeenBefore
from cases.inbound.message_rows import StoredFiles, write_message, write_participants, write_task
from cases.inbound.screening import Refusal
from cases.inbound.trail import Trail
from cases.lifecycle import record_inbound_activity
from cases.models import Case, CaseEvent, Delivery, EmailAddress, EmailMessage, InboundEmail, Participant
from cases.outbound.auto_response import write_answer
from cases.outbound.bounces import mark_deliveries
from cases.outbound.notices import NotQueued, queue_owner_notice, queue_refusal_notice
from cases.outbound.taking_back import take_back_scheduled
from cases.reasons import Reason
from routing.models import EmailToCaseSettings
from routing.named_settings import of_organisation
from routing.owners import OwnerChoice


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


def write_duplicate(
    inbound: InboundEmail, mail: ReadEmail, decision: SeenBefore, trail: Trail, *, now: datetime
) -> None:
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
    if refusal.notice and mail.email.sender is not None:
        note_notice(inbound, mail, mail.email.sender.address, refusal, trail)
    settle_row(
        inbound,
        state=refusal.state,
        trail=trail,
        now=now,
        mail=mail,
        reason=refusal.reason.value,
        because=refusal.because[:500],
    )


def note_notice(inbound: InboundEmail, mail: ReadEmail, sender: str, refusal: Refusal, trail: Trail) -> None:
    """Queue the one notice that "bounce" means here, and say in the trail why when there is none."""
    if not mail.analysis.auto_response_allowed:
        trail.note("notice", "none", "automatic and list mail is never answered")
        return
    inbound.routing_address = mail.routing_address
    notice = queue_refusal_notice(
        inbound,
        reason=refusal.reason,
        recipient=sender,
        authentication=mail.analysis.authentication,
    )
    if isinstance(notice, NotQueued):
        trail.note("notice", "none", notice.because, notice.setting)
    else:
        field = "over_limit_action" if refusal.reason == Reason.OVER_LIMIT else "unauthorized_sender_action"
        trail.note("notice", "queued", f"{notice.recipient} is told once", of_organisation(field))


def write_new_case(
    inbound: InboundEmail,
    mail: ReadEmail,
    decision: OpenCase,
    owner: OwnerChoice,
    trail: Trail,
    circumstances: Circumstances,
    files: StoredFiles,
    *,
    now: datetime,
) -> EmailMessage:
    """Open a case stamped with the routing address's settings, and put the mail into it as its source."""
    address = mail.routing_address
    sender = customer = mail.email.sender
    # An ambiguous From may name a customer who did not write: it finds no contact.
    contact, contact_because = find_contact(sender.address if sender and not mail.email.sender_is_ambiguous else "")
    if decision.original_sender is not None:
        customer = decision.original_sender
        contact, contact_because = find_contact(customer.address)
    trail.note("contact", "found" if contact else "none", contact_because)
    trail.note("owner", owner.label, owner.because, owner.setting)
    trail.note("write", "case", f"opened by a mail to {address.email_address if address else 'nobody'}")
    answer = plan_auto_response(inbound, mail, decision, circumstances.settings_row, trail, now=now)
    settle_row(inbound, state=InboundEmail.State.CASE, trail=trail, now=now, mail=mail, reason="", because="")
    if decision.original_sender is not None:
        contact = contact_for(decision.original_sender)
    case = open_owned_case(
        Case(
            subject=mail.email.subject[:500] or "(no subject)",
            description=mail.analysis.reply_text or mail.email.text_body,
            status=circumstances.default_status,
            priority=address.case_priority if address else Case._meta.get_field("priority").default,
            origin=address.case_origin if address else Case._meta.get_field("origin").default,
            record_type=(address.case_record_type if address else None) or circumstances.default_record_type,
            contact=contact,
            supplied_email=customer.address[:254] if customer else "",
            supplied_name=customer.name[:255] if customer else "",
            routing_address=address,
            created_at=inbound.received_at,
            last_activity_at=inbound.received_at,
            last_inbound_at=inbound.received_at,
            possibly_belongs_to=decision.thread.possibly,
            follows=decision.follows,
        ),
        owner,
    )
    message = write_message(
        inbound,
        mail,
        case,
        EmailMessage.ThreadBasis.NONE,
        decision.thread.flags,
        circumstances.settings_row,
        files,
        is_participant=False,
        case_is_new=True,
    )
    Case.objects.filter(pk=case.pk).update(source=message)
    case.source = message
    write_participants(mail, case, known=set(), sender_role=Participant.Role.CUSTOMER)
    if decision.original_sender is not None and sender is not None:
        let_original_sender_take_part(case, decision.original_sender, forwarder=sender.address)
    opened = CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.CASE_OPENED,
        actor_id=circumstances.settings_row.automated_case_user_id,
        email_message=message,
        because=f"{trail_sentence(mail)}; owner: {owner.label}"[:500],
    )
    queue_hooks([opened])
    write_task(mail, case, message)
    if answer is not None:
        write_answer(answer, case, inbound, now=now)
    return message


def append_to_case(
    inbound: InboundEmail,
    mail: ReadEmail,
    decision: AppendToCase,
    trail: Trail,
    settings_row: EmailToCaseSettings,
    files: StoredFiles,
    *,
    now: datetime,
) -> EmailMessage:
    """Add the mail to its case; none of the case's settings change."""
    case = decision.case
    trail.note("write", "appended", f"added to case {case.number}" + (", which it reopens" if decision.reopen else ""))
    answer = plan_auto_response(inbound, mail, decision, settings_row, trail, now=now)
    settle_row(inbound, state=InboundEmail.State.APPENDED, trail=trail, now=now, mail=mail, reason="", because="")
    message = write_message(
        inbound,
        mail,
        case,
        decision.thread.basis,
        decision.thread.flags,
        settings_row,
        files,
        is_participant=decision.thread.sender_is_participant,
        case_is_new=False,
    )
    record_inbound_activity(
        case, at=inbound.received_at, by_person=not mail.analysis.is_automatic, reopen=decision.reopen
    )
    if not mail.analysis.is_automatic:
        take_back_scheduled(case, now=now)
    if not mail.analysis.is_automatic and not decision.thread.sender_is_participant:
        write_participants(mail, case, known=None, sender_role=Participant.Role.NEW)
    kind = CaseEvent.Kind.BOUNCE_ADDED if mail.analysis.is_bounce else CaseEvent.Kind.EMAIL_ADDED
    kinds = [kind, CaseEvent.Kind.CASE_REOPENED] if decision.reopen else [kind]
    if case.snoozed_until is not None and not mail.analysis.is_automatic:
        kinds.append(CaseEvent.Kind.WOKEN)
    events = CaseEvent.objects.bulk_create(
        CaseEvent(
            case=case,
            kind=each,
            actor_id=settings_row.automated_case_user_id,
            email_message=message,
            because=decision.thread.because[:500] if each == kind else "",
        )
        for each in kinds
    )
    queue_hooks(events)
    if not mail.analysis.is_automatic:
        write_task(mail, case, message)
    if mail.analysis.is_bounce or mail.analysis.automatic_kind == "feedback_report":
        mark_reported_mail(mail, decision)
    if settings_row.notify_case_owner_on_new_email or mail.analysis.is_bounce:
        queue_owner_notice(case, message)
    if answer is not None:
        write_answer(answer, case, inbound, now=now)
    return message


def mark_reported_mail(mail: ReadEmail, decision: AppendToCase) -> None:
    """A bounce or complaint about a mail that we sent: its recipients' lines say so, and unless it is only late it is
    our turn again.
    """
    reported = decision.reported
    if reported is None:
        return
    bounce = mail.analysis.bounce
    if bounce is None or not bounce.delayed:
        Case.objects.filter(pk=decision.case.pk).update(awaiting=Case.Awaiting.US)
    if bounce is None:
        recipients = list(reported.addresses.filter(role=EmailAddress.Role.TO).values_list("address", flat=True))
        mark_deliveries(reported, recipients, Delivery.State.COMPLAINED, detail="spam complaint", at=mail_time(mail))
        return
    state = Delivery.State.DEFERRED if bounce.delayed else Delivery.State.BOUNCED
    detail = " ".join(word for word in (bounce.status, bounce.reason) if word)
    mark_deliveries(reported, bounce.recipients, state, detail=detail, at=mail_time(mail))


def mail_time(mail: ReadEmail) -> datetime:
    return mail.email.date or timezone.now()


def trail_sentence(mail: ReadEmail) -> str:
    match = mail.matches[0] if mail.matches else None
    if match is None:
        return "reached no routing address"
    return f"reached {match.routing_address.email_address} by its {match.by} in {match.recipient.found_in}"


def note_mail_of_address(mail: ReadEmail, *, now: datetime) -> None:
    """For the set-up checklist: when mail came last, and since when the forward has worked. At most one UPDATE a
    minute.
    """
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
        # The row is shared by the mails of a batch: the next one finds it noted.
        address.last_mail_at = now
        address.forwarding_seen_at = address.forwarding_seen_at or (now if forwarded else None)
