"""Mails that belong elsewhere: into a case of their own, or into another one.

Answers follow the mail: `EmailMessage.moved_from` tells threading that our ids and tokens in it name the case it came
from (cases.inbound.threading).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change, lock_two
from cases.assignment import open_owned_case
from cases.contacts import find_contact
from cases.lifecycle import default_status
from cases.models import (
    Approval,
    Case,
    CaseEvent,
    CaseLink,
    CaseTask,
    Draft,
    EmailAddress,
    EmailMessage,
    Outbox,
    Participant,
)
from routing.owners import OwnerChoice

__all__ = ["move_messages", "split_messages"]

MOST_MOVED = 200
ON_ITS_WAY = (Outbox.State.AWAITING_APPROVAL, Outbox.State.QUEUED, Outbox.State.SENDING)


@transaction.atomic
def move_messages(
    *, case: Case, message_ids: Collection[int], into: Case, by: Any, now: datetime | None = None
) -> Case:
    """Into another case, on which the person may work as well."""
    if into.pk == case.pk:
        raise CannotChange(_("The mail is on that case already."), field="other")
    case, into = lock_two(case, into, by=by)
    messages = _messages_to_move(case, message_ids)
    _move(messages, case, into, by=by, now=now or timezone.now())
    return into


@transaction.atomic
def split_messages(*, case: Case, message_ids: Collection[int], by: Any, now: datetime | None = None) -> Case:
    """Into a new case like this one, linked to it, whose owner is who owns this one."""
    now = now or timezone.now()
    case = case_to_change(case, by=by)
    messages = _messages_to_move(case, message_ids)
    new = _open_case_like(case, messages, now=now)
    CaseLink.objects.create(first=case, second=new)
    CaseEvent.objects.create(
        case=new, kind=CaseEvent.Kind.CASE_OPENED, actor=by, because=f"split from case {case.number_text}"
    )
    _move(messages, case, new, by=by, now=now)
    return new


def _messages_to_move(case: Case, message_ids: Collection[int]) -> list[EmailMessage]:
    """Oldest first. Raises CannotChange when one is not there, is on its way, or none would stay."""
    if not message_ids:
        raise CannotChange(_("Choose the mails to move."), field="messages")
    if len(message_ids) > MOST_MOVED:
        raise CannotChange(_("At most %(most)d mails can be moved at once.") % {"most": MOST_MOVED}, field="messages")
    messages = list(
        EmailMessage.objects.filter(case=case, pk__in=message_ids)
        .exclude(status=EmailMessage.Status.DRAFT)
        .defer("text_body", "html_body", "headers")
        .order_by("received_at", "pk")
    )
    if len(messages) != len(set(message_ids)):
        raise CannotChange(_("A mail of these is not on this case any more."), field="messages")
    if Outbox.objects.filter(email_message__in=messages, state__in=ON_ITS_WAY).exists():
        raise CannotChange(_("A mail that is still being sent cannot be moved."), field="messages")
    stays = EmailMessage.objects.filter(case=case).exclude(pk__in=message_ids)
    if not stays.exclude(status=EmailMessage.Status.DRAFT).exists():
        raise CannotChange(_("That is every mail of the case. Merge the case instead."), field="messages")
    return messages


def _open_case_like(case: Case, messages: list[EmailMessage], *, now: datetime) -> Case:
    incoming = [message for message in messages if message.incoming]
    first = incoming[0] if incoming else None
    contact = find_contact(first.from_address)[0] if first else None
    source = first if first is not None and not Case.objects.filter(source=first).exists() else None
    return open_owned_case(
        Case(
            subject=(first or messages[0]).subject[:500] or case.subject,
            description=(first.reply_text if first else ""),
            status=default_status(),
            priority=case.priority,
            origin=case.origin,
            record_type=case.record_type,
            contact=contact or (case.contact if first is None else None),
            supplied_email=first.from_address if first else case.supplied_email,
            supplied_name=first.from_name if first else case.supplied_name,
            routing_address=case.routing_address,
            source=source,
            created_at=now,
            last_activity_at=now,
        ),
        OwnerChoice(case.owner_user, case.owner_queue, f"owner of case {case.number_text}, from which it was split"),
    )


def _move(messages: list[EmailMessage], case: Case, into: Case, *, by: Any, now: datetime) -> None:
    keys = [message.pk for message in messages]
    moved = EmailMessage.objects.filter(pk__in=keys)
    moved.filter(moved_from__isnull=True).update(moved_from=case)
    moved.filter(moved_from=into).update(moved_from=None)  # at home again
    moved.update(case=into, thread_basis=EmailMessage.ThreadBasis.MANUAL, approved_by=by)
    Outbox.objects.filter(email_message__in=keys).update(case=into, closes_case=False)
    Approval.objects.filter(outbox__email_message__in=keys).update(case=into)
    CaseTask.objects.filter(case=case, email_message__in=keys).update(case=into)
    Draft.objects.filter(case=case, answers__in=keys).update(case=into)
    _take_people_along(messages, case, into)
    newest = messages[-1]
    Case.objects.filter(pk=into.pk).update(
        last_activity_at=now,
        last_inbound_at=_last_inbound(into),
        **({"awaiting": Case.Awaiting.US} if newest.incoming else {}),
    )
    Case.objects.filter(pk=case.pk).update(last_activity_at=now, last_inbound_at=_last_inbound(case))
    CaseEvent.objects.bulk_create(
        [
            CaseEvent(
                case=case,
                kind=CaseEvent.Kind.MAIL_MOVED,
                actor=by,
                because=f"to case {into.number_text}: {len(keys)}",
                detail={"messages": keys, "to": into.pk},
            ),
            CaseEvent(
                case=into,
                kind=CaseEvent.Kind.MAIL_MOVED,
                actor=by,
                because=f"from case {case.number_text}: {len(keys)}",
                detail={"messages": keys, "from": case.pk},
            ),
        ]
    )


def _take_people_along(messages: list[EmailMessage], case: Case, into: Case) -> None:
    """Who took part in the case and stands on these mails takes part where they go, in the same role.

    Who wrote the mail that opens a new case is its customer.
    """
    addresses = {message.from_address for message in messages if message.incoming}
    addresses |= set(EmailAddress.objects.filter(email_message__in=messages).values_list("address", flat=True))
    known = set(into.participants.values_list("address", flat=True))
    people = [
        Participant(case=into, address=row.address, name=row.name, role=row.role)
        for row in case.participants.filter(address__in=addresses)
        if row.address not in known
    ]
    if not known and into.supplied_email:
        people = [person for person in people if person.address != into.supplied_email]
        people.append(
            Participant(
                case=into,
                address=into.supplied_email,
                name=into.supplied_name,
                role=Participant.Role.CUSTOMER,
            )
        )
    Participant.objects.bulk_create(people)


def _last_inbound(case: Case) -> datetime | None:
    mails = EmailMessage.objects.filter(case=case, incoming=True, is_automatic=False)
    return mails.aggregate(last=Max("received_at"))["last"]
