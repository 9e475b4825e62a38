"""Deliver what waits in the Outbox: claim, check again, commit `sending`, hand over once, store the answer.

The order is the promise. Before `sending` is committed the provider has heard nothing, so a worker that dies leaves a
row that another one sends. After it nobody but the provider knows, so a row that is found there with its lease over
becomes `uncertain` (cases.outbound.endings): a machine never sends it again, a person may.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from cases.claims import LostLease, back_off, claim, claimed_rows, prove, release_for_retry
from cases.models import Outbox
from cases.outbound.endings import MOST_ATTEMPTS, finish, follow, mark_abandoned, put_off, record_answer
from cases.outbound.handing_over import Answer, NotNow, Unclear, hand_over, open_connection
from cases.outbound.locking import lock_case_of
from cases.outbound.messages import CannotCompose, compose
from cases.outbound.recheck import permit_hand_over, refusal_at_send
from cases.outbound.ways_out import OPEN_STATES, due_in_order, hold_back, service_of, way_out

__all__ = ["deliver_due"]

logger = logging.getLogger(__name__)

State = Outbox.State
BATCH = 10
# How long one hand-over may take before its worker counts as dead. Longer than the timeouts of a slow dialogue add up
# to.
HAND_OVER_LEASE = timedelta(minutes=5)


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
        # Only a row whose worker died again and again gets here: a refusal that repeats ends in put_off.
        finish(outbox, State.FAILED, f"Gave up after {MOST_ATTEMPTS} attempts. {outbox.detail}")
        return None
    if refusal := refusal_at_send(outbox):
        finish(outbox, State.FAILED, refusal)
        return None
    connection = way_out(outbox)
    if isinstance(connection, NotNow):
        put_off(outbox, connection)
        return connection
    try:
        message = compose(outbox, connection)
    except CannotCompose as error:
        finish(outbox, State.FAILED, str(error))
        return None
    except OSError as error:
        put_off(outbox, NotNow(f"The files of the mail could not be read: {type(error).__name__}"))
        return None
    if unreachable := open_connection(connection):
        put_off(outbox, unreachable)
        return unreachable
    try:
        if refusal := _start(outbox):
            finish(outbox, State.FAILED, refusal)
            return None
        answer = hand_over(connection, message)
        record_answer(outbox, answer)
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
        follow(outbox)
    return ""


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except OSError as error:
        # The answer is recorded; how the other side says goodbye changes nothing.
        logger.info("closing the mail connection: %s", type(error).__name__)
