"""The dry run of a form of the configuration: what it shows, and that nothing is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import Client

from routing.models import AssignmentRule, Queue, RoutingAddress, RuleEntry
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail
from tests.routing.admin.test_addresses import form_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

URL = "/admin/cases/inboundemail/dry-run/"


@pytest.fixture
def page(client: Client) -> Client:
    user = UserFactory(username="configurer", staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=["customize_application", "view_inboundemail"]))
    client.force_login(user)
    return client


@pytest.fixture
def billing() -> Queue:
    return QueueFactory(name="Billing")


@pytest.fixture
def entry(billing: Queue) -> RuleEntry:
    rule = AssignmentRule.objects.create(name="Rules")
    RoutingAddressFactory(
        email_address="support@company.example",
        routing_name="Support",
        strategy="rules",
        assignment_rule=rule,
        owner_queue=QueueFactory(name="Repairs"),
    )
    conditions = {"field": "subject", "operator": "contains", "value": "nothing says this"}
    return RuleEntry.objects.create(rule=rule, label="Invoices", conditions=conditions, owner_queue=billing)


def everything() -> dict[str, list[Any]]:
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list())
        for app in ("cases", "routing")
        for model in apps.get_app_config(app).get_models()
    }


def posted_rule(entry: RuleEntry, conditions: Any) -> dict[str, Any]:
    return {
        "name": "Rules",
        "entries-TOTAL_FORMS": 1,
        "entries-INITIAL_FORMS": 1,
        "entries-0-id": entry.pk,
        "entries-0-rule": entry.rule_id,
        "entries-0-label": entry.label,
        "entries-0-position": 0,
        "entries-0-is_active": "on",
        "entries-0-owner_queue": entry.owner_queue_id,
        "entries-0-conditions": json.dumps(conditions),
    }


def test_changed_conditions_show_which_mail_goes_elsewhere_and_save_nothing(page: Client, entry: RuleEntry) -> None:
    ingest_mail(subject="Invoice 7")
    ingest_mail(subject="Broken lamp")
    before = everything()

    response = page.post(
        f"{URL}assignmentrule/{entry.rule_id}/",
        posted_rule(entry, {"field": "subject", "operator": "contains", "value": "invoice"}),
    )

    comparison = response.context["comparison"]
    assert [each.inbound.subject for each in comparison.changed] == ["Invoice 7"]
    assert comparison.changed[0].differences == [("owner", "queue Repairs", "queue Billing")]
    assert (response.context["unchanged"], comparison.left_out) == (1, 0)
    shown = response.content.decode()
    assert "entry “Invoices” of “Rules”: Subject contains “invoice”" in shown
    assert "1 mail would become something else." in shown
    assert everything() == before


def test_another_strategy_of_an_address_is_tried_before_saving(page: Client, entry: RuleEntry) -> None:
    ingest_mail()
    address = RoutingAddress.objects.get()
    before = everything()
    posted = form_of(block_email_from="example.net", dry_days="30")

    response = page.post(f"{URL}routingaddress/{address.pk}/", posted)

    [changed] = response.context["comparison"].changed
    assert changed.differences[:2] == [("outcome", "case", "rejected"), ("reason", "", "blocked_sender")]
    assert everything() == before


def test_one_mail_can_be_chosen_and_a_new_rule_has_no_row_yet(page: Client, entry: RuleEntry) -> None:
    ingest_mail()
    inbound = ingest_mail().inbound
    before = everything()
    empty = {"name": "New rules", "entries-TOTAL_FORMS": 0, "entries-INITIAL_FORMS": 0}

    response = page.post(f"{URL}assignmentrule/new/", empty | {"dry_mail": str(inbound.pk)})

    assert (response.context["looked_at"], response.context["unchanged"]) == (1, 1)
    assert everything() == before


def test_a_form_with_mistakes_is_not_tried(page: Client, entry: RuleEntry) -> None:
    response = page.post(f"{URL}assignmentrule/{entry.rule_id}/", posted_rule(entry, {"field": "colour"}))

    assert response.context["has_errors"] is True


@pytest.mark.parametrize("lacking", ["customize_application", "view_inboundemail"])
def test_it_takes_both_permissions(client: Client, entry: RuleEntry, lacking: str) -> None:
    user = UserFactory(staff=True)
    has = {"customize_application", "view_inboundemail"} - {lacking}
    user.user_permissions.add(*Permission.objects.filter(codename__in=has))
    client.force_login(user)

    answer = client.post(f"{URL}assignmentrule/{entry.rule_id}/", posted_rule(entry, {}))

    # Whoever may customize the application may see inbound mail as well (cases.admin.history).
    assert answer.status_code == (200 if lacking == "view_inboundemail" else 403)


def test_only_pages_of_routing_can_be_tried(page: Client) -> None:
    assert page.post(f"{URL}user/1/", {}).status_code == 404
    assert page.get(f"{URL}assignmentrule/new/").status_code == 405
