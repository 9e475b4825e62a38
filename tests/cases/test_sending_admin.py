"""The back office of sending: templates with their preview, the Email action, who can send and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from guardian.shortcuts import assign_perm

from cases.models import SendDecision
from cases.outbound.allowed_senders import permission_to_send
from routing import permission_sets
from routing.models import (
    AuditEvent,
    EmailTemplate,
    EmailToCaseSettings,
    PermissionSet,
    QuickText,
    RecordType,
    RoutingAddress,
)
from routing.sender_overview import PAGE, count_senders, explain_users
from tests.cases.outbound.people import allow_replies, case_with_mail, grant, rep, verified_address
from tests.factories import CaseFactory, RecordTypeFactory, RoutingAddressFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

TEMPLATES, QUICK_TEXTS = "/admin/routing/emailtemplate/", "/admin/routing/quicktext/"
EMAIL_ACTION = "/admin/routing/recordtype/email-action/"


@pytest.fixture
def configurer() -> Any:
    user = UserFactory(username="configurer", first_name="Conny", staff=True)
    user.user_permissions.add(Permission.objects.get(codename="customize_application"))
    return user


@pytest.fixture
def page(client: Client, configurer: Any) -> Client:
    client.force_login(configurer)
    return client


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def form(**changes: str) -> dict[str, str]:
    return {
        "name": "Late",
        "subject": "",
        "language": "",
        "is_active": "on",
        "html_body": "",
        "text_body": "",
    } | changes


# --- templates -------------------------------------------------------------------------------------------------------


def test_a_template_is_saved_cleaned_and_recorded(page: Client, configurer: Any) -> None:
    response = page.post(
        f"{TEMPLATES}add/",
        form(html_body="<p onclick='x()'>Hello {{ customer.first_name|there }}<script>x()</script></p>"),
    )

    assert response.status_code == 302
    assert EmailTemplate.objects.get().html_body == "<p>Hello {{ customer.first_name|there }}</p>"
    assert AuditEvent.objects.get(action="email-template-created").actor == configurer


def test_plain_words_become_paragraphs(page: Client) -> None:
    page.post(f"{TEMPLATES}add/", form(html_body="Hello,\r\nwe are late.\r\n\r\nSorry"))

    assert EmailTemplate.objects.get().html_body == "<p>Hello,<br>we are late.</p><p>Sorry</p>"


def test_unknown_fields_are_refused_with_the_list_of_known_ones(page: Client) -> None:
    response = page.post(f"{TEMPLATES}add/", form(subject="{{ case.title }}", text_body="{% if x %}"))

    text = text_of(response)
    assert "“case.title” is no merge field." in text
    assert "customer.first_name" in text
    assert EmailTemplate.objects.count() == 0


def test_an_empty_template_is_refused(page: Client) -> None:
    assert "Write a text." in text_of(page.post(f"{TEMPLATES}add/", form()))


def test_the_preview_shows_a_sample_and_stores_nothing(page: Client) -> None:
    response = page.post(
        f"{TEMPLATES}preview/",
        form(subject="Case {{ case.number }}", html_body="<p>Hi {{ customer.first_name }}, {{ rep.first_name }}</p>"),
    )

    text = text_of(response)
    assert "Case 00001041" in text
    assert "<p>Hi Casey, Conny</p>" in text
    assert EmailTemplate.objects.count() == 0


def test_the_preview_of_a_case_is_for_those_who_may_see_it(page: Client, configurer: Any) -> None:
    mine, hidden = case_with_mail(configurer), CaseFactory(supplied_name="Quartz Hidden")
    type(mine).objects.filter(pk=mine.pk).update(supplied_name="<b>Ann</b> Lee")

    shown = page.post(
        f"{TEMPLATES}preview/", form(html_body="<p>{{ customer.name }}</p>", preview_case=mine.number_text)
    )
    refused = page.post(f"{TEMPLATES}preview/", form(html_body="{{ customer.name }}", preview_case=hidden.number_text))

    assert "<p>&lt;b&gt;Ann&lt;/b&gt; Lee</p>" in text_of(shown)
    assert "no case of this number that you may see" in text_of(refused)
    assert "Quartz" not in text_of(refused)


@pytest.mark.parametrize("number", ["0", "-1", "999999999999999999", "9" * 40, "x", "٣"])
def test_no_number_of_a_case_breaks_the_preview(page: Client, number: str) -> None:
    assert "that you may see" in text_of(page.post(f"{TEMPLATES}preview/", form(text_body="x", preview_case=number)))


def test_the_preview_says_what_is_unknown_and_what_stays_empty(page: Client, configurer: Any) -> None:
    case = case_with_mail(configurer)
    type(case).objects.update(supplied_name="")

    text = text_of(
        page.post(
            f"{TEMPLATES}preview/",
            form(text_body="{{ customer.shoe }} {{ customer.name }}", preview_case=case.number_text),
        )
    )

    assert "No merge field: customer.shoe." in text
    assert "Nothing to put in here for customer.name." in text


def test_a_saved_template_is_previewed_without_javascript_and_says_where_it_is_used(page: Client) -> None:
    template = EmailTemplate.objects.create(name="A", html_body="<p>Hi {{ customer.first_name }}</p>", is_active=False)
    RoutingAddressFactory(
        email_address="support@company.example", auto_response_policy="new_cases", auto_response_template=template
    )
    RecordType.objects.update(default_template=template)

    text = text_of(page.get(f"{TEMPLATES}{template.pk}/change/"))

    assert "<p>Hi Casey</p>" in text
    assert "support@company.example" in text
    assert "This template is switched off" in text
    assert f'href="{EMAIL_ACTION}"' in text


def test_a_template_in_use_is_not_deleted(page: Client) -> None:
    template = EmailTemplate.objects.create(name="A", text_body="x")
    RoutingAddressFactory(auto_response_policy="new_cases", auto_response_template=template)

    page.post(f"{TEMPLATES}{template.pk}/delete/", {"post": "yes"})

    assert EmailTemplate.objects.filter(pk=template.pk).exists()


def test_a_quick_text_is_checked_like_a_template(page: Client) -> None:
    bad = {"shortcut": "thanks", "name": "Thanks", "body": "{{ x.y }}", "is_active": "on"}

    assert "is no merge field" in text_of(page.post(f"{QUICK_TEXTS}add/", bad))
    page.post(f"{QUICK_TEXTS}add/", bad | {"body": "Thank you, {{ customer.first_name|all }}."})
    assert QuickText.objects.get().shortcut == "thanks"
    assert "Thank you, Casey." in text_of(page.post(f"{QUICK_TEXTS}preview/", {"body": QuickText.objects.get().body}))


# --- Email action ----------------------------------------------------------------------------------------------------


def test_the_email_action_saves_each_value_and_records_it(page: Client, configurer: Any) -> None:
    support, french = verified_address("support@company.example"), verified_address("fr@company.example")
    france = RecordTypeFactory(name="France")
    template = EmailTemplate.objects.create(name="Bonjour", text_body="Bonjour")

    response = page.post(
        EMAIL_ACTION,
        {
            "default_from": str(support.pk),
            f"from_{france.pk}": str(french.pk),
            f"template_{france.pk}": str(template.pk),
            "enabled": "",
            f"is_default_{france.pk}": "on",
        },
    )

    france.refresh_from_db()
    assert response.status_code == 302
    assert EmailToCaseSettings.load().default_from == support
    assert (france.default_from, france.default_template, france.is_default) == (french, template, False)
    events = AuditEvent.objects.filter(action="email-action-changed")
    assert {event.actor for event in events} == {configurer}
    assert events.count() == 2


def test_each_value_says_whether_it_works_and_who_may_use_it(page: Client) -> None:
    rep("ana")
    EmailToCaseSettings.objects.update(default_from=verified_address("support@company.example"))
    RecordType.objects.update(default_from=RoutingAddressFactory(email_address="new@company.example"))

    text = text_of(page.get(EMAIL_ACTION))

    assert "The routing address is not verified. It is passed over." in text
    assert "1 person can send" in text


def test_an_address_that_does_not_exist_or_is_deleted_cannot_be_chosen(page: Client) -> None:
    deleted = RoutingAddressFactory(deleted=True)

    for value in (str(deleted.pk), "999999", "x"):
        assert page.post(EMAIL_ACTION, {"default_from": value}).status_code == 200
    assert EmailToCaseSettings.load().default_from is None


def test_staff_who_may_only_look_see_the_email_action_and_cannot_change_it(client: Client) -> None:
    viewer = UserFactory(staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_recordtype"))
    client.force_login(viewer)
    support = verified_address("support@company.example")

    client.post(EMAIL_ACTION, {"default_from": str(support.pk)})

    assert "disabled" in text_of(client.get(EMAIL_ACTION))
    assert EmailToCaseSettings.load().default_from is None


def test_the_email_action_costs_the_same_for_one_and_twenty_addresses(page: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(EMAIL_ACTION)
        return len(captured)

    cost()
    one = cost()
    for number in range(20):
        address = verified_address(f"a{number}@company.example", controlled_by_permission_set=True)
        grant(address, rep(f"rep{number}x"), label=f"Set {number}")
        RecordTypeFactory(name=f"Type {number}", default_from=address)

    assert cost() == one


# --- who can send ----------------------------------------------------------------------------------------------------


@pytest.fixture
def gold() -> RoutingAddress:
    return verified_address("gold@company.example", controlled_by_permission_set=True)


def answers_of(address: RoutingAddress) -> dict[str, tuple[bool, str, list[str]]]:
    answers, _rest = explain_users(address)
    return {each.user.username: (each.allowed, each.because, each.notes) for each in answers}


def test_everybody_is_listed_with_the_reason_and_what_does_not_count(gold: RoutingAddress) -> None:
    granted, expired, inactive = rep("ana"), rep("ben"), rep("dora", is_active=False)
    permission_set = grant(gold, granted, expired, inactive, label="Gold")
    permission_sets.expire_member(permission_set, expired, by=None, at=timezone.now() - timedelta(days=1))
    rep("carl")
    assign_perm("routing.send_from_routingaddress", rep("direct"), gold)
    root = UserFactory(username="root", superuser=True)
    grant(gold, UserFactory(username="silent"), label="Others")

    answers = answers_of(gold)

    assert answers["ana"] == (True, "Granted by the permission set “Gold”.", [])
    assert answers["ben"][0] is False
    assert answers["ben"][1].startswith("The membership in “Gold” expired on")
    assert answers["carl"] == (False, "No permission set grants it.", [])
    assert answers["direct"] == (False, "No permission set grants it.", ["A grant to the user alone does not count."])
    assert answers["dora"][:2] == (False, "Not an active user.")
    assert answers[root.username] == (
        False,
        "No permission set grants it.",
        ["Being a superuser does not count."],
    )
    assert answers["silent"][:2] == (False, "Does not have the permission to reply to cases.")


def test_the_list_agrees_with_the_one_function_that_decides(gold: RoutingAddress) -> None:
    grant(gold, rep("ana"), UserFactory(username="silent"), rep("dora", is_active=False))
    rep("ben")
    UserFactory(username="root", superuser=True)
    for address in (gold, verified_address("open@company.example"), RoutingAddressFactory()):
        answers, _rest = explain_users(address)
        counted = count_senders([address])[address.pk]

        assert {each.user.username: each.allowed for each in answers} == {
            each.user.username: permission_to_send(each.user, address).allowed for each in answers
        }
        assert counted == sum(each.allowed for each in answers)


def test_mail_that_needs_approval_is_said(gold: RoutingAddress) -> None:
    grant(gold, rep("ana"))
    PermissionSet.objects.update(requires_approval=True)

    [ana] = explain_users(gold, starts_with="ana")[0]

    assert (ana.allowed, ana.needs_approval) == (True, True)


def test_the_page_turns_by_key_set_and_costs_the_same(page: Client, gold: RoutingAddress) -> None:
    def get(query: str = "") -> tuple[str, int]:
        with CaptureQueriesContext(connection) as captured:
            text = text_of(page.get(f"/admin/cases/senddecision/address/{gold.pk}/{query}"))
        assert not any("OFFSET" in query["sql"] for query in captured)
        return text, len(captured)

    get()
    _text, few = get()
    for number in range(PAGE + 5):
        UserFactory(username=f"person{number:03}")

    first, many = get()
    second, _cost = get("?after=person048")
    found, _cost = get("?q=PERSON05")

    assert many == few
    assert "person000" in first
    assert "person054" not in first
    assert "person054" in second
    assert "person051" in found
    assert "person000" not in found


def test_the_last_refusals_are_shown_and_lead_to_the_decision(page: Client, gold: RoutingAddress) -> None:
    ana = rep("ana")
    decision = SendDecision.objects.create(
        user=ana,
        user_name="ana",
        address=gold,
        stage="use_case",
        allowed=False,
        because="No permission set grants it.",
    )

    of_address = text_of(page.get(f"/admin/cases/senddecision/address/{gold.pk}/"))
    of_user = text_of(page.get(f"/admin/cases/senddecision/user/{ana.pk}/"))

    for text in (of_address, of_user):
        assert f"/admin/cases/senddecision/{decision.pk}/change/" in text
        assert "No permission set grants it." in text


def test_a_user_sees_nothing_of_these_pages_without_customize_application(
    client: Client, gold: RoutingAddress
) -> None:
    staff = UserFactory(staff=True)
    allow_replies(staff)
    client.force_login(staff)

    for url in (f"/admin/cases/senddecision/address/{gold.pk}/", f"/admin/cases/senddecision/user/{staff.pk}/"):
        assert client.get(url).status_code == 403


# --- the breaker -----------------------------------------------------------------------------------------------------


def test_the_breaker_is_shown_and_let_go_by_a_person(page: Client, configurer: Any) -> None:
    address = verified_address(
        "support@company.example",
        auto_response_policy="new_cases",
        auto_response_template=EmailTemplate.objects.create(name="A", text_body="x"),
        auto_response_stopped_at=timezone.now(),
    )
    url = f"/admin/routing/routingaddress/{address.pk}/"
    assert "Automatic answers stopped." in text_of(page.get(f"{url}change/"))
    assert page.get(f"{url}resume-answers/").status_code == 405

    page.post(f"{url}resume-answers/")

    address.refresh_from_db()
    assert address.auto_response_stopped_at is None
    assert address.auto_response_resumed_at is not None
    assert AuditEvent.objects.get(action="auto-response-resumed").actor == configurer
    assert "0 people answered in 24 hours, breaker closed" in text_of(page.get(f"{url}change/"))
