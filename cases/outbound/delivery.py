"""Deliver what waits in the Outbox: claim, check again, commit `sending`, hand over once, store the answer.

The order is the promise. Before `sending` is committed the provider has heard nothing, so a worker that dies leaves a
row that another one sends. After it nobody but the provider knows, so a row that is found there with its lease over
becomes `uncertain`: a machine never sends it again, a person may (`resend`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from cases.claims import LostLease, back_off, claim, claimed_rows, in_states, prove, release_for_retry, retry_at
from cases.models import Delivery, EmailMessage, Outbox
from cases.outbound.handing_over import Accepted, Answer, NotNow, Refused, Unclear, hand_over, open_connection
from cases.outbound.locking import lock_case_of
from cases.outbound.messages import CannotCompose, compose
from cases.outbound.outcomes import note_sent, note_taken_back, note_unsent
from cases.outbound.recheck import permit_hand_over, refusal_at_send
from cases.outbound.ways_out import (
    OPEN_STATES,
    PATIENCE,
    due_in_order,
    has_waited_enough,
    hold_back,
    later_for_a_person,
    note_trouble,
    note_working,
    service_of,
    way_out,
)
from routing import audit

__all__ = ["CannotCancel", "CannotResend", "cancel", "deliver_due", "mark_abandoned", "resend"]

logger = logging.getLogger(__name__)

State = Outbox.State
BATCH = 10
# How long one hand-over may take before its worker counts as dead. Longer than the timeouts of a slow dialogue add up
# to.
HAND_OVER_LEASE = timedelta(minutes=5)
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


class CannotResend(RuntimeError):
    """The mail is not in a state in which a person may send it again; the message says why."""


class CannotCancel(RuntimeError):
    """The mail is under way already."""


def deliver_due(*, limit: int = BATCH, min_age: timedelta = timedelta(0)) -> int:
    """Send up to `limit` mails that are due, oldest first. Returns how many; 0 when nothing is left to try now.

    A mail service that cannot be reached, or is silent, costs its time-out once in a call, not once for each mail, and
    only its own mail waits for it: the rest goes on. The Celery task and `manage.py sweep` both call this; several at
    once are safe. `min_age` leaves younger rows alone. Must not run inside a transaction.
    """
    mark_abandoned()
    down: dict[int | None, datetime] = {}
    while rows := _claim_due(down, limit=limit, min_age=min_age):
        if done := sum(_deliver_unless_down(outbox, down) for outbox in rows):
            return done
    return 0


def _claim_due(down: dict[int | None, datetime], *, limit: int, min_age: timedelta) -> list[Outbox]:
    now = timezone.now()
    token = claim(
        due_in_order(now=now, down=down),
        limit=limit,
        lease=timedelta(seconds=settings.E2C_LEASE_SECONDS),
        waiting_state=State.QUEUED,
        claiming_state=State.QUEUED,
        min_age=min_age,
        age_field="created_at",
        open_states=OPEN_STATES,
        now=now,
    )
    return claimed_rows(
        Outbox.objects.select_related("from_address__connection", "email_message", "case"), token, state=OPEN_STATES
    )


def _deliver_unless_down(outbox: Outbox, down: dict[int | None, datetime]) -> bool:
    """Whether the row was done with; False when its service is down, which `down` then says."""
    service = service_of(outbox)
    if service in down:
        _give_back(outbox, not_before=down[service])
        return False
    try:
        answer = _deliver(outbox)
    except LostLease:
        logger.info("outbox %s: the claim was lost, another worker or a person has it", outbox.pk)
        return True
    if isinstance(answer, Unclear) or (isinstance(answer, NotNow) and answer.whole_service):
        # The others wait as long as this one, without having used an attempt.
        down[service] = outbox.lease_until or timezone.now() + back_off(1)
        hold_back(service, until=down[service])
        return False
    return True


def _give_back(outbox: Outbox, *, not_before: datetime) -> None:
    """Unclaimed again, as if it had not been taken: it waits with the others of its service."""
    try:
        release_for_retry(
            outbox, waiting_state=State.QUEUED, not_before=not_before, attempts=max(outbox.attempts - 1, 0)
        )
    except LostLease:
        logger.info("outbox %s: somebody else has it", outbox.pk)


def _deliver(outbox: Outbox) -> Answer | None:
    """One claimed row to its end or back into the queue. Returns what the mail service said; None when it was not
    asked.

    Raises LostLease when the row is no longer ours.
    """
    if outbox.attempts > MOST_ATTEMPTS:
        # Only a row whose worker died again and again gets here: a refusal that repeats ends in _not_now.
        _finish(outbox, State.FAILED, f"Gave up after {MOST_ATTEMPTS} attempts. {outbox.detail}")
        return None
    if refusal := refusal_at_send(outbox):
        _finish(outbox, State.FAILED, refusal)
        return None
    connection = way_out(outbox)
    if isinstance(connection, NotNow):
        _not_now(outbox, connection)
        return connection
    try:
        message = compose(outbox, connection)
    except CannotCompose as error:
        _finish(outbox, State.FAILED, str(error))
        return None
    except OSError as error:
        _not_now(outbox, NotNow(f"The files of the mail could not be read: {type(error).__name__}"))
        return None
    if unreachable := open_connection(connection):
        _not_now(outbox, unreachable)
        return unreachable
    try:
        if refusal := _start(outbox):
            _finish(outbox, State.FAILED, refusal)
            return None
        answer = hand_over(connection, message)
        _record(outbox, answer)
    finally:
        _close(connection)
    return answer


def _start(outbox: Outbox) -> str:
    """Commit `sending` together with the permission for it. From here on a missing answer means uncertain.

    Returns why it must not leave, "" when it may: connecting took its time, so the permission is asked for again.
    """
    with transaction.atomic(durable=True):
        lock_case_of(outbox)
        if refusal := permit_hand_over(outbox):
            return refusal
        prove(outbox, state=State.SENDING, lease_until=timezone.now() + HAND_OVER_LEASE, detail="")
        _follow(outbox)
    return ""


def _record(outbox: Outbox, answer: Answer) -> None:
    if isinstance(answer, NotNow):
        _not_now(outbox, answer)
    elif isinstance(answer, Refused):
        _finish(outbox, State.FAILED, answer.detail)
    elif isinstance(answer, Unclear):
        _finish(outbox, State.UNCERTAIN, answer.detail)
    else:
        _sent(outbox, answer)


def _sent(outbox: Outbox, answer: Accepted) -> None:
    now = timezone.now()
    changes = {"detail": answer.detail[:500], "provider_id": answer.provider_id[:255], "sent_at": now}
    with transaction.atomic():
        lock_case_of(outbox)
        _settle(outbox, State.SENT, **changes)
        _follow(outbox)
        if outbox.email_message is not None:
            _write_deliveries(outbox.email_message, answer, now=now)
        note_sent(outbox, refused=answer.refused)
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


def _not_now(outbox: Outbox, answer: NotNow) -> None:
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
        _finish(outbox, State.FAILED, f"Gave up after {tries}. {answer.detail}")
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
        _follow(outbox)
    if answer.whole_service:
        note_trouble(outbox, answer)
    logger.info("outbox %s: not now, again at %s", outbox.pk, not_before.isoformat(timespec="seconds"))


def _finish(outbox: Outbox, state: Outbox.State, detail: str) -> None:
    """Failed or uncertain: recorded, shown, and on the case's history."""
    with transaction.atomic():
        lock_case_of(outbox)
        _settle(outbox, state, detail=detail[:500])
        _follow(outbox)
        note_unsent(outbox)
    logger.warning("outbox %s: %s", outbox.pk, state)


