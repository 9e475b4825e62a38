"""Cases that wait for a free rep: who waits for one step keeps nobody waiting for another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import waiting_cases
from cases.models import Case, PendingRouting
from cases.waiting_cases import give_waiting_cases
from routing.models import FlowStep, RepPresence, RoutingFlow
from tests.factories import CaseFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


def step_of(name: str, status: str) -> FlowStep:
    """A step that gives to one rep, who is in a queue of this name."""
    queue, user = QueueFactory(name=name), UserFactory(username=name.lower())
    queue.members.add(user)
    RepPresence.objects.create(user=user, status=status, capacity=50)
    flow, _is_new = RoutingFlow.objects.get_or_create(name="Flow")
    return FlowStep.objects.create(flow=flow, label=name, target="members", queue=queue)


def waits(step: FlowStep, *, minutes: int) -> Case:
    case: Case = CaseFactory(owner_queue=step.queue)
    since = timezone.now() - timedelta(minutes=minutes)
    PendingRouting.objects.create(case=case, step=step, routing_version=case.routing_version, since=since)
    return case


def test_many_who_wait_for_nobody_stop_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_cases, "AT_ONCE", 3)
    away, there = step_of("Away", "away"), step_of("There", "available")
    for minutes in range(10, 20):
        waits(away, minutes=minutes)
    lucky = waits(there, minutes=1)

    assert give_waiting_cases() == 1

    lucky.refresh_from_db()
    assert lucky.owner_user is not None
    assert lucky.owner_user.username == "there"
    assert PendingRouting.objects.count() == 10


def test_the_oldest_gets_the_rep_first() -> None:
    there = step_of("There", "available")
    RepPresence.objects.update(capacity=1)
    newer, older = waits(there, minutes=1), waits(there, minutes=5)

    assert give_waiting_cases() == 1

    assert [Case.objects.get(pk=case.pk).owner_user_id is None for case in (newer, older)] == [True, False]


def test_who_waits_for_nobody_costs_one_question() -> None:
    costs = []
    away = step_of("Away", "away")
    for count in (1, 30):
        for minutes in range(count):
            waits(away, minutes=minutes)
        with CaptureQueriesContext(connection) as captured:
            give_waiting_cases()
        costs.append(len(captured))

    assert costs[0] == costs[1]
