"""Settle stored mail: claim it, read it and decide, write. The one door through which mail becomes cases.

A Celery task, `manage.py sweep` and `manage.py ingest` all call this code. Several workers at once are safe: a mail
belongs to whoever holds its claim, and the first write of a mail's transaction proves that the claim is still held.
"""

from __future__ import annotations

import hashlib
import logging
import time
import traceback
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from cases.blobs import put_many
from cases.claims import LostLease, claim, claimed_rows, release_for_retry
from cases.inbound.circumstances import load_circumstances
from cases.inbound.decision import AppendToCase, Circumstances, Decision, OpenCase, ReadEmail, SeenBefore, decide
from cases.inbound.dedupe import thread_root
from cases.inbound.failures import quarantine_failed, refuse_unread, try_again_later, wait_for_others
from cases.inbound.first_owner import first_owner_of, note_first_owner
from cases.inbound.message_rows import StoredFiles
from cases.inbound.reading import NotAMail, ReadFailed, TemporaryFailure, read_email
from cases.inbound.settled import Settled, describe_outcome
from cases.inbound.trail import Trail
from cases.inbound.writing import (
    append_to_case,
    note_mail_of_address,
    write_duplicate,
    write_new_case,
    write_refusal,
)
from cases.lifecycle import CaseWasMerged
from cases.models import InboundEmail
from cases.reasons import Reason

logger = logging.getLogger(__name__)

BATCH = 10
# After this many attempts a mail is settled as the last of its batch, so that, if it ends its worker again, it takes
# no other mail with it into quarantine.
TRIED_TOGETHER = 2
# A mail whose writing collided with another one (same dedupe key) is decided anew; twice is plenty, see
# decide_and_write.
COLLISIONS = 3


def settle_batch(*, limit: int = BATCH, min_age: timedelta = timedelta(0)) -> int:
    """Claim up to `limit` waiting mails and settle them, oldest first. Returns how many were claimed.

    `min_age` leaves younger mails to the Celery worker; rows whose lease ran out are taken whatever their age.
    """
    lease = timedelta(seconds=settings.E2C_LEASE_SECONDS)
    token = claim(
        InboundEmail.objects.all(),
        limit=limit,
        lease=lease,
        waiting_state=InboundEmail.State.RECEIVED,
        claiming_state=InboundEmail.State.PROCESSING,
        min_age=min_age,
    )
    rows = claimed_rows(InboundEmail.objects.select_related("raw__blob"), token, state=InboundEmail.State.PROCESSING)
    if not rows:
        return 0
    try:
        circumstances = load_circumstances()
    except Exception:
        # No fault of these mails: left claimed, they would use up their attempts and end before a person.
        for inbound in rows:
            give_back(inbound)
        raise
    claimed, rows = len(rows), those_to_settle(rows)
    renew_after = time.monotonic() + lease.total_seconds() / 4
    for inbound in rows:
        if time.monotonic() > renew_after:
            # A mail before this one waited for its provider: the rest of the batch must not lose its lease.
            renew_after = time.monotonic() + lease.total_seconds() / 4
            renew_lease(token, lease)
        settle_one(inbound, circumstances)
    return claimed


def those_to_settle(rows: list[InboundEmail]) -> list[InboundEmail]:
    """A mail that ended several workers may end the next one too: one of that kind comes last, the others wait."""
    suspects = [inbound for inbound in rows if inbound.attempts > TRIED_TOGETHER]
    others = [inbound for inbound in rows if inbound.attempts <= TRIED_TOGETHER]
    for inbound in suspects[1:]:
        give_back(inbound)
    return others + suspects[:1]


def give_back(inbound: InboundEmail) -> None:
    """As if it had not been claimed: it is due at once."""
    release_for_retry(
        inbound,
        waiting_state=InboundEmail.State.RECEIVED,
        not_before=timezone.now(),
        attempts=inbound.attempts - 1,
    )


def renew_lease(token: str, lease: timedelta) -> None:
    """Keep what is left of a batch. A row that somebody took over meanwhile has another token and stays theirs."""
    InboundEmail.objects.filter(claim_token=token, state=InboundEmail.State.PROCESSING).update(
        lease_until=timezone.now() + lease
    )


