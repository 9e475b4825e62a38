"""Celery's part: a doorbell rings, a batch is settled. The task carries no ids; the rows are the queue."""

from __future__ import annotations

import time

from celery import shared_task

from cases.inbound.settle import BATCH, settle_batch
from cases.models import Outbox
from cases.outbound.tasks import deliver

# One ring drains what is there, but gives the worker back now and then for other tasks.
LONGEST_RUN_SECONDS = 20.0


@shared_task(name="cases.inbound.tasks.settle_mail", ignore_result=True)
def settle_mail() -> int:
    """Settle until nothing waits. Returns the number of mails."""
    started = time.monotonic()
    settled = 0
    while (claimed := settle_batch(limit=BATCH)) > 0:
        settled += claimed
        if time.monotonic() - started > LONGEST_RUN_SECONDS:
            settle_mail.apply_async(ignore_result=True, retry=False)
            break
    if Outbox.objects.filter(state=Outbox.State.QUEUED).exists():
        deliver.apply_async(ignore_result=True, retry=False)
    return settled
