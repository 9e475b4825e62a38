"""How a claimed row of the Outbox ends: sent, failed, uncertain, or back in the queue for later.

The row, the status of its message and what it means for the case (cases.outbound.outcomes) are written in one
transaction, which takes the locks in the order of cases.outbound.locking.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from cases.claims import LostLease, in_states, prove, release_for_retry, retry_at
from cases.models import Delivery, EmailMessage, Outbox
from cases.outbound.handing_over import Accepted, Answer, NotNow, Refused, Unclear
from cases.outbound.locking import lock_case_of
from cases.outbound.outcomes import note_sent, note_unsent
from cases.outbound.ways_out import (
    OPEN_STATES,
    PATIENCE,
    has_waited_enough,
    later_for_a_person,
    note_trouble,
    note_working,
)

__all__ = ["MESSAGE_STATUS", "MOST_ATTEMPTS", "finish", "follow", "mark_abandoned", "put_off", "record_answer"]

logger = logging.getLogger(__name__)

State = Outbox.State
MOST_ATTEMPTS = 12  # with cases.claims.back_off: about seven hours

# EmailMessage.status follows the Outbox.
MESSAGE_STATUS = {
    State.AWAITING_APPROVAL: EmailMessage.Status.QUEUED,
    State.QUEUED: EmailMessage.Status.QUEUED,
    State.SENDING: EmailMessage.Status.SENDING,
    State.SENT: EmailMessage.Status.SENT,
    State.UNCERTAIN: EmailMessage.Status.UNCERTAIN,
    State.FAILED: EmailMessage.Status.FAILED,
    State.CANCELLED: EmailMessage.Status.DRAFT,
}


def record_answer(outbox: Outbox, answer: Answer) -> None:
    if isinstance(answer, NotNow):
        put_off(outbox, answer)
    elif isinstance(answer, Refused):
        finish(outbox, State.FAILED, answer.detail)
    elif isinstance(answer, Unclear):
        finish(outbox, State.UNCERTAIN, answer.detail)
    else:
        _sent(outbox, answer)


def _sent(outbox: Outbox, answer: Accepted) -> None:
    now = timezone.now()
    changes = {"detail": answer.detail[:500], "provider_id": answer.provider_id[:255], "sent_at": now}
    with transaction.atomic():
        lock_case_of(outbox)
        was_uncertain = _settle(outbox, State.SENT, **changes)
        follow(outbox)
        if outbox.email_message is not None:
            _write_deliveries(outbox.email_message, answer, now=now)
        note_sent(outbox, refused=answer.refused, was_returned=was_uncertain or outbox.human_resends > 0)
    note_working(outbox)


def _write_deliveries(email_message: EmailMessage, answer: Accepted, *, now: datetime) -> None:
    """One row per recipient. A report can be faster than the answer: rows that are there keep their state."""
    recipients = email_message.addresses.exclude(role="reply_to").values_list("address", flat=True)
    Delivery.objects.bulk_create(
        [
            Delivery(
                email_message=email_message,
                recipient=recipient,
                state=Delivery.State.BOUNCED if recipient in answer.refused else Delivery.State.SENT,
                provider_id=(answer.provider_ids.get(recipient) or answer.provider_id)[:255],
                detail=answer.refused.get(recipient, "")[:500],
                at=now,
            )
            for recipient in dict.fromkeys(recipients)
        ],
        ignore_conflicts=True,
    )


def put_off(outbox: Outbox, answer: NotNow) -> None:
    """Back into the queue, for later; failed when it was tried often enough, or waited for a person for days."""
    now, attempts = timezone.now(), outbox.attempts
    if answer.waits_for_person:
        tries, attempts, not_before = (
            f"{PATIENCE.days} days",
            max(attempts - 1, 0),
            later_for_a_person(outbox, now=now),
        )
        has_to_end = has_waited_enough(outbox, now=now)
    else:
        tries, not_before = f"{attempts} attempts", retry_at(attempts, now=now, told=answer.retry_after)
        has_to_end = attempts >= MOST_ATTEMPTS
    if has_to_end:
        finish(outbox, State.FAILED, f"Gave up after {tries}. {answer.detail}")
        return
    with transaction.atomic():
        lock_case_of(outbox)
        release_for_retry(
            outbox,
            waiting_state=State.QUEUED,
            not_before=not_before,
            detail=answer.detail[:500],
            attempts=attempts,
        )
        follow(outbox)
    if answer.whole_service:
        note_trouble(outbox, answer)
    logger.info("outbox %s: not now, again at %s", outbox.pk, not_before.isoformat(timespec="seconds"))


def finish(outbox: Outbox, state: Outbox.State, detail: str) -> None:
    """Failed or uncertain: recorded, shown, and on the case's history."""
    with transaction.atomic():
        lock_case_of(outbox)
        _settle(outbox, state, detail=detail[:500])
        follow(outbox)
        note_unsent(outbox)
    logger.warning("outbox %s: %s", outbox.pk, state)


def _settle(outbox: Outbox, state: Outbox.State, **changes: Any) -> bool:
    """Write the end of a claimed row; the claim token stays, so that a late answer finds its row.

    An answer may come after the sweep has called the row uncertain. It is the better knowledge, as long as nobody has
    sent the mail again. Returns whether it came that late.
    """
    if outbox.state != State.SENDING:
        prove(outbox, state=state, lease_until=None, **changes)
        return False
    changes |= {"state": state, "lease_until": None}
    held = Outbox.objects.filter(pk=outbox.pk, claim_token=outbox.claim_token)
    is_late = not held.filter(state=State.SENDING).update(**changes)
    if is_late and not held.filter(state=State.UNCERTAIN).update(**changes):
        raise LostLease(f"Outbox {outbox.pk} was taken over")
    for name, value in changes.items():
        setattr(outbox, name, value)
    return is_late


def follow(outbox: Outbox) -> None:
    if outbox.email_message_id is not None:
        status = MESSAGE_STATUS[State(outbox.state)]
        EmailMessage.objects.filter(pk=outbox.email_message_id).update(status=status)


def mark_abandoned(*, now: datetime | None = None) -> int:
    """Call rows uncertain whose worker died between `sending` and the answer. Returns how many."""
    now = now or timezone.now()
    abandoned: QuerySet[Outbox] = Outbox.objects.filter(
        in_states(*OPEN_STATES), state=State.SENDING, lease_until__lte=now
    )
    marked = 0
    for outbox in abandoned.select_related("email_message", "case").order_by("pk")[:100]:
        detail = "The sending process ended without an answer of the provider. It may have the mail."
        try:
            with transaction.atomic():
                lock_case_of(outbox)
                prove(outbox, state=State.UNCERTAIN, lease_until=None, detail=detail)
                follow(outbox)
                note_unsent(outbox)
        except LostLease:
            continue  # its answer came in this moment, or another sweeper was here
        marked += 1
    return marked