def settle_one(inbound: InboundEmail, circumstances: Circumstances, *, dry_run: bool = False) -> Settled:
    """Turn one claimed mail into a case, a message on a case, or a recorded refusal. Never raises for a bad mail."""
    settled = Settled(inbound, Trail())
    if inbound.attempts > settings.E2C_SETTLE_ATTEMPTS and not dry_run:
        # An exception would have been recorded, and been the end sooner: this mail ended its workers.
        because = f"{inbound.attempts - 1} workers began with it and did not come back"
        settled.state, settled.reason, settled.because = InboundEmail.State.QUARANTINED, Reason.FAILED, because
        quarantine_failed(settled, because, inbound.last_error)
        return settled
    try:
        settled.mail = read_email(inbound, settled.trail, dry_run=dry_run, directory=circumstances.directory)
        decide_and_write(settled, settled.mail, circumstances, dry_run=dry_run)
    except LostLease:
        logger.info("inbound email %s: the claim was lost, another worker has it", inbound.pk)
        settled.state = InboundEmail.State.PROCESSING
    except NotAMail as refusal:
        refuse_unread(settled, InboundEmail.State.REJECTED, Reason.NOT_A_MAIL, str(refusal), dry_run=dry_run)
    except ReadFailed as failure:
        refuse_unread(settled, InboundEmail.State.QUARANTINED, failure.reason, str(failure), dry_run=dry_run)
    except (TemporaryFailure, OSError, OperationalError) as failure:
        wait_for_others(settled, str(failure) or type(failure).__name__, dry_run=dry_run)
    except Exception as error:  # noqa: BLE001 - recorded on the row, tried again, quarantined after the last try
        logger.warning("inbound email %s: attempt %s failed: %s", inbound.pk, inbound.attempts, type(error).__name__)
        try_again_later(settled, traceback.format_exc(limit=-8), dry_run=dry_run)
    return settled


def decide_and_write(settled: Settled, mail: ReadEmail, circumstances: Circumstances, *, dry_run: bool) -> None:
    """One transaction a mail: lock its thread, decide, write.

    Two deliveries of one mail may be decided at the same moment. PostgreSQL's lock on the thread and SQLite's single
    writer put them in a row; the unique dedupe key is the final word, and whoever runs into it decides anew and finds
    a duplicate.
    """
    files = [] if dry_run else store_files(mail, circumstances)
    read_lines = list(settled.trail.lines)
    for attempt in range(COLLISIONS):
        settled.trail.lines = list(read_lines)
        try:
            with transaction.atomic():
                lock_thread(mail)
                settled.decision = decide(mail, settled.inbound, circumstances, settled.trail, now=timezone.now())
                if not dry_run:
                    write(settled, mail, settled.decision, circumstances, files)
            break
        except (IntegrityError, CaseWasMerged):
            settled.inbound.state = InboundEmail.State.PROCESSING  # what was written is rolled back
            if attempt == COLLISIONS - 1:
                raise
    describe_outcome(settled)
    if not dry_run:
        circumstances.day.cases += settled.state == InboundEmail.State.CASE
        note_mail_of_address(mail, now=timezone.now())


def lock_thread(mail: ReadEmail) -> None:
    """Let one worker at a time decide on mails of one thread. SQLite: the transaction holds the only write lock
    already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [thread_root(mail.email) or mail.dedupe_key]
            )


def store_files(mail: ReadEmail, circumstances: Circumstances) -> StoredFiles:
    """The mail's files, on disk before the transaction begins. What no case takes in the end, the sweeper removes."""
    files = mail.email.attachments[: circumstances.settings_row.max_attachments]
    blobs = put_many([file.content for file in files]) if files else {}
    return [(file, blobs[hashlib.sha256(file.content).hexdigest()]) for file in files]


def write(
    settled: Settled, mail: ReadEmail, decision: Decision, circumstances: Circumstances, files: StoredFiles
) -> None:
    inbound, trail, now = settled.inbound, settled.trail, timezone.now()
    if isinstance(decision, SeenBefore):
        write_duplicate(inbound, mail, decision, trail, now=now)
    elif isinstance(decision, AppendToCase):
        settled.message = append_to_case(inbound, mail, decision, trail, circumstances.settings_row, files, now=now)
    elif isinstance(decision, OpenCase):
        first = first_owner_of(mail, decision, circumstances, received_at=inbound.received_at)
        settled.message = write_new_case(inbound, mail, decision, first.owner, trail, circumstances, files, now=now)
        note_first_owner(first, settled.message.case, settled.message, now=now)
    else:
        write_refusal(inbound, mail, decision, trail, now=now)
