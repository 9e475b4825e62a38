"""Rules, flows, business hours, skills and capacity in the configuration file; files that nobody should trust."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import IntegrityError, transaction

from cases.configuration import export_configuration, import_configuration
from routing.configuration.errors import ConfigurationError
from routing.configuration.ordered import arrange
from routing.configuration.strategies import Entries, Steps
from routing.models import (
    AssignmentRule,
    BusinessHours,
    EmailTemplate,
    FlowStep,
    Queue,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    RuleEntry,
    ServiceLevel,
    Skill,
)
from tests.cases.commands.running import run
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]
INVOICE = {"field": "subject", "operator": "contains", "value": "invoice"}
NESTED = {
    "any": [INVOICE, {"all": [{"field": "sender_domain", "operator": "is_within", "value": "example.com"}, INVOICE]}]
}


def import_lines(document: dict[str, Any], **options: bool) -> list[str]:
    return import_configuration(yaml.safe_dump({"version": 1} | document), **options).changes


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        import_lines(document)
    return str(caught.value)


@pytest.fixture
def strategies() -> None:
    """A rule and a flow with everything they can say, and what these name."""
    dana = UserFactory(username="dana", staff=True)
    billing, french = QueueFactory(name="Billing"), Skill.objects.create(name="French")
    billing.members.add(dana)
    french.users.add(dana)
    RepPresence.objects.create(user=dana, capacity=7, status="available")
    hours = BusinessHours.objects.create(
        name="Office", time_zone="Europe/Berlin", is_default=True, holidays="2030-12-25\r\n2030-12-26"
    )
    ServiceLevel.objects.create(name="Four hours", business_hours=hours, first_response_minutes=240)
    rule = AssignmentRule.objects.create(name="By subject", description="Money first")
    entry = RuleEntry.objects.create
    entry(rule=rule, position=20, label="Rest", owner_user=dana)
    notice = EmailTemplate.objects.create(name="A case for you", text_body="Look.")
    entry(
        rule=rule,
        position=10,
        label="Invoices",
        conditions=NESTED,
        owner_queue=billing,
        notice_template=notice,
        notice_cc="a@company.example\r\nb@company.example",
        is_active=False,
    )
    flow = RoutingFlow.objects.create(name="By language")
    step = FlowStep.objects.create(
        flow=flow, label="French", target="skills", method="least_loaded", conditions=INVOICE, overflow_queue=billing
    )
    step.skills.add(french)
    FlowStep.objects.create(flow=flow, position=1, label="Dana", target="user", user=dana)
    FlowStep.objects.create(flow=flow, position=2, label="Wait", target="queue", queue=billing)
    RoutingAddressFactory(
        email_address="rules@company.example", owner_queue=billing, strategy="rules", assignment_rule=rule
    )
    RoutingAddressFactory(
        email_address="flow@company.example", owner_queue=billing, strategy="flow", flow=flow, fallback_queue=billing
    )


def wipe() -> None:
    models = (RoutingAddress, FlowStep, RuleEntry, RoutingFlow, AssignmentRule, ServiceLevel, BusinessHours)
    for model in (*models, Skill, RepPresence, EmailTemplate):
        model._default_manager.all().delete()
    Queue.objects.filter(name="Billing").delete()


@pytest.mark.usefixtures("strategies")
def test_export_wipe_import_export_gives_the_same_file() -> None:
    exported = export_configuration()
    wipe()

    import_configuration(exported)

    again = yaml.safe_load(export_configuration())
    before = yaml.safe_load(exported)
    for document in (again, before):
        for address in document["routing_addresses"]:
            del address["services_address"]
    assert again == before
    assert [entry["label"] for entry in again["assignment_rules"][0]["entries"]] == ["Invoices", "Rest"]
    assert again["assignment_rules"][0]["entries"][0]["conditions"] == NESTED
    assert again["rep_capacity"] == [{"user": "dana", "capacity": 7}]


@pytest.mark.usefixtures("strategies")
def test_importing_the_own_export_changes_nothing() -> None:
    assert import_configuration(export_configuration(), delete=True).changes == []


def test_every_column_of_entries_and_steps_is_in_the_file() -> None:
    for rows, parent, halves in ((Entries(), "rule", {"owner": {"owner_user", "owner_queue"}}), (Steps(), "flow", {})):
        columns = {field.name for field in rows.model._meta.fields if not field.primary_key} - {parent, "position"}
        many = {field.name for field in rows.model._meta.many_to_many}
        named = {half for key in rows.keys for half in halves.get(key, {key})}
        assert named == columns | many


@pytest.mark.usefixtures("strategies")
def test_only_what_differs_is_changed_and_said_in_words() -> None:
    kept = RuleEntry.objects.get(label="Rest").pk

    changes = import_lines(
        {
            "assignment_rules": [
                {
                    "name": "By subject",
                    "entries": [
                        {"label": "Rest", "owner": "queue:Billing", "conditions": INVOICE},
                        {"label": "New", "owner": "user:dana"},
                        {"label": "Invoices"},
                    ],
                }
            ],
            "flows": [{"name": "By language", "steps": [{"label": "Dana", "target": "queue", "queue": "Billing"}]}],
            "business_hours": [{"name": "Office", "week": {"monday": "09:00-12:00"}, "holidays": []}],
            "rep_capacity": [{"user": "dana", "capacity": 8}],
            "skills": [{"name": "French", "users": []}],
        }
    )

    assert changes == [
        "~ capacity of rep dana: capacity 7 -> 8",
        "~ business hours Office: week changed",
        "~ business hours Office: holidays 2030-12-25, 2030-12-26 -> none",
        "~ assignment rule By subject, entry Rest: conditions always -> Subject contains “invoice”",
        "~ assignment rule By subject, entry Rest: owner user:dana -> queue:Billing",
        "~ assignment rule By subject: + entry New",
        "~ assignment rule By subject: order Invoices, Rest -> Rest, New, Invoices",
        "~ flow By language, step Dana: target user -> queue",
        "~ flow By language, step Dana: queue nothing -> Billing",
        "~ flow By language, step Dana: user dana -> nothing",
    ]
    labels = RuleEntry.objects.order_by("position", "pk").values_list("label", flat=True)
    assert list(labels) == ["Rest", "New", "Invoices"]
    assert RuleEntry.objects.get(label="Rest").pk == kept
    assert RepPresence.objects.get().status == "available"


@pytest.mark.parametrize(
    ("listed", "now", "expected"),
    [
        (["a", "b"], ["a", "b"], ["a", "b"]),
        (["b", "a"], ["a", "b"], ["b", "a"]),
        (["a", "n", "b"], ["a", "x", "b"], ["a", "x", "n", "b"]),
        (["b"], ["x", "y", "b"], ["x", "y", "b"]),
        (["n"], [], ["n"]),
        ([], ["a", "b"], ["a", "b"]),
    ],
)
def test_what_a_file_does_not_list_stays_behind_what_it_stood_behind(
    listed: list[str], now: list[str], expected: list[str]
) -> None:
    assert arrange(listed, now) == expected


@pytest.mark.usefixtures("strategies")
def test_with_delete_unlisted_entries_go_and_a_rule_in_use_stops_the_import() -> None:
    rule = {"name": "By subject", "entries": [{"label": "Rest"}]}

    assert import_lines({"assignment_rules": [rule]}, delete=True) == [
        "~ assignment rule By subject: - entry Invoices"
    ]
    with pytest.raises(ConfigurationError, match=r"assignment_rules .By subject.: cannot be deleted: .* uses it"):
        import_lines({"assignment_rules": []}, delete=True)
    assert RuleEntry.objects.get().label == "Rest"


@pytest.mark.usefixtures("strategies")
@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "[0]: the key label is missing."),
        ({"label": "A"}, "[0] (A): An entry names one owner: a user or a queue."),
        ({"label": "A", "owner": "queue:No"}, '[0] (A).owner: there is no queue "No".'),
        ({"label": "A", "owner": "user:dana", "notice_template": "No"}, "[0] (A).notice_template: there is no email"),
        ({"label": "A", "colour": 1}, "[0].colour: unknown key; known here are label, is_active, conditions, owner"),
        (
            {"label": "A", "owner": "user:dana", "conditions": {"any": [INVOICE, {"field": "colour"}]}},
            "[0] (A).conditions.any[1]: there is no field “colour”; known are",
        ),
        ({"label": "A", "owner": "user:dana", "conditions": [INVOICE]}, "[0] (A).conditions: expected a condition"),
    ],
)
def test_a_wrong_entry_is_named_by_its_path_and_nothing_is_written(entry: dict[str, Any], problem: str) -> None:
    before = export_configuration()
    document = {"queues": [{"name": "New"}], "assignment_rules": [{"name": "By subject", "entries": [entry]}]}

    assert refusal(document).startswith(f"assignment_rules[0] (By subject).entries{problem}")
    assert export_configuration() == before


@pytest.mark.usefixtures("strategies")
@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"target": "user"}, ".user: is needed with the target user."),
        ({"target": "members"}, ".queue: is needed with the target members."),
        ({"target": "skills"}, ".skills: is needed with the target skills."),
        ({"target": "skills", "skills": ["No"]}, '.skills[0]: there is no skill "No".'),
        ({"target": "queue", "queue": "Billing", "user": "dana"}, ".user: has no meaning with the target queue."),
        ({"target": "moon"}, '.target: "moon" is not one of queue, user, members, skills.'),
    ],
)
def test_a_step_says_what_its_target_needs_and_nothing_else(step: dict[str, Any], problem: str) -> None:
    document = {"flows": [{"name": "New", "steps": [{"label": "A"} | step]}]}

    assert refusal(document) == f"flows[0] (New).steps[0] (A){problem}"


@pytest.mark.parametrize(
    ("hours", "problem"),
    [
        ({"week": {"someday": ["09:00-10:00"]}}, ".week.someday: "),
        ({"week": {"monday": ["10:00-09:00"]}}, ".week.monday: "),
        ({"week": ["monday"]}, ".week: must hold days and their openings, not a list."),
        ({"holidays": ["Christmas"]}, '.holidays[0]: "Christmas" is not a day such as 2030-12-25.'),
        ({"time_zone": "Berlin"}, ".time_zone: There is no time zone of this name"),
    ],
)
def test_wrong_business_hours_are_refused(hours: dict[str, Any], problem: str) -> None:
    assert refusal({"business_hours": [{"name": "H"} | hours]}).startswith(f"business_hours[0] (H){problem}")


def test_a_new_default_of_business_hours_takes_it_from_the_one_before() -> None:
    BusinessHours.objects.create(name="Old", is_default=True)

    assert import_lines({"business_hours": [{"name": "New", "is_default": True}]}) == [
        "~ business hours Old: is_default true -> false",
        "+ business hours New",
    ]


def test_an_error_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "version: 1\nqueues:\n  - name: Sales\n    email:\n"
        "assignment_rules:\n  - name: R\n    entries:\n      - label: A\n        owner: queue:Sales\n"
        "      - label: B (two)\n        # not there\n        owner: queue:Nobody\n",
        encoding="utf-8",
    )

    ran = run("import_config", str(file))

    where = 'line 12: assignment_rules[0] (R).entries[1] (B (two)).owner: there is no queue "Nobody".'
    assert where in ran.stderr
    assert not Queue.objects.filter(name="Sales").exists()


BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "line 2, column 8: anchors and aliases (& and *) are not read here."),
        ("version: 1\nqueues: &q\n  - *q\n", "line 3, column 5: anchors and aliases"),
        ("a: " + "[" * 300, "line 1, column 43: nested deeper than 40 levels."),
        ("a: " + "[" * 200_000, "line 1, column 43: nested deeper than 40 levels."),
        ("{a: " * 60 + "1" + "}" * 60, "line 1, column 161: nested deeper than 40 levels."),
        ("version: 1" + "0" * 5000, "line 1, column 10: this number is too long"),
        ("version: 1" + ":01" * 100_000, "line 1, column 10: this number is too long"),
        ("version: 1." + "0" * 5000, "line 1, column 10: this number is too long"),
        ("version: !!python/name:os.system\n", "line 1, column 10: this is not YAML (could not determine"),
        ("version: 1\nqueues: !!binary aGVsbG8=\n", "queues: must be a list, not b'hello'."),
        ("version: 1\nqueues: !!set {a, b}\n", "queues: must be a list"),
        ("version: 1\n--- \nversion: 1\n", "line 2, column 1: this is not YAML (but found another document)."),
        ("version: 1\nqueues:\n  - name: .inf\n", "queues[0].name: must be text, not inf"),
    ],
    ids=lambda value: value[:24] if len(value) < 400 else "long",
)
def test_a_hostile_file_is_refused_soon_and_with_a_reason(text: str, problem: str) -> None:
    started = time.process_time()

    with pytest.raises(ConfigurationError) as caught:
        import_configuration(text)

    assert str(caught.value).startswith(problem)
    assert time.process_time() - started < 2  # seconds of this process, whoever else has the machine


def test_two_entries_of_a_rule_and_two_steps_of_a_flow_cannot_share_a_name() -> None:
    queue = QueueFactory()
    rule, flow = AssignmentRule.objects.create(name="R"), RoutingFlow.objects.create(name="F")
    RuleEntry.objects.create(rule=rule, label="A", owner_queue=queue)
    FlowStep.objects.create(flow=flow, label="A", queue=queue)

    with pytest.raises(IntegrityError), transaction.atomic():
        RuleEntry.objects.create(rule=rule, label="A", owner_queue=queue)
    with pytest.raises(IntegrityError), transaction.atomic():
        FlowStep.objects.create(flow=flow, label="A", queue=queue)
