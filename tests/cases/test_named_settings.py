"""Each line of a trail that a setting decided names it, and leads whoever may open its page to the very field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from cases.message_ids import hash_of
from cases.models import Case, InboundEmail
from routing.models import (
    AssignmentRule,
    EmailTemplate,
    EmailToCaseSettings,
    FlowStep,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    RuleEntry,
)
from routing.named_settings import NamedSetting, in_environment, of_address, of_organisation
from routing.setting_links import shown_setting
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    ParticipantFactory,
    QueueFactory,
    RoutingAddressFactory,
    UserFactory,
)
from tests.mails import ingest, raw_mail
from tests.routing.admin.conftest import allow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

ADDRESS = "support@company.example"
SENDER = "casey@example.net"


@pytest.fixture
def support() -> RoutingAddress:
    made: RoutingAddress = RoutingAddressFactory(email_address=ADDRESS, verified=True)
    return made


@dataclass(frozen=True)
class Situation:
    """`arrange`: changes what is set and returns the mail. `setting`: the name expected in the line of `step`."""

    step: str
    setting: str
    arrange: Callable[[RoutingAddress], bytes]
    verdict: str = ""


def organisation(**values: Any) -> Callable[[RoutingAddress], bytes]:
    def arrange(_support: RoutingAddress) -> bytes:
        EmailToCaseSettings.objects.update(**values)
        return raw_mail()

    return arrange


def address(**values: Any) -> Callable[[RoutingAddress], bytes]:
    def arrange(support: RoutingAddress) -> bytes:
        RoutingAddress.objects.filter(pk=support.pk).update(**values)
        return raw_mail()

    return arrange


def over_hourly_limit(_support: RoutingAddress) -> bytes:
    EmailToCaseSettings.objects.update(sender_hourly_limit=1)
    EmailMessageFactory(from_address=SENDER, incoming=True, received_at=timezone.now())
    return raw_mail()


def over_daily_limit(support: RoutingAddress) -> bytes:
    EmailToCaseSettings.objects.update(daily_limit=1)
    EmailMessageFactory(case=CaseFactory(routing_address=support), incoming=True)
    ingest(raw_mail(sender="x@elsewhere.example"))
    return raw_mail()


def bulk_held(_support: RoutingAddress) -> bytes:
    EmailToCaseSettings.objects.update(hold_bulk=True)
    return raw_mail(
        headers=["Precedence: bulk", "List-Unsubscribe: <https://example.net/off>", "List-Id: <n.example>"]
    )


def answer_to(case: Case) -> bytes:
    ParticipantFactory(case=case, address=SENDER)
    identifier = "earlier@mail.example.net"
    EmailMessageFactory(case=case, message_identifier=identifier, message_identifier_hash=hash_of(identifier))
    return raw_mail(headers=[f"In-Reply-To: <{identifier}>"])


def headers_used(support: RoutingAddress) -> bytes:
    return answer_to(CaseFactory(routing_address=support))


def headers_not_used(support: RoutingAddress) -> bytes:
    EmailToCaseSettings.objects.update(use_headers_for_threading=False)
    return answer_to(CaseFactory(routing_address=support))


def closed_days_ago(days: int, **values: Any) -> Callable[[RoutingAddress], bytes]:
    def arrange(support: RoutingAddress) -> bytes:
        RoutingAddress.objects.filter(pk=support.pk).update(**values)
        case = CaseFactory(routing_address=support)
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now() - timedelta(days=days))
        return answer_to(case)

    return arrange


def by_rule(support: RoutingAddress) -> bytes:
    rule = AssignmentRule.objects.create(name="By subject")
    RuleEntry.objects.create(rule=rule, label="All", owner_queue=QueueFactory())
    RoutingAddress.objects.filter(pk=support.pk).update(strategy="rules", assignment_rule=rule)
    return raw_mail()


def by_flow(support: RoutingAddress) -> bytes:
    flow, queue, rep = RoutingFlow.objects.create(name="Flow"), QueueFactory(), UserFactory()
    queue.members.add(rep)
    RepPresence.objects.create(user=rep, status="available", capacity=5)
    FlowStep.objects.create(flow=flow, label="All", target="members", queue=queue)
    RoutingAddress.objects.filter(pk=support.pk).update(strategy="flow", flow=flow, fallback_queue=queue)
    return raw_mail()


def by_fallback(support: RoutingAddress) -> bytes:
    rule = AssignmentRule.objects.create(name="Empty")
    RoutingAddress.objects.filter(pk=support.pk).update(
        strategy="rules", assignment_rule=rule, fallback_queue=QueueFactory()
    )
    return raw_mail()


def order_number(support: RoutingAddress) -> bytes:
    RoutingAddressFactory(email_address="sales@company.example", priority_order=support.priority_order + 1)
    return raw_mail(
        to="nobody@elsewhere.example", headers=[f"Delivered-To: {ADDRESS}", "Delivered-To: sales@company.example"]
    )


def answered(support: RoutingAddress) -> bytes:
    template = EmailTemplate.objects.create(name="Thanks", text_body="We got it.")
    RoutingAddress.objects.filter(pk=support.pk).update(
        auto_response_policy="new_cases", auto_response_template=template
    )
    return answer_to(CaseFactory(routing_address=support))


def forwarded_by_a_trusted_colleague(support: RoutingAddress) -> bytes:
    RoutingAddress.objects.filter(pk=support.pk).update(unwrap_forwards_from=SENDER)
    body = (
        "See below.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Dana <dana@customer.example>\r\n"
        "Date: Tue, 3 Nov 2026 at 10:11\r\nSubject: Lamp\r\nTo: <casey@example.net>\r\n\r\nIt flickers.\r\n"
    )
    return raw_mail(subject="Fwd: Lamp", body=body)


def our_own_address(_support: RoutingAddress) -> bytes:
    return raw_mail(sender=ADDRESS)


def nobodys_address(_support: RoutingAddress) -> bytes:
    return raw_mail(to="nobody@elsewhere.example")


SITUATIONS = [
    Situation("route", "routing_address.email_address", address()),
    Situation("route", "routing_address.priority_order", order_number),
    Situation("route", "routing_address", nobodys_address),
    Situation("screen", "routing_address", nobodys_address, "no_routing_address"),
    Situation("screen", "routing_address.email_address", our_own_address, "own_loop"),
    Situation("screen", "routing_address.block_email_from", address(block_email_from="example.net")),
    Situation("screen", "routing_address.accept_email_from", address(accept_email_from="other.example")),
    Situation("screen", "routing_address.is_active", address(is_active=False), "address_inactive"),
    Situation("screen", "settings.enabled", organisation(enabled=False), "disabled"),
    Situation("screen", "settings.sender_hourly_limit", over_hourly_limit, "loop_suspected"),
    Situation("screen", "settings.daily_limit", over_daily_limit, "over_limit"),
    Situation("screen", "settings.hold_bulk", bulk_held, "bulk_review"),
    Situation("thread", "settings.use_headers_for_threading", headers_used, "their_message_id"),
    Situation("thread", "settings.use_headers_for_threading", headers_not_used, "none"),
    Situation("closed case policy", "routing_address.reopen_days", closed_days_ago(1), "reopen"),
    Situation("closed case policy", "routing_address.reopen_days", closed_days_ago(99), "follow_up"),
    Situation(
        "closed case policy",
        "routing_address.closed_case_policy",
        closed_days_ago(99, closed_case_policy="always_reopen"),
        "reopen",
    ),
    Situation("customer", "routing_address.unwrap_forwards_from", forwarded_by_a_trusted_colleague),
    Situation("owner", "routing_address.owner_queue", address()),
    Situation("owner", "settings.default_case_owner_queue", address(owner_queue=None)),
    Situation("owner", "routing_address.fallback_queue", by_fallback),
    Situation("owner", "assignment_rule.entries", by_rule),
    Situation("owner", "routing_flow.steps", by_flow),
    Situation("auto-response", "routing_address.auto_response_policy", answered, "none"),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: f"{each.step} {each.setting}")
def test_a_line_names_the_setting_that_decided_it_and_its_link_leads_to_the_field(
    client: Client, support: RoutingAddress, situation: Situation
) -> None:
    client.force_login(allow(UserFactory(staff=True), "customize_application"))
    mail = situation.arrange(support)

    settled = ingest(mail)

    [line] = [line for line in settled.inbound.trail if line["step"] == situation.step]
    assert line["setting"] is not None, line
    assert line["setting"]["name"] == situation.setting
    assert situation.verdict in ("", line["verdict"])
    page = client.get(f"/admin/cases/inboundemail/{settled.inbound.pk}/change/").content.decode()
    after = page[page.index('class="e2c-trail"') :]
    url = next(
        url for url in re.findall(r'class="e2c-decided">.*?href="([^"]+)"', after) if names(url, line["setting"])
    )
    path, _hash, anchor = url.partition("#")
    field = client.get(path, follow=True).content.decode()
    assert not anchor or f'id="{anchor}"' in field


def names(url: str, setting: dict[str, Any]) -> bool:
    field = setting["name"].partition(".")[2]
    return field in url and (setting["row"] is None or url.endswith(f"-row-{setting['row']}"))


def test_lines_that_no_setting_decided_say_so_with_a_null(support: RoutingAddress) -> None:
    trail = ingest(raw_mail()).inbound.trail

    assert all(line.keys() == {"step", "verdict", "because", "setting"} for line in trail)
    assert {line["step"] for line in trail if line["setting"] is None} >= {"read", "analyse", "deduplicate", "contact"}


def test_what_is_shown_says_the_words_of_the_field(rf: RequestFactory, support: RoutingAddress) -> None:
    request = rf.get("/")
    request.user = allow(UserFactory(staff=True), "customize_application")

    shown = shown_setting(of_address(support.pk, "accept_email_from"), request)
    held = shown_setting(of_organisation("hold_spam"), request)
    variable = shown_setting(in_environment("E2C_PROVIDERS"), request)

    assert shown is not None
    assert shown.words == "Routing address: accept email from"
    assert shown.url == f"/admin/routing/routingaddress/{support.pk}/change/#id_accept_email_from"
    assert held is not None
    assert (held.words, held.url) == (
        "Email-to-Case settings: hold spam for review",
        "/admin/routing/emailtocasesettings/#id_hold_spam",
    )
    assert variable is not None
    assert (variable.words, variable.url) == ("E2C_PROVIDERS, in the environment", "")


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "routing_address.is_active",
        {},
        {"name": None, "id": 1, "row": None},
        {"name": "gone.field", "id": 1, "row": None},
        {"name": "routing_address.no_such_field", "id": 1, "row": None},
        {"name": "routing_address.inbound_emails", "id": 1, "row": None},
    ],
)
def test_what_is_not_known_today_is_not_shown(rf: RequestFactory, stored: Any) -> None:
    request = rf.get("/")
    request.user = User(is_superuser=True, is_staff=True)

    assert shown_setting(stored, request) is None


def test_keys_that_are_none_lead_to_no_page_of_somebody_else(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User(is_superuser=True, is_staff=True)

    shown = shown_setting({"name": "routing_address.is_active", "id": "1/../../auth", "row": True}, request)

    assert shown is not None
    assert shown.url == "/admin/routing/routingaddress/#id_is_active"


def opened_case(queue: Any, support: RoutingAddress) -> Case:
    setting = of_address(support.pk, "owner_queue").as_json()
    trail = [{"step": "owner", "verdict": "queue", "because": "case owner of the address", "setting": setting}]
    case = CaseFactory(owner_queue=queue)
    case.source = EmailMessageFactory(case=case, inbound_email=InboundEmailFactory(trail=trail))
    case.save()
    return case


@pytest.mark.parametrize("page", ["/cases/{number}/", "/cases/{number}/why/"])
def test_a_case_page_links_settings_for_those_who_may_open_them_alone(
    client: Client, support: RoutingAddress, page: str
) -> None:
    queue, rep = QueueFactory(), UserFactory()
    queue.members.add(rep)
    case = opened_case(queue, support)
    link = f'href="/admin/routing/routingaddress/{support.pk}/change/#id_owner_queue"'
    url = page.format(number=case.number)
    rep.user_permissions.clear()

    client.force_login(rep)
    told_rep = client.get(url)
    client.force_login(UserFactory(staff=True, superuser=True))
    told_admin = client.get(url)

    assert told_rep.status_code == told_admin.status_code == 200
    assert "case owner of the address" in told_rep.content.decode()
    assert "/admin/routing" not in told_rep.content.decode()
    assert link in told_admin.content.decode()


def test_staff_who_may_not_open_the_setting_read_its_name_without_a_link(
    client: Client, support: RoutingAddress
) -> None:
    client.force_login(allow(UserFactory(staff=True), "view_inboundemail"))
    inbound: InboundEmail = ingest(raw_mail()).inbound

    page = client.get(f"/admin/cases/inboundemail/{inbound.pk}/change/").content.decode()

    assert "Routing address: case owner (queue)" in page
    assert "#id_owner_queue" not in page


def test_trails_from_before_settings_were_named_are_shown(client: Client) -> None:
    client.force_login(allow(UserFactory(staff=True), "customize_application"))
    inbound = InboundEmailFactory(
        state="rejected",
        reason="blocked_sender",
        trail=[{"step": "screen", "verdict": "blocked_sender", "because": "it was blocked"}],
    )

    page = client.get(f"/admin/cases/inboundemail/{inbound.pk}/change/").content.decode()

    assert "it was blocked" in page
    assert "e2c-decided" not in page


def test_the_lab_links_the_settings_of_its_steps_and_of_the_values_of_the_new_case(
    client: Client, support: RoutingAddress, settings: Any
) -> None:
    settings.E2C_PROVIDERS = ["postmark"]
    client.force_login(allow(UserFactory(staff=True), "customize_application"))

    page = client.post(
        "/admin/cases/inboundemail/lab/",
        {"recipient": ADDRESS, "verdict": "pass", "shape": "smtp", "sample": "plain", "look": "1"},
    ).content.decode()

    of_support = f"/admin/routing/routingaddress/{support.pk}/change/#id_"
    for field in ("email_address", "owner_queue", "case_priority", "case_origin", "create_task"):
        assert f'href="{of_support}{field}"' in page


def test_the_lab_names_the_variable_that_keeps_a_provider_out(client: Client, settings: Any) -> None:
    settings.E2C_PROVIDERS = []
    client.force_login(allow(UserFactory(staff=True), "customize_application"))

    page = client.post(
        "/admin/cases/inboundemail/lab/",
        {"recipient": ADDRESS, "verdict": "pass", "shape": "postmark", "sample": "plain", "look": "1"},
    ).content.decode()

    assert "E2C_PROVIDERS, in the environment" in page


def test_names_are_plain_values() -> None:
    assert NamedSetting("assignment_rule.entries", 3, 7).as_json() == {
        "name": "assignment_rule.entries",
        "id": 3,
        "row": 7,
    }
