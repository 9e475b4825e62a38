"""Who changes a mail and its case locks the case first: nobody is ended by the database, and nobody sees a stale case.

Each test lets one side hold the case until the other side waits for it, so that the order never depends on luck.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone

from cases.lifecycle import record_inbound_activity
from cases.merging import merge_case
from cases.models import Case, CaseEvent, Draft, EmailMessage, Outbox
from cases.outbound.composed import CannotReply
from cases.outbound.delivery import deliver_due
from cases.outbound.taking_back import cancel_reply, take_back_scheduled
from routing import permission_sets
from routing.models import PermissionSet, RoutingAddress
from tests.cases.composing.mails import compose
from tests.cases.outbound.people import grant
from tests.factories import CaseFactory, EmailMessageFactory
from tests.fake_smtp import FakeSmtpServer

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WAITING_FOR_US = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
State = Outbox.State


def wait_until_somebody_waits() -> None:
    for _turn in range(500):
        with connection.cursor() as cursor:
            cursor.execute(WAITING_FOR_US)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("The other side never came to the lock.")


def beside(other: Callable[[], Any], first: Callable[[], None], then: Callable[[], None] = lambda: None) -> list[Any]:
    """Run `first` in a transaction, let `other` run into its locks in a thread, run `then`, commit. Returns what
    `other` returned or raised.
    """
    ends: list[Any] = []

    def run() -> None:
        try:
            ends.append(other())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            ends.append(error)
        connections.close_all()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        first()
        thread.start()
        wait_until_somebody_waits()
        then()
    thread.join(timeout=30)
    assert connection.vendor == "postgresql"
    return ends


def written(case: Case, author: User, send_from: RoutingAddress, **fields: Any) -> EmailMessage:
    return compose(Draft.Mode.REPLY, case, author, send_from, **fields)


def lose_the_address(author: User, address: RoutingAddress) -> None:
    permission_sets.remove_member(PermissionSet.objects.get(), author, by=None)


@pytest.fixture
def closed(gold: RoutingAddress, ana: User) -> RoutingAddress:
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    grant(gold, ana)
    gold.refresh_from_db()
    return gold


@pytest.mark.parametrize("is_refused", [True, False])
def test_scheduled_mail_is_delivered_or_refused_while_the_customer_writes(
    smtp: FakeSmtpServer, case: Case, ana: User, closed: RoutingAddress, is_refused: bool
) -> None:
    written(case, ana, closed, send_at=timezone.now() + timedelta(days=1))
    if is_refused:
        lose_the_address(ana, closed)

    def customer_writes() -> None:
        EmailMessageFactory(case=case)
        record_inbound_activity(case, at=timezone.now(), by_person=True, reopen=False)

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        ends = beside(deliver_due, customer_writes, lambda: take_back_scheduled_of(case))

    assert [end for end in ends if isinstance(end, Exception)] == []
    assert smtp.ledger == []
    assert Outbox.objects.get(kind="reply").state == State.CANCELLED
    assert Draft.objects.get().came_back_because.startswith("The customer wrote")
    assert not CaseEvent.objects.filter(kind=CaseEvent.Kind.REPLY_FAILED).exists()


def take_back_scheduled_of(case: Case) -> None:
    assert take_back_scheduled(case, now=timezone.now()) == 1


def test_reply_that_waited_for_a_merge_is_told_of_it(case: Case, ana: User, gold: RoutingAddress) -> None:
    target = CaseFactory(owner_queue=case.owner_queue)

    ends = beside(lambda: written(case, ana, gold), lambda: merge_it(case, target))

    assert isinstance(ends[0], CannotReply)
    assert target.number_text in str(ends[0])
    assert not Outbox.objects.exists()


def test_mail_that_fails_while_its_case_is_merged_says_so_on_the_case_it_is_on_now(
    smtp: FakeSmtpServer, case: Case, ana: User, closed: RoutingAddress, settings: Any
) -> None:
    settings.E2C_UNDO_SECONDS = 0
    target = CaseFactory(owner_queue=case.owner_queue)
    written(case, ana, closed)
    lose_the_address(ana, closed)

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        ends = beside(deliver_due, lambda: lock(case), lambda: merge_it(case, target))

    assert [end for end in ends if isinstance(end, Exception)] == []
    assert Outbox.objects.get(kind="reply").state == State.FAILED
    assert CaseEvent.objects.get(kind=CaseEvent.Kind.REPLY_FAILED).case == target
    assert Case.objects.get(pk=target.pk).awaiting == Case.Awaiting.US


def test_mail_is_taken_back_from_the_case_it_was_merged_into(case: Case, ana: User, gold: RoutingAddress) -> None:
    target = CaseFactory(owner_queue=case.owner_queue)
    message = written(case, ana, gold)

    ends = beside(lambda: cancel_reply(message, by=ana), lambda: merge_it(case, target))

    assert isinstance(ends[0], Draft)
    assert Draft.objects.get().case == target
    assert CaseEvent.objects.get(kind=CaseEvent.Kind.REPLY_TAKEN_BACK).case == target


def lock(case: Case) -> None:
    Case.objects.select_for_update().get(pk=case.pk)


def merge_it(case: Case, target: Case) -> None:
    merge_case(case=case, into=target, by=None)
