from __future__ import annotations

from typing import Any

import pytest

from routing.lint import lint_addresses, lint_all, lint_flow, lint_rule
from routing.models import AssignmentRule, BusinessHours, FlowStep, RepPresence, RoutingFlow, RuleEntry, Skill
from tests.factories import QueueFactory, RecordTypeFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db

INVOICE = {"field": "subject", "operator": "contains", "value": "invoice"}
INVOICE_7 = {"field": "subject", "operator": "contains", "value": "invoice 7"}


@pytest.fixture
def staffed() -> Any:
    queue = QueueFactory(name="Staffed")
    queue.members.add(UserFactory())
    return queue


def kinds(warnings: Any) -> list[tuple[str, str]]:
    return [(warning.kind, str(warning.about)) for warning in warnings]


def test_entries_that_are_never_reached(staffed: Any) -> None:
    rule = AssignmentRule.objects.create(name="Rules")
    RoutingAddressFactory(strategy="rules", assignment_rule=rule, owner_queue=staffed)
    other = QueueFactory(name="Other")
    other.members.add(UserFactory())
    for position, (label, conditions, queue) in enumerate(
        [
            ("Invoices", INVOICE, staffed),
            ("Invoice 7", INVOICE_7, staffed),
            ("Invoices again", INVOICE, other),
            ("Both", {"all": [INVOICE, {"not": INVOICE}]}, other),
            ("Broken", {"field": "colour"}, other),
            ("Rest", {}, staffed),
            ("After the rest", {"field": "has_attachment", "value": True}, staffed),
        ]
    ):
        RuleEntry.objects.create(rule=rule, position=position, label=label, conditions=conditions, owner_queue=queue)

    assert kinds(lint_rule(rule)) == [
        ("shadowed", "Invoice 7"),
        ("conflicting", "Invoices again"),
        ("never_holds", "Both"),
        ("unreadable", "Broken"),
        ("shadowed", "After the rest"),
    ]


def test_entry_of_somebody_who_left_and_rule_that_nobody_uses(staffed: Any) -> None:
    rule = AssignmentRule.objects.create(name="Rules")
    RuleEntry.objects.create(rule=rule, label="Ben", owner_user=UserFactory(is_active=False))

    assert kinds(lint_rule(rule)) == [("no_owner", "Ben"), ("unused", "Rules")]


def test_steps_without_anybody(staffed: Any) -> None:
    flow = RoutingFlow.objects.create(name="Flow")
    RoutingAddressFactory(strategy="flow", flow=flow, fallback_queue=staffed, owner_queue=staffed)
    empty = QueueFactory(name="Empty")
    french = Skill.objects.create(name="French")
    without_presence = UserFactory()
    make = FlowStep.objects.create
    make(flow=flow, position=1, label="Wait", conditions=INVOICE, target="queue", queue=empty)
    make(
        flow=flow,
        position=2,
        label="Members",
        conditions=INVOICE_7 | {"field": "body"},
        target="members",
        queue=staffed,
    )
    make(
        flow=flow,
        position=3,
        label="One",
        conditions={"field": "has_attachment", "value": True},
        target="user",
        user=without_presence,
    )
    make(flow=flow, position=4, label="Skill", target="skills").skills.add(french)

    assert kinds(lint_flow(flow)) == [
        ("no_members", "Wait"),
        ("no_rep", "Members"),
        ("no_rep", "One"),
        ("no_rep", "Skill"),
    ]

    RepPresence.objects.create(user=without_presence)
    staffed.members.add(without_presence)
    french.users.add(without_presence)
    empty.members.add(without_presence)
    assert lint_flow(flow) == []


def test_addresses_that_contradict_themselves(staffed: Any) -> None:
    RoutingAddressFactory(
        routing_name="Gold",
        email_address="gold@company.example",
        owner_queue=staffed,
        accept_email_from="a@shop.example, shop.example, *.big.example",
        block_email_from="shop.example",
    )
    RoutingAddressFactory(
        routing_name="Old",
        email_address="old@company.example",
        owner_user=UserFactory(is_active=False),
        owner_queue=None,
    )

    found = list(lint_addresses())

    assert kinds(found) == [
        ("conflicting", "Gold <gold@company.example>"),
        ("superfluous", "Gold <gold@company.example>"),
        ("no_owner", "Old <old@company.example>"),
    ]
    assert found[0].words == "a@shop.example, shop.example: accepted and blocked at once; the block list wins."


def test_conditions_that_name_what_does_not_exist(staffed: Any) -> None:
    """A record type that was renamed leaves its rules behind in silence."""
    rule = AssignmentRule.objects.create(name="Rules")
    RoutingAddressFactory(email_address="gold@company.example", strategy="rules", assignment_rule=rule)
    RecordTypeFactory(name="Billing")
    wanted = [
        ("Known", {"field": "record_type", "operator": "is", "value": "billing"}),
        ("Renamed", {"not": {"field": "record_type", "operator": "is_one_of", "value": ["Billing", "Bills"]}}),
        ("Address", {"field": "routing_address", "operator": "is", "value": "former@company.example"}),
        ("Hours", {"field": "in_business_hours", "operator": "is", "value": True}),
    ]
    for position, (label, conditions) in enumerate(wanted):
        RuleEntry.objects.create(rule=rule, position=position, label=label, conditions=conditions, owner_queue=staffed)

    found = lint_rule(rule)

    assert kinds(found) == [("unknown_name", "Renamed"), ("unknown_name", "Address"), ("no_hours", "Hours")]
    assert found[0].words == "No case can have “bills”: correct the name."
    BusinessHours.objects.create(name="Office", is_default=True)
    assert "no_hours" not in [each.kind for each in lint_rule(rule)]


def test_queues_without_members_and_rules_without_entries(staffed: Any) -> None:
    rule, flow = AssignmentRule.objects.create(name="Rules"), RoutingFlow.objects.create(name="Flow")
    RoutingAddressFactory(strategy="rules", assignment_rule=rule, owner_queue=staffed)
    RoutingAddressFactory(strategy="flow", flow=flow, fallback_queue=staffed, owner_queue=staffed)
    assert (kinds(lint_rule(rule)), kinds(lint_flow(flow))) == ([("empty", "Rules")], [("empty", "Flow")])

    empty = QueueFactory(name="Empty")
    RuleEntry.objects.create(rule=rule, label="All", owner_queue=empty)
    RepPresence.objects.create(user=staffed.members.get())
    FlowStep.objects.create(flow=flow, label="Any", target="members", queue=staffed, overflow_queue=empty)

    assert (kinds(lint_rule(rule)), kinds(lint_flow(flow))) == ([("no_members", "All")], [("no_members", "Any")])


def test_steps_that_ask_for_other_skills_conflict(staffed: Any) -> None:
    flow = RoutingFlow.objects.create(name="Flow")
    RoutingAddressFactory(strategy="flow", flow=flow, fallback_queue=staffed, owner_queue=staffed)
    rep = staffed.members.get()
    RepPresence.objects.create(user=rep)
    for position, name in enumerate(("French", "German")):
        skill = Skill.objects.create(name=name)
        skill.users.add(rep)
        FlowStep.objects.create(flow=flow, position=position, label=name, target="skills").skills.add(skill)

    assert kinds(lint_flow(flow)) == [("conflicting", "German")]


def test_a_configuration_without_faults_is_quiet(staffed: Any) -> None:
    RoutingAddressFactory(owner_queue=staffed)

    assert lint_all() == []
