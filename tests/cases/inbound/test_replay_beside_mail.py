"""A dry run holds up no mail: what comes in meanwhile is stored at once."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from cases.inbound.accept import store_raw_mail
from cases.inbound.replay import BATCH, Comparison, compare
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


def test_mail_is_stored_while_a_dry_run_is_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.inbound.replay.LONGEST_COMPARISON", 600)  # seconds: to its end, however long it takes
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
    begun = time.monotonic()
    runner.start()
    waits = []
    while runner.is_alive():
        started = time.monotonic()
        store()
        waits.append(time.monotonic() - started)
        time.sleep(0.02)
    runner.join()
    whole = time.monotonic() - begun

    [comparison] = found
    assert (len(comparison.compared), comparison.left_out, comparison.changed) == (MAILS, 0, [])
    assert len(waits) > MAILS / BATCH
    # Each for a few of the many transactions, also where a gap between two of them was missed. In parts of the whole:
    # a busy machine takes longer over both.
    assert max(waits) < whole / 2
    assert sorted(waits)[len(waits) // 2] < whole / 8
    assert not Queue.objects.filter(name="Tried").exists()
