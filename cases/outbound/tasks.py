"""The doorbell of the Outbox. `manage.py sweep` does the same work without Celery."""

from __future__ import annotations

from celery import shared_task

from cases.outbound.delivery import deliver_due

MOST_BATCHES = 20  # in one task, so that a worker can be stopped


@shared_task(name="cases.outbound.deliver", ignore_result=True)
def deliver() -> None:
    """Send what is due, batch after batch."""
    for _ in range(MOST_BATCHES):
        if not deliver_due():
            return
