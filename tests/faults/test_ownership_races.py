"""Flows that choose among the same reps, at the same moment: turns are kept, nobody gets more than fits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone

from cases.assignment import CaseChangedMeanwhile, assign
from cases.inbound.accept import store_raw_mail
from cases.inbound.settle import settle_batch
from cases.lifecycle import closed_status, set_status
from cases.models import Case, CaseEvent, PendingRouting, RoutingDecision
from cases.service_levels import keep_clocks
from cases.setup import set_up_instance
from cases.waiting_cases import give_waiting_cases
from routing.models import FlowStep, Queue, RepPresence, RoutingFlow, ServiceLevel
from routing.owners import OwnerChoice
from routing.ownership import note_given
from tests.factories import CaseFactory, QueueFactory, RoutingAddressFactory, UserFactory
from tests.faults.harness import raw_mail
from tests.faults.instance import ADDRESS
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WORKERS = 4
REPS = 4
CAPACITY = 5


@pytest.fixture(autouse=True)
def repairs() -> Queue:
    set_up_instance()
    queue = QueueFactory(name="Repairs")
    flow = RoutingFlow.objects.create(name="Support flow")
    FlowStep.objects.create(flow=flow, label="Repairs", target="members", queue=queue)
    for _ in range(REPS):
        user = UserFactory()
        queue.members.add(user)
        RepPresence.objects.create(user=user, status="available", capacity=CAPACITY)
    RoutingAddressFactory(
        email_address=ADDRESS,
        strategy="flow",
        flow=flow,
        fallback_queue=QueueFactory(name="Fallback"),
        last_mail_at=timezone.now(),
        forwarding_seen_at=timezone.now(),
    )
    return queue


def at_once(*jobs: Any) -> None:
    """Each in a thread and a connection of its own, let go at the same moment; what one raises is raised here."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Any) -> None:
        try:
            barrier.wait(60)
            job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(run, jobs))


def store(*numbers: int) -> None:
    for number in numbers:
        store_raw_mail(
            provider="ingest", raw=raw_mail(number), envelope_sender="", envelope_recipients=[ADDRESS], lease=None
        )


def settle_all() -> None:
    while settle_batch(limit=3):
        pass


def owned() -> Counter[int]:
    return Counter(Case.objects.filter(owner_user__isnull=False).values_list("owner_user", flat=True))


def test_turns_and_capacity_hold_with_several_workers(repairs: Queue) -> None:
    store(*range(1, REPS * CAPACITY + 9))

    at_once(*[settle_all] * WORKERS)

    assert sorted(owned().values()) == [CAPACITY] * REPS
    assert Case.objects.filter(owner_queue=repairs).count() == PendingRouting.objects.count() == 8
    assert RoutingDecision.objects.filter(kind="initial").count() == Case.objects.count()
    assert_invariants()


def test_turns_are_even_below_capacity() -> None:
    store(*range(1, REPS * 3 + 1))

    at_once(*[settle_all] * WORKERS)

    assert sorted(owned().values()) == [3] * REPS


def test_who_waited_for_the_turn_comes_after_who_had_it() -> None:
    store(1)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first, second, *_others = RepPresence.objects.select_for_update().order_by("user")
            waiting = pool.submit(at_once, settle_all)
            until_one_waits_for_a_lock()
            note_given(first.user_id)
        waiting.result(120)

    assert list(owned()) == [second.user_id]
    assert list(RepPresence.objects.filter(last_assigned_at__isnull=False).order_by("last_assigned_at")) == [
        first,
        second,
    ]