def _settle(outbox: Outbox, state: Outbox.State, **changes: Any) -> None:
    """Write the end of a claimed row; the claim token stays, so that a late answer finds its row.

    An answer may come after the sweep has called the row uncertain. It is the better knowledge, as long as nobody has
    sent the mail again.
    """
    if outbox.state != State.SENDING:
        prove(outbox, state=state, lease_until=None, **changes)
        return
    held = Outbox.objects.filter(
        pk=outbox.pk, claim_token=outbox.claim_token, state__in=[State.SENDING, State.UNCERTAIN]
    )
    if held.update(state=state, lease_until=None, **changes) != 1:
        raise LostLease(f"Outbox {outbox.pk} was taken over")
    outbox.state, outbox.lease_until = state, None
    for name, value in changes.items():
        setattr(outbox, name, value)


def _follow(outbox: Outbox) -> None:
    if outbox.email_message_id is not None:
        status = MESSAGE_STATUS[State(outbox.state)]
        EmailMessage.objects.filter(pk=outbox.email_message_id).update(status=status)


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except OSError as error:
        # The answer is recorded; how the other side says goodbye changes nothing.
        logger.info("closing the mail connection: %s", type(error).__name__)


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
                _follow(outbox)
                note_unsent(outbox)
        except LostLease:
            continue  # its answer came in this moment, or another sweeper was here
        marked += 1
    return marked


@transaction.atomic
def resend(outbox: Outbox, *, by: User) -> None:
    """A person sends an uncertain or failed mail again, knowing that it may arrive twice. Raises CannotResend."""
    lock_case_of(outbox)
    changed = Outbox.objects.filter(pk=outbox.pk, state__in=[State.UNCERTAIN, State.FAILED]).update(
        state=State.QUEUED,
        claim_token="",
        lease_until=None,
        not_before=None,
        attempts=0,
        human_resends=F("human_resends") + 1,
    )
    before = outbox.state
    outbox.refresh_from_db()
    if not changed:
        raise CannotResend(f"Only uncertain and failed mail is sent again; this one is {outbox.get_state_display()}.")
    _follow(outbox)
    audit.record("resend_outgoing_mail", outbox, by=by, was=str(before), human_resends=outbox.human_resends)


@transaction.atomic
def cancel(outbox: Outbox, *, by: User | None, because: str = "", is_noted: bool = False) -> None:
    """Take a waiting mail back (undo). Raises CannotCancel once `sending` is committed: then it may be out.

    `is_noted`: the history of its case says so already.
    """
    lock_case_of(outbox)
    changed = Outbox.objects.filter(pk=outbox.pk, state__in=[State.QUEUED, State.AWAITING_APPROVAL]).update(
        state=State.CANCELLED, claim_token="", lease_until=None
    )
    outbox.refresh_from_db()
    if not changed:
        raise CannotCancel(f"The mail cannot be taken back; it is {outbox.get_state_display()}.")
    _follow(outbox)
    note_taken_back(outbox, by=by, because=because, is_noted=is_noted)
    audit.record("cancel_outgoing_mail", outbox, by=by)
