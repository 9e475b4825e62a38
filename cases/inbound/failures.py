"""A mail that could not be settled: refused unread, tried again, waited for, or put before a person. All recorded."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from cases.claims import LONGEST_ERROR, LostLease, release_for_retry, retry_at
from cases.inbound.reader.charsets import clean_text
from cases.inbound.settled import Settled
from cases.inbound.writing import settle_row
from cases.models import InboundEmail
from cases.reasons import Reason

logger = logging.getLogger(__name__)

# How long a mail waits for what it needs from others, and how often it looks.
LONGEST_WAIT = timedelta(hours=24)
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)


def refuse_unread(settled: Settled, state: InboundEmail.State, reason: Reason, because: str, *, dry_run: bool) -> None:
    """Record an outcome for a request that gave no mail. The raw request is kept; an admin can retry it."""
    because = clean_text(because)  # it may quote the request
    settled.state, settled.reason, settled.because = state, reason, because
    settled.trail.note("read", reason.value, because)
    if dry_run:
        return
    try:
        settle_row(
            settled.inbound,
            state=state,
            trail=settled.trail,
            now=timezone.now(),
            reason=reason.value,
            because=because[:500],
        )
    except LostLease:
        logger.info("inbound email %s: the claim was lost, another worker has it", settled.inbound.pk)


def try_again_later(settled: Settled, error: str, *, dry_run: bool) -> None:
    """Record a failed attempt in a transaction of its own, and wait longer each time; after the last one a person must
    look.
    """
    inbound = settled.inbound
    inbound.state = InboundEmail.State.PROCESSING  # whatever the failed transaction wrote is rolled back
    # An error may quote what no database stores (NUL, half a surrogate pair): it would never be recorded.
    error = clean_text(error)
    last_line = error.strip().rsplit("\n", 1)[-1][:400]
    settled.because = last_line
    if dry_run or inbound.attempts >= settings.E2C_SETTLE_ATTEMPTS:
        because = f"failed {inbound.attempts} times; the last error: {last_line}"
        settled.state, settled.reason, settled.because = InboundEmail.State.QUARANTINED, Reason.FAILED, because
        if not dry_run:
            quarantine_failed(settled, because, error)
        return
    settled.state = InboundEmail.State.RECEIVED
    try:
        release_for_retry(
            inbound,
            waiting_state=InboundEmail.State.RECEIVED,
            not_before=retry_at(inbound.attempts, now=timezone.now()),
            last_error=error[-LONGEST_ERROR:],
        )
    except (LostLease, DatabaseError) as fault:
        # The lease runs out by itself and the mail is claimed again; nothing is lost but this note.
        logger.warning(
            "inbound email %s: the failed attempt could not be recorded: %s", inbound.pk, type(fault).__name__
        )


def wait_for_others(settled: Settled, error: str, *, dry_run: bool) -> None:
    """A provider's API, the storage or the database is away, which is no fault of the mail: no attempt is counted.

    It is tried for LONGEST_WAIT after it came, at first every ten seconds, in the end every hour.
    """
    inbound, now = settled.inbound, timezone.now()
    age = now - inbound.received_at
    if dry_run or age > LONGEST_WAIT:
        inbound.attempts = max(inbound.attempts, settings.E2C_SETTLE_ATTEMPTS)
        try_again_later(settled, error, dry_run=dry_run)
        return
    settled.state, settled.because = InboundEmail.State.RECEIVED, clean_text(error)[:400]
    inbound.state = InboundEmail.State.PROCESSING
    try:
        release_for_retry(
            inbound,
            waiting_state=InboundEmail.State.RECEIVED,
            not_before=now + min(max(SHORTEST_PAUSE, age / 4), LONGEST_PAUSE),
            attempts=max(0, inbound.attempts - 1),
            last_error=clean_text(error)[-LONGEST_ERROR:],
        )
    except (LostLease, DatabaseError) as fault:
        logger.warning("inbound email %s: the wait could not be recorded: %s", inbound.pk, type(fault).__name__)


def quarantine_failed(settled: Settled, because: str, error: str) -> None:
    settled.trail.note("write", Reason.FAILED.value, because)
    try:
        settle_row(
            settled.inbound,
            state=InboundEmail.State.QUARANTINED,
            trail=settled.trail,
            now=timezone.now(),
            reason=Reason.FAILED.value,
            because=because[:500],
        )
        InboundEmail.objects.filter(pk=settled.inbound.pk).update(last_error=error[-LONGEST_ERROR:])
    except (LostLease, DatabaseError) as fault:
        logger.warning(
            "inbound email %s: its quarantine could not be recorded: %s", settled.inbound.pk, type(fault).__name__
        )
