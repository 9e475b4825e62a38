"""The pages of rules, flows, skills, presence and business hours, as a browser posts them."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from routing.models import (
    AssignmentRule,
    AuditEvent,
    BusinessHours,
    EmailTemplate,
    FlowStep,
    Queue,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    RuleEntry,
    Skill,
)
from tests.factories import QueueFactory, UserFactory
from tests.routing.admin.test_addresses import form_of

INVOICE = {"field": "subject", "operator": "contains", "value": "invoice"}
OTHER = {"field": "subject", "operator": "contains", "value": "broken"}
RULES = "/admin/routing/assignmentrule/"
FLOWS = "/admin/routing/routingflow/"


@pytest.fixture
def billing(db: Any) -> Queue:
    queue = QueueFactory(name="Billing")
    queue.members.add(UserFactory())
    return queue


@pytest.fixture
def rule(billing: Queue) -> AssignmentRule:
    rule = AssignmentRule.objects.create(name="Support rules")
    RuleEntry.objects.create(rule=rule, label="Invoices", conditions=INVOICE, owner_queue=billing)
    return rule


def rows_of(prefix: str, rows: list[dict[str, Any]], *, initial: int = 0) -> dict[str, Any]:
    posted: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for index, row in enumerate(rows):
        posted |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return posted


def entry(label: str, conditions: Any, queue: Queue, **more: Any) -> dict[str, Any]:
    text = conditions if isinstance(conditions, str) else json.dumps(conditions)
    return {
        "label": label,
        "position": 0,
        "conditions": text,
        "owner_queue": queue.pk,
        "is_active": "on",
    } | more


def without_blanks(text: str) -> str:
    return "".join(text.split())


def test_a_rule_is_made_with_its_entries_and_told_in_words(page: Client, billing: Queue) -> None:
    posted = {"name": "Rules"} | rows_of("entries", [entry("Invoices", INVOICE, billing), entry("Rest", "", billing)])

    assert page.post(f"{RULES}add/", posted).status_code == 302

    rule = AssignmentRule.objects.get()
    assert [each.conditions for each in rule.entries.all()] == [INVOICE, {}]
    shown = page.get(f"{RULES}{rule.pk}/change/").content.decode()
    assert "Subject contains “invoice”" in shown
    assert "the queue Billing" in shown
    assert "No routing address uses this rule." in shown
    line = AuditEvent.objects.get(action="assignment-rule-created")
    # PostgreSQL keeps the keys of JSON in an order of its own.
    assert sorted(after for _before, after in line.detail["changes"].values()) == [
        "1. Subject contains “invoice” → the queue Billing",
        "2. always → the queue Billing",
        "Rules",
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ('{"all": [{"field": "colour"}]}', "conditions.all[0]: there is no field “colour”"),
        ('{"any": []}', "conditions.any: an empty list never holds"),
        ("{all:", "This is not JSON"),
    ],
)
def test_conditions_that_cannot_be_read_are_refused_with_their_place_and_kept_as_typed(
    page: Client, billing: Queue, typed: str, words: str
) -> None:
    response = page.post(f"{RULES}add/", {"name": "Rules"} | rows_of("entries", [entry("One", typed, billing)]))

    shown = response.content.decode()
    assert response.status_code == 200
    assert words in shown
    assert without_blanks(typed) in without_blanks(html.unescape(shown))
    assert not AssignmentRule.objects.exists()


def test_changed_and_removed_entries_leave_one_audit_line_with_both_sentences(
    page: Client, rule: AssignmentRule, billing: Queue
) -> None:
    first = rule.entries.get()
    gone = RuleEntry.objects.create(rule=rule, label="Rest", owner_queue=billing)
    posted = {"name": rule.name} | rows_of(
        "entries",
        [
            entry("Invoices", OTHER, billing, id=first.pk, rule=rule.pk),
            entry("Rest", "", billing, id=gone.pk, rule=rule.pk, DELETE="on"),
        ],
        initial=2,
    )

    page.post(f"{RULES}{rule.pk}/change/", posted)

    [line] = AuditEvent.objects.filter(action__startswith="assignment-rule")
    assert line.detail["changes"] == {
        f"“Invoices” ({first.pk})": [
            "1. Subject contains “invoice” → the queue Billing",
            "1. Subject contains “broken” → the queue Billing",
        ],
        f"“Rest” ({gone.pk})": ["2. always → the queue Billing", None],
    }


def test_who_is_told_of_cases_is_in_the_audit_log(page: Client, rule: AssignmentRule, billing: Queue) -> None:
    """A copy of each notice to somebody outside is nothing to add unseen."""
    template = EmailTemplate.objects.create(name="You have a case", text_body="Look.")
    row = entry("Invoices", INVOICE, billing, id=rule.entries.get().pk, rule=rule.pk)
    told = {"notice_template": template.pk, "notice_cc": "boss@company.example\nspy@evil.example"}

    page.post(f"{RULES}{rule.pk}/change/", {"name": rule.name} | rows_of("entries", [row | told], initial=1))

    [[before, after]] = AuditEvent.objects.get(action="assignment-rule-changed").detail["changes"].values()
    assert before == "1. Subject contains “invoice” → the queue Billing"
    assert after == f"{before}, told by “You have a case”, with copies to boss@company.example, spy@evil.example"


def test_where_cases_wait_is_in_the_audit_log(page: Client, billing: Queue) -> None:
    flow = RoutingFlow.objects.create(name="Flow")
    step = FlowStep.objects.create(flow=flow, label="Members", target="members", queue=billing)
    row = {"label": "Members", "position": 0, "target": "members", "method": "round_robin", "queue": billing.pk}
    row |= {"id": step.pk, "flow": flow.pk, "is_active": "on", "overflow_queue": QueueFactory(name="Later").pk}

    page.post(f"{FLOWS}{flow.pk}/change/", {"name": flow.name} | rows_of("steps", [row], initial=1))

    [[before, after]] = AuditEvent.objects.get(action="routing-flow-changed").detail["changes"].values()
    assert (before, after) == (
        "1. always → a free member of Billing, round robin",
        "1. always → a free member of Billing, round robin, waiting in Later",
    )


def test_a_change_in_long_conditions_is_in_the_audit_log(page: Client, rule: AssignmentRule, billing: Queue) -> None:
    def any_of(last: str) -> dict[str, Any]:
        words = [f"a word of some length, number {number}" for number in range(20)]
        return {"any": [{"field": "subject", "operator": "contains", "value": word} for word in [*words, last]]}

    RuleEntry.objects.update(conditions=any_of("before"))
    row = entry("Invoices", any_of("after"), billing, id=rule.entries.get().pk, rule=rule.pk)

    page.post(f"{RULES}{rule.pk}/change/", {"name": rule.name} | rows_of("entries", [row], initial=1))

    [[before, after]] = AuditEvent.objects.get(action="assignment-rule-changed").detail["changes"].values()
    assert before.endswith("Subject contains “before” → the queue Billing")
    assert after.endswith("Subject contains “after” → the queue Billing")


def test_a_new_entry_stands_behind_the_others(page: Client, rule: AssignmentRule, billing: Queue) -> None:
    """One that always holds would else take the mail of all of them."""
    RuleEntry.objects.update(position=3)
    [formset] = page.get(f"{RULES}{rule.pk}/change/").context["inline_admin_formsets"]

    assert formset.formset.empty_form["position"].value() == 4
    assert formset.formset.extra_forms == []


def test_a_new_rule_begins_with_one_entry_which_may_stay_empty(page: Client, billing: Queue) -> None:
    [formset] = page.get(f"{RULES}add/").context["inline_admin_formsets"]
    [first] = formset.formset.extra_forms
    untouched = {"label": "", "position": first["position"].value(), "conditions": "{}", "is_active": "on"}

    assert page.post(f"{RULES}add/", {"name": "Rules"} | rows_of("entries", [untouched])).status_code == 302

    assert AssignmentRule.objects.get().entries.count() == 0


def test_saving_an_unchanged_rule_leaves_no_audit_line(page: Client, rule: AssignmentRule, billing: Queue) -> None:
    row = entry("Invoices", INVOICE, billing, id=rule.entries.get().pk, rule=rule.pk)

    page.post(f"{RULES}{rule.pk}/change/", {"name": rule.name} | rows_of("entries", [row], initial=1))

    assert not AuditEvent.objects.filter(action__startswith="assignment-rule").exists()


def test_an_entry_names_one_owner(page: Client, billing: Queue) -> None:
    row = entry("Two", "", billing, owner_user=UserFactory().pk)

    two = page.post(f"{RULES}add/", {"name": "Rules"} | rows_of("entries", [row])).content.decode()
    row = entry("None", "", billing, owner_queue="")
    none = page.post(f"{RULES}add/", {"name": "Rules"} | rows_of("entries", [row])).content.decode()

    assert "An entry names one owner: a user or a queue." in two
    assert "An entry names one owner: a user or a queue." in none
    assert not AssignmentRule.objects.exists()


def test_lint_stands_beside_the_entry_and_on_the_page_of_all(page: Client, rule: AssignmentRule) -> None:
    RuleEntry.objects.create(rule=rule, label="Again", position=1, conditions=INVOICE, owner_user=UserFactory())

    words = "“Invoices” has the same conditions and another destination; this one is never reached."
    assert words in page.get(f"{RULES}{rule.pk}/change/").content.decode()
    everything = page.get(f"{RULES}lint/").content.decode()
    assert words in everything
    assert f'href="/admin/routing/assignmentrule/{rule.pk}/change/"' in everything


def step(label: str, target: str, **more: Any) -> dict[str, Any]:
    row = {"label": label, "position": 0, "conditions": "", "target": target, "method": "round_robin"}
    return row | {"is_active": "on"} | more


def test_a_step_keeps_what_its_target_reads_and_no_more(page: Client, billing: Queue) -> None:
    skill = Skill.objects.create(name="French")
    rows = [
        step("Wait", "queue", queue=billing.pk, overflow_queue=billing.pk, user=UserFactory().pk),
        step("French", "skills", skills=[skill.pk], queue=billing.pk, overflow_queue=billing.pk),
    ]

    assert page.post(f"{FLOWS}add/", {"name": "Flow"} | rows_of("steps", rows)).status_code == 302

    wait, french = FlowStep.objects.order_by("pk")
    assert (wait.queue, wait.user, wait.overflow_queue) == (billing, None, None)
    assert (french.queue, french.overflow_queue, list(french.skills.all())) == (None, billing, [skill])
    assert (
        "a free rep with French, round robin"
        in page.get(f"{FLOWS}{RoutingFlow.objects.get().pk}/change/").content.decode()
    )


@pytest.mark.parametrize(("target", "field"), [("queue", "queue"), ("user", "user"), ("skills", "skills")])
def test_a_step_without_what_its_target_needs_is_refused(page: Client, target: str, field: str, db: Any) -> None:
    response = page.post(f"{FLOWS}add/", {"name": "Flow"} | rows_of("steps", [step("Empty", target)]))

    [formset] = response.context["inline_admin_formsets"]
    assert list(formset.formset.errors[0]) == [field]
    assert not RoutingFlow.objects.exists()


def test_the_page_of_a_flow_says_who_is_there(page: Client, billing: Queue) -> None:
    flow = RoutingFlow.objects.create(name="Flow")
    FlowStep.objects.create(flow=flow, label="Members", target="members", queue=billing)
    ana = UserFactory(first_name="Ana", last_name="Alvarez")
    billing.members.add(ana)
    RepPresence.objects.create(user=ana, status="available", capacity=7)
    RepPresence.objects.create(user=UserFactory(first_name="Zoe", last_name="Elsewhere"), status="available")

    shown = page.get(f"{FLOWS}{flow.pk}/change/").content.decode()

    assert "Ana Alvarez" in shown
    assert "at most 7 cases" in shown
    assert "Zoe Elsewhere" not in shown


def test_the_page_of_a_rule_takes_no_more_statements_for_more_entries(page: Client, rule: AssignmentRule) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(f"{RULES}{rule.pk}/change/")
        return len(captured)

    statements()
    before = statements()
    for number in range(5):
        conditions = INVOICE | {"value": f"number {number}"}
        queue = rule.entries.first().owner_queue  # type: ignore[union-attr]
        RuleEntry.objects.create(rule=rule, label=f"More {number}", conditions=conditions, owner_queue=queue)

    # A picker looks up its own choice: two for each entry (owner and notice), nothing else grows.
    assert statements() <= before + 5 * 3


def test_business_hours_are_a_line_for_each_day(page: Client, db: Any) -> None:
    posted = {"name": "Office", "time_zone": "Europe/Berlin", "monday": "09:00-12:00, 13:00-17:30", "holidays": ""}

    assert page.post("/admin/routing/businesshours/add/", posted).status_code == 302

    hours = BusinessHours.objects.get()
    assert (hours.week, hours.time_zone) == ({"monday": ["09:00-12:00", "13:00-17:30"]}, "Europe/Berlin")
    shown = page.get(f"/admin/routing/businesshours/{hours.pk}/change/").content.decode()
    assert 'value="09:00-12:00, 13:00-17:30"' in shown
    assert AuditEvent.objects.get(action="business-hours-created").detail["changes"]["week"][1] == str(hours.week)


def test_new_business_hours_begin_in_the_zone_of_the_organisation(page: Client, db: Any, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"

    def begins_with() -> tuple[Any, Any]:
        form = page.get("/admin/routing/businesshours/add/").context["adminform"].form
        return form["time_zone"].value(), form["is_default"].value()

    assert begins_with() == ("Europe/Berlin", True)

    BusinessHours.objects.create(name="Office", is_default=True)
    assert begins_with() == ("Europe/Berlin", False)


def test_a_day_that_cannot_be_read_is_refused_where_it_stands(page: Client, db: Any) -> None:
    response = page.post(
        "/admin/routing/businesshours/add/", {"name": "Office", "time_zone": "UTC", "tuesday": "9 to 5"}
    )

    assert list(response.context["adminform"].form.errors) == ["tuesday"]
    assert not BusinessHours.objects.exists()


def test_skills_and_presence_leave_audit_lines(page: Client, configurer: User) -> None:
    ana = UserFactory(username="ana")

    page.post("/admin/routing/skill/add/", {"name": "French", "users": [ana.pk]})
    page.post("/admin/routing/reppresence/add/", {"user": ana.pk, "capacity": 4, "status": "offline"})

    assert AuditEvent.objects.get(action="skill-created").detail["changes"]["users"] == [None, "ana"]
    assert AuditEvent.objects.get(action="rep-presence-created").detail["changes"]["capacity"] == [None, "4"]
    assert ana.presence.capacity == 4


@pytest.mark.parametrize("model", ["assignmentrule", "routingflow", "skill", "reppresence", "businesshours"])
def test_staff_without_the_permission_see_nothing(client: Client, staff: User, model: str) -> None:
    client.force_login(staff)

    assert client.get(f"/admin/routing/{model}/").status_code == 403
    assert client.post(f"/admin/routing/{model}/add/", {}).status_code == 403


# --- the strategy of an address ---


def address_form(address: RoutingAddress, **changes: Any) -> dict[str, Any]:

    return form_of(email_address=address.email_address, routing_name=address.routing_name) | changes


def test_another_strategy_clears_what_the_former_needed(
    page: Client, address: RoutingAddress, rule: AssignmentRule, billing: Queue
) -> None:
    url = f"/admin/routing/routingaddress/{address.pk}/change/"
    page.post(url, address_form(address, strategy="rules", assignment_rule=rule.pk))
    address.refresh_from_db()
    assert (address.strategy, address.assignment_rule) == ("rules", rule)

    flow = RoutingFlow.objects.create(name="Flow")
    posted = address_form(address, strategy="flow", flow=flow.pk, assignment_rule=rule.pk, fallback_queue=billing.pk)
    assert page.post(url, posted).status_code == 302
    address.refresh_from_db()
    assert (address.strategy, address.assignment_rule, address.flow) == ("flow", None, flow)

    page.post(url, posted | {"strategy": "owner"})
    address.refresh_from_db()
    assert (address.strategy, address.flow, address.fallback_queue) == ("owner", None, None)


def test_a_strategy_says_what_it_lacks(page: Client, address: RoutingAddress) -> None:
    url = f"/admin/routing/routingaddress/{address.pk}/change/"

    for_rules = page.post(url, address_form(address, strategy="rules")).context["adminform"].form.errors
    for_flow = page.post(url, address_form(address, strategy="flow")).context["adminform"].form.errors

    assert list(for_rules)[:1] == ["assignment_rule"]
    assert list(for_flow)[:2] == ["flow", "fallback_queue"]
