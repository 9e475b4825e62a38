"""Who owns the case that a mail opens: the facts for routing.ownership, and what its answer means for the case."""

from __future__ import annotations

from datetime import datetime

from cases.contacts import find_contact
from cases.inbound.analysis.language import language_of
from cases.inbound.decision import Circumstances, OpenCase, ReadEmail
from cases.inbound.parsed import MailAddress
from cases.models import Case, CaseEvent, EmailMessage, PendingRouting
from cases.outbound.notices import NotQueued, queue_owner_notice
from cases.outbound.rule_notices import queue_entry_notice
from cases.rep_load import open_cases_of
from routing.facts import RoutingFacts
from routing.models import BusinessHours
from routing.ownership import FirstOwner, choose_first_owner, note_given

__all__ = ["facts_of", "first_owner_of", "note_first_owner"]

MOST_BODY = 20_000  # characters that conditions look at


def first_owner_of(
    mail: ReadEmail, decision: OpenCase, circumstances: Circumstances, *, received_at: datetime
) -> FirstOwner:
    """In the transaction that opens the case."""
    return choose_first_owner(
        mail.routing_address,
        circumstances.settings_row,
        lambda: facts_of(mail, decision, circumstances, received_at=received_at),
        open_cases=open_cases_of,
    )


def facts_of(
    mail: ReadEmail, decision: OpenCase, circumstances: Circumstances, *, received_at: datetime
) -> RoutingFacts:
    """Of the mail and of the case that it will open. Two queries: the contact, and the business hours."""
    address, analysis = mail.routing_address, mail.analysis
    customer = _customer(mail, decision)
    contact, _because = find_contact(customer.address if customer else "")
    record_type = (address.case_record_type if address else None) or circumstances.default_record_type
    verdicts = analysis.authentication
    body = (analysis.reply_text or mail.email.text_body)[:MOST_BODY]
    return RoutingFacts(
        received_at=received_at,
        sender_address=customer.address if customer else "",
        sender_name=customer.name if customer else "",
        subject=mail.email.subject,
        body=body,
        language=language_of(_words_of_customer(mail, decision) or body, stated=mail.email.header("Content-Language")),
        automatic_kind=analysis.automatic_kind,
        spf=verdicts.spf or "",
        dkim=verdicts.dkim or "",
        dmarc=verdicts.dmarc or "",
        has_attachment=any(not file.inline for file in mail.email.attachments),
        is_forwarded=analysis.forwarded is not None,
        is_list_mail=bool(mail.email.header("List-Id")),
        routing_address=address.email_address if address else "",
        record_type=record_type.name,
        priority=address.case_priority if address else str(Case._meta.get_field("priority").default),
        origin=address.case_origin if address else str(Case._meta.get_field("origin").default),
        contact_known=contact is not None,
        company=contact.company if contact else "",
        in_business_hours=_is_business_time(received_at),
    )


def _customer(mail: ReadEmail, decision: OpenCase) -> MailAddress | None:
    """Who the case is about. Whoever an ambiguous From names did perhaps not write it."""
    if decision.original_sender is not None:
        return decision.original_sender
    return None if mail.email.sender_is_ambiguous else mail.email.sender


def _words_of_customer(mail: ReadEmail, decision: OpenCase) -> str:
    """Of a mail that a colleague passed on: what the customer had written."""
    forwarded = mail.analysis.forwarded
    return forwarded.body if forwarded is not None and decision.original_sender is not None else ""


def _is_business_time(at: datetime) -> bool | None:
    hours = BusinessHours.objects.filter(is_default=True).first()
    return hours.schedule.is_open(at) if hours is not None else None


def note_first_owner(first: FirstOwner, case: Case, message: EmailMessage, *, now: datetime) -> None:
    """What a choice leaves behind beside the owner. Costs nothing for a plain case owner who wants no notice."""
    if first.failure:
        CaseEvent.objects.create(
            case=case, kind=CaseEvent.Kind.ROUTING_FAILED, email_message=message, because=first.failure[:500]
        )
    if first.waits_for is not None:
        PendingRouting.objects.create(case=case, step=first.waits_for, routing_version=case.routing_version, since=now)
    if case.routing_address is not None and case.routing_address.strategy == "flow" and case.owner_user_id is not None:
        note_given(case.owner_user_id)
    _tell_first_owner(first, case, message, now=now)


def _tell_first_owner(first: FirstOwner, case: Case, message: EmailMessage, *, now: datetime) -> None:
    """The notice of the entry that decided; without one, the queue's address. People: cases.notifications."""
    entry = first.entry if first.entry is not None and first.entry.notice_template is not None else None
    if entry is not None and not isinstance(queue_entry_notice(case, entry, now=now), NotQueued):
        return
    queue = first.owner.queue
    if queue is not None and queue.email:
        queue_owner_notice(case, message)
