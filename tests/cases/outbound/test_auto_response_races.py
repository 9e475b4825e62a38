"""Mails of one sender in the same moment, settled by several workers. Locks are real on PostgreSQL only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.models import InboundEmail, Outbox
from cases.setup import set_up_instance
from routing.models import EmailTemplate, EmailToCaseSettings
from tests.factories import RoutingAddressFactory
from tests.invariants import assert_invariants
from tests.mails import ingest, raw_mail

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PROOF = "Authentication-Results: mx.company.example; dmarc=pass header.from=example.net"


@pytest.fixture(autouse=True)
def support(settings: Any) -> Any:
    settings.E2C_TRUSTED_AUTHSERV_IDS = frozenset({"mx.company.example"})
    set_up_instance()
    return RoutingAddressFactory(
        verified=True,
        email_address="support@company.example",
        auto_response_policy="every_mail",
        auto_response_template=EmailTemplate.objects.create(name="We got it", text_body="We got it."),
    )


def at_once(acts: list[Callable[[], Any]]) -> None:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        barrier.wait(60)
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def from_sender(sender: str) -> Callable[[], Any]:
    date = f"{timezone.now():%a, %d %b %Y %H:%M:%S +0000}"
    raw = raw_mail(sender=sender, headers=[PROOF], date=date)
    return lambda: ingest(raw)


def test_eight_mails_of_one_sender_at_once_get_one_answer() -> None:
    at_once([from_sender("casey@example.net") for _ in range(8)])

    assert InboundEmail.objects.filter(state="case").count() == 8
    assert Outbox.objects.filter(kind="auto").count() == 1
    assert_invariants()


def test_the_last_place_of_the_budget_is_taken_once() -> None:
    EmailToCaseSettings.objects.update(automatic_mail_daily_budget=3)

    at_once([from_sender(f"p{number}@example.net") for number in range(8)])

    assert InboundEmail.objects.filter(state="case").count() == 8
    assert Outbox.objects.filter(kind="auto").count() == 3


def test_the_breaker_trips_at_its_limit_and_not_after_it(support: Any) -> None:
    type(support).objects.update(auto_response_hourly_limit=2)

    at_once([from_sender(f"p{number}@example.net") for number in range(8)])

    support.refresh_from_db()
    assert Outbox.objects.filter(kind="auto").count() == 2
    assert support.auto_response_stopped_at is not None
