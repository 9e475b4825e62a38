"""Two people at once. Locks are real on PostgreSQL only; SQLite has one writer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from routing.models import AuditEvent, RoutingAddress, VerificationMail
from routing.verification import Outcome, VerificationThrottled, confirm, send_verification
from tests.factories import RoutingAddressFactory
from tests.routing.test_verification import sent_token

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """What `act` returned or raised in each of several threads that start together."""
    results: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait(60)
        try:
            results.append(act())
        except VerificationThrottled as refusal:
            results.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_double_click_on_verify_sends_one_mail() -> None:
    address = RoutingAddressFactory()

    results = at_once(6, lambda: send_verification(address, by=None))

    assert sum(isinstance(result, VerificationMail) for result in results) == 1
    assert sum(isinstance(result, VerificationThrottled) for result in results) == 5
    assert len(mail.outbox) == 1


def test_link_used_twice_at_once_verifies_once() -> None:
    send_verification(RoutingAddressFactory(), by=None)
    token = sent_token()

    results = at_once(6, lambda: confirm(token).outcome)

    assert sorted(result.value for result in results) == [Outcome.ALREADY_DONE.value] * 5 + [Outcome.CONFIRMED.value]
    assert RoutingAddress.objects.get().is_verified
    assert AuditEvent.objects.filter(action="verification-confirmed").count() == 1
