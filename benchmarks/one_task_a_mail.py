"""The usual way, for comparison: a Celery task for each mail, which settles it by the same code."""

from __future__ import annotations

from celery import shared_task

from cases.inbound.settle import settle_batch


@shared_task(name="benchmarks.settle_one_mail", ignore_result=True)
def settle_one_mail() -> None:
    settle_batch(limit=1)
