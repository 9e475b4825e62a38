"""A dry run holds up no mail: what comes in meanwhile is stored at once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from cases.inbound.accept import store_raw_mail
from cases.inbound.replay import BATCH, LONGEST_HOLD, Comparison, compare
from cases.models import InboundEmail
from cases.setup import set_up_instance
from routing.models import Queue
from tests.factories import QueueFactory, RoutingAddressFactory
from tests.mails import raw_mail

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE_SECONDS = 0.3
MAILS = 8 * BATCH


def store() -> None:
    store_raw_mail(provider="ingest", raw=raw_mail(), envelope_sender="", envelope_recipients=[])


def test_mail_is_stored_while_a_dry_run_is_going_on() -> None:
    set_up_instance()
    RoutingAddressFactory(email_address="support@company.example", owner_queue=QueueFactory(name="Repairs"))
    for _number in range(MAILS):
        store()
    found: list[Comparison] = []

    def slow_change() -> None:
        Queue.objects.create(name="Tried")  # holds SQLite's write lock, if it were not held already
        time.sleep(CHANGE_SECONDS)

    def dry_run() -> None:
        try:
            mails = list(InboundEmail.objects.select_related("raw__blob").order_by("pk")[:MAILS])
            found.append(compare(mails, slow_change))
        finally:
            connections.close_all()

    runner = threading.Thread(target=dry_run)
    runner.start()
    waits = []
    while runner.is_alive():
        started = time.monotonic()
        store()
        waits.append(time.monotonic() - started)
        time.sleep(0.02)
    runner.join()

    [comparison] = found
    assert (len(comparison.compared), comparison.left_out, comparison.changed) == (MAILS, 0, [])
    assert len(waits) > MAILS / BATCH
    # At most: two transactions whose gap was missed, the change, and what a busy machine adds.
    assert max(waits) < 2 * LONGEST_HOLD + CHANGE_SECONDS + 1.5
    assert sorted(waits)[len(waits) // 2] < LONGEST_HOLD + CHANGE_SECONDS
    assert not Queue.objects.filter(name="Tried").exists()
