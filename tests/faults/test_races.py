"""Two workers, one thread of mails, the same moment. Threads on PostgreSQL, where writers really run side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from cases.inbound.accept import store_raw_mail
from cases.inbound.circumstances import load_circumstances
from cases.inbound.settle import settle_one
from cases.models import Case, EmailMessage, InboundEmail
from cases.setup import set_up_instance
from tests.factories import RoutingAddressFactory
from tests.faults.harness import message_id, raw_mail
from tests.faults.instance import ADDRESS

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 50


@pytest.fixture(autouse=True)
def support() -> Any:
    set_up_instance()
    return RoutingAddressFactory(email_address=ADDRESS, last_mail_at=timezone.now(), forwarding_seen_at=timezone.now())


def stored(raw: bytes) -> InboundEmail:
    """A mail that is stored and claimed by the caller."""
    until = timezone.now() + timedelta(minutes=1)
    row = store_raw_mail(
        provider="ingest", raw=raw, envelope_sender="", envelope_recipients=[ADDRESS], lease=("token", until)
    )
    return InboundEmail.objects.select_related("raw__blob").get(pk=row.pk)


def settle_at_once(*mails: InboundEmail) -> None:
    """Each in a thread and a connection of its own, let go at the same moment."""
    barrier = threading.Barrier(len(mails))

    def settle(mail: InboundEmail) -> None:
        try:
            circumstances = load_circumstances()
            barrier.wait(60)
            settle_one(mail, circumstances)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(mails)) as pool:
        list(pool.map(settle, mails))


def test_original_and_reply_settled_at_the_same_moment_are_always_one_case() -> None:
    for number in range(1, 2 * ROUNDS, 2):
        original, reply = raw_mail(number), raw_mail(number + 1, answers=number)

        settle_at_once(stored(original), stored(reply))

        cases = EmailMessage.objects.filter(message_identifier__in=[message_id(number), message_id(number + 1)])
        assert cases.count() == 2
        assert cases.values("case").distinct().count() == 1
    assert Case.objects.count() == ROUNDS


def test_same_mail_in_two_deliveries_at_the_same_moment_is_one_mail() -> None:
    for number in range(1, ROUNDS + 1):
        raw = raw_mail(number)

        settle_at_once(stored(raw), stored(raw))

    assert Case.objects.count() == EmailMessage.objects.count() == ROUNDS
    assert InboundEmail.objects.filter(state="duplicate", reason="same_mail").count() == ROUNDS


def test_one_claim_held_by_two_workers_makes_one_mail() -> None:
    for number in range(1, ROUNDS + 1):
        mail = stored(raw_mail(number))
        twin = InboundEmail.objects.select_related("raw__blob").get(pk=mail.pk)

        settle_at_once(mail, twin)

    assert Case.objects.count() == EmailMessage.objects.count() == ROUNDS
    assert set(InboundEmail.objects.values_list("state", flat=True)) == {"case"}
