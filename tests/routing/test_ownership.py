"""Strategies on real rows. Round robin and capacity with several workers at once: tests/faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.facts import RoutingFacts
from routing.models import (
    AssignmentRule,
    EmailToCaseSettings,
    FlowStep,
    Queue,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    RuleEntry,
    Skill,
)
from routing.ownership import FirstOwner, choose_first_owner, free_rep_of
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

INVOICE = {"field": "subject", "operator": "contains", "value": "invoice"}


@pytest.fixture
def fallback() -> Queue:
    return QueueFactory(name="Fallback")


@pytest.fixture
def flow_address(fallback: Queue) -> RoutingAddress:
    flow = RoutingFlow.objects.create(name="Support flow")
    return RoutingAddressFactory(strategy="flow", flow=flow, fallback_queue=fallback)


def choose(address: RoutingAddress, *, subject: str = "Invoice", loads: dict[int, int] | None = None) -> FirstOwner:
    facts = RoutingFacts(received_at=datetime(2030, 1, 2, tzinfo=UTC), subject=subject)
    return choose_first_owner(address, EmailToCaseSettings.load(), lambda: facts, open_cases=lambda users: loads or {})


def present(status: str = "available", *, queue: Queue | None = None, capacity: int = 5) -> Any:
    user = UserFactory()
    RepPresence.objects.create(user=user, status=status, capacity=capacity)
    if queue is not None:
        queue.members.add(user)
    return user


def test_first_entry_that_holds_names_the_owner() -> None:
    billing, other = QueueFactory(name="Billing"), QueueFactory(name="Other")
    rule = AssignmentRule.objects.create(name="Support rules")
    RuleEntry.objects.create(rule=rule, position=2, label="Rest", owner_queue=other)
    entry = RuleEntry.objects.create(rule=rule, position=1, label="Invoices", conditions=INVOICE, owner_queue=billing)
    RuleEntry.objects.create(rule=rule, position=0, label="Off", owner_queue=other, is_active=False)
    address = RoutingAddressFactory(strategy="rules", assignment_rule=rule)

    first = choose(address)

    assert (first.owner.queue, first.entry) == (billing, entry)
    assert first.owner.because == "entry “Invoices” of “Support rules”: Subject contains “invoice”"
    assert choose(address, subject="Hello").owner.queue == other


def test_entry_of_somebody_who_left_gives_the_owner_of_the_address() -> None:
    rule = AssignmentRule.objects.create(name="Support rules")
    gone = UserFactory(is_active=False)
    RuleEntry.objects.create(rule=rule, label="Invoices", owner_user=gone)
    queue = QueueFactory()
    address = RoutingAddressFactory(strategy="rules", assignment_rule=rule, owner_queue=queue)

    first = choose(address)

    assert first.owner.queue == queue
    assert f"{gone} of entry “Invoices”" in first.owner.because
    assert first.failure == ""


def test_members_get_cases_in_turn_and_nobody_beyond_capacity(flow_address: RoutingAddress) -> None:
    queue = QueueFactory(name="Repairs")
    ana, ben = present(queue=queue), present(queue=queue, capacity=1)
    present("away", queue=queue)
    FlowStep.objects.create(flow=flow_address.flow, label="Repairs", target="members", queue=queue)

    assert choose(flow_address, loads={ana.pk: 5}).owner.user == ben
    waits = choose(flow_address, loads={ana.pk: 5, ben.pk: 1})

    assert (waits.owner.user, waits.owner.queue) == (None, queue)
    assert waits.waits_for is not None
    assert free_rep_of(waits.waits_for, lambda users: {}).user == ana  # type: ignore[union-attr]
    assert free_rep_of(waits.waits_for, lambda users: {ana.pk: 5, ben.pk: 1}) is None


def test_skills_must_all_be_there(flow_address: RoutingAddress, fallback: Queue) -> None:
    french, billing = Skill.objects.create(name="French"), Skill.objects.create(name="Billing")
    both, one = present(), present()
    french.users.add(both, one)
    billing.users.add(both)
    step = FlowStep.objects.create(flow=flow_address.flow, label="French billing", target="skills")
    step.skills.set([french, billing])

    assert choose(flow_address).owner.user == both
    waits = choose(flow_address, loads={both.pk: 5})
    assert (waits.owner.queue, waits.waits_for) == (fallback, step)


def test_no_step_that_holds_gives_the_fallback_queue(flow_address: RoutingAddress, fallback: Queue) -> None:
    FlowStep.objects.create(
        flow=flow_address.flow, label="Invoices", conditions=INVOICE, target="queue", queue=QueueFactory()
    )

    first = choose(flow_address, subject="Hello")

    assert first.owner.queue == fallback
    assert first.owner.because == "fallback queue, because no step of “Support flow” holds"


def break_conditions(address: RoutingAddress) -> None:
    FlowStep.objects.create(
        flow=address.flow, label="Broken", conditions={"field": "colour"}, target="queue", queue=QueueFactory()
    )


def break_everything(address: RoutingAddress) -> None:
    user = present()
    FlowStep.objects.create(flow=address.flow, label="One rep", target="user", user=user)


@pytest.mark.parametrize("break_it", [break_conditions, break_everything])
def test_a_flow_that_fails_gives_the_fallback_queue_and_says_why(
    flow_address: RoutingAddress, fallback: Queue, break_it: Callable[[RoutingAddress], None]
) -> None:
    break_it(flow_address)

    def fail(users: Any) -> dict[int, int]:
        Queue.objects.create(name="Fallback")  # a statement that the database refuses: the name is taken
        raise AssertionError("not reached")

    facts = RoutingFacts(received_at=datetime(2030, 1, 2, tzinfo=UTC))
    first = choose_first_owner(flow_address, EmailToCaseSettings.load(), lambda: facts, open_cases=fail)

    assert first.owner.queue == fallback
    assert "Routing flow failed" in first.failure
    assert Queue.objects.filter(name="Fallback").count() == 1  # the connection still works