def until_one_waits_for_a_lock() -> None:
    for _ in range(1_000):
        with connection.cursor() as cursor:
            # Not pg_stat_activity, which stays the same within a transaction.
            cursor.execute(
                "SELECT bool_or(pg_backend_pid() = ANY(pg_blocking_pids(pid))) FROM pg_locks WHERE NOT granted"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("No worker came as far as the presence of the reps.")


def test_waiting_cases_are_given_once_and_in_order_when_reps_become_free(repairs: Queue) -> None:
    store(*range(1, REPS * CAPACITY + 9))
    settle_all()
    waiting = list(PendingRouting.objects.order_by("since").values_list("case", flat=True))
    closed = Case.objects.filter(owner_user__isnull=False).order_by("pk")[:4].values_list("pk", flat=True)
    Case.objects.filter(pk__in=list(closed)).update(closed_at=timezone.now())

    at_once(*[give_waiting_cases] * WORKERS)

    given = RoutingDecision.objects.filter(kind="overflow").values_list("case", flat=True)
    assert sorted(given) == sorted(waiting[:4])
    still_open = Counter(
        Case.objects.filter(owner_user__isnull=False, closed_at__isnull=True).values_list("owner_user", flat=True)
    )
    assert sorted(still_open.values()) == [CAPACITY] * REPS
    assert PendingRouting.objects.count() == 4


def test_a_person_who_takes_a_waiting_case_wins(repairs: Queue) -> None:
    for number in range(1, 11):
        RepPresence.objects.update(status="away")
        store(number)
        settle_all()
        case = Case.objects.get(pending_routing__isnull=False)
        person: User = UserFactory()
        outcomes: list[str] = []

        def take(case: Case = case, person: User = person, outcomes: list[str] = outcomes) -> None:
            try:
                assign(
                    case=case,
                    owner=OwnerChoice(person, None, "took it"),
                    kind=RoutingDecision.Kind.MANUAL,
                    expected_version=case.routing_version,
                    decided_by=person,
                )
                outcomes.append("took")
            except CaseChangedMeanwhile:
                outcomes.append("was given away")

        RepPresence.objects.update(status="available")
        at_once(take, give_waiting_cases)
        give_waiting_cases()

        case.refresh_from_db()
        assert (case.owner_user == person) is (outcomes == ["took"])
        assert case.routing_version == 2  # one change of owner, whoever made it
        assert not PendingRouting.objects.exists()
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def late() -> Case:
    """A case whose answer is due by now, and that goes to a queue when it is missed."""
    queue = QueueFactory(name="Escalated")
    opened = timezone.now() - timedelta(hours=2)
    level = ServiceLevel.objects.create(name="Gold", first_response_minutes=60, escalate_to_queue=queue)
    ServiceLevel.objects.filter(pk=level.pk).update(created_at=opened - timedelta(days=1))
    case = CaseFactory(created_at=opened)
    keep_clocks(now=opened + timedelta(minutes=1))
    return case


def test_a_case_that_changes_its_owner_in_the_moment_of_its_escalation_is_escalated_all_the_same(late: Case) -> None:
    taker = UserFactory()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            took = OwnerChoice(taker, None, "took the case")
            assign(case=late, owner=took, kind=RoutingDecision.Kind.MANUAL, expected_version=1, decided_by=taker)
            escalating = pool.submit(at_once, keep_clocks)
            until_one_waits_for_a_lock()
        escalating.result(30)

    late.refresh_from_db()
    assert late.owner_queue == Queue.objects.get(name="Escalated")
    assert [each.kind for each in late.decisions.order_by("pk")][-2:] == ["manual", "reassigned"]
    given, broken = CaseEvent.objects.filter(case=late, kind__in=["owner_assigned", "service_level_broken"]).order_by(
        "-pk"
    )[:2]
    assert (given.detail["user"], given.detail["escalated_by"]) == (taker.pk, broken.pk)


def test_a_case_that_is_closed_in_the_moment_of_its_escalation_keeps_its_owner(late: Case) -> None:
    owner = late.owner_queue
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            set_status(case=late, status=closed_status(), by=UserFactory())
            escalating = pool.submit(at_once, keep_clocks)
            until_one_waits_for_a_lock()
        escalating.result(30)

    late.refresh_from_db()
    assert (late.owner_queue, late.routing_version) == (owner, 1)
    assert CaseEvent.objects.filter(case=late, kind="service_level_broken").exists()
