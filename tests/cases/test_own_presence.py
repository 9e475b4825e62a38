"""A rep says in the console whether flows may give new cases, from the click to the owner of the next mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.models import Case, PendingRouting
from cases.rep_load import open_cases_of
from cases.selectors.lists import COUNTED_TO, reader_of
from cases.selectors.navigation import own_work
from cases.waiting_cases import give_waiting_cases
from routing.models import AuditEvent, FlowStep, Queue, RepPresence, RoutingFlow
from routing.rep_presence import set_own_presence
from tests.factories import CaseFactory, QueueFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

FRAGMENT = {"HX-Request": "true"}
PATH = "/cases/own-presence/"


@pytest.fixture
def repairs() -> Queue:
    queue = QueueFactory(name="Repairs")
    flow = RoutingFlow.objects.create(name="Support flow")
    FlowStep.objects.create(flow=flow, label="Repairs", target="members", queue=queue)
    RoutingAddressFactory(
        email_address="support@company.example",
        strategy="flow",
        flow=flow,
        fallback_queue=QueueFactory(name="Fallback"),
    )
    return queue


def member(queue: Queue, status: str = "available", *, capacity: int = 5, **fields: Any) -> User:
    user: User = UserFactory(**fields)
    queue.members.add(user)
    RepPresence.objects.create(user=user, status=status, capacity=capacity)
    return user


def page_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown_now(client: Client, path: str = "/cases/views/") -> str:
    """The line of the pane: the status and how many of how many, without tags."""
    found = re.search(r'id="own-presence-now".*?</span></span></span>', client.get(path).text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[0].split(">", 1)[1]).split()) if found else ""


def test_who_says_away_gets_no_case_and_who_comes_back_gets_what_waited(repairs: Queue) -> None:
    ana, ben = member(repairs), member(repairs, "offline")
    client = page_of(ana)

    client.post(PATH, {"status": "away"})
    waits = ingest_mail(subject="While nobody is there").case
    assert waits is not None
    assert (waits.owner_user, waits.owner_queue) == (None, repairs)
    assert give_waiting_cases() == 0

    page_of(ben).post(PATH, {"status": "available"})
    assert give_waiting_cases() == 1
    waits.refresh_from_db()
    assert waits.owner_user == ben
    assert not PendingRouting.objects.exists()

    page_of(ben).post(PATH, {"status": "busy"})
    client.post(PATH, {"status": "available"})
    after = ingest_mail(subject="When Ana is back").case
    assert after is not None
    assert after.owner_user == ana


def test_going_offline_leaves_cases_where_they_are(repairs: Queue) -> None:
    ana = member(repairs)
    case = ingest_mail().case
    assert case is not None
    assert case.owner_user == ana

    page_of(ana).post(PATH, {"status": "offline"})

    case.refresh_from_db()
    assert case.owner_user == ana


def test_a_change_is_audited_once_and_leaves_turn_and_capacity_alone(repairs: Queue) -> None:
    ana = member(repairs, capacity=7)
    given_at = timezone.now() - timedelta(hours=1)
    RepPresence.objects.update(last_assigned_at=given_at, changed_at=given_at)
    client = page_of(ana)

    for _time in range(2):
        client.post(PATH, {"status": "away"})

    presence = RepPresence.objects.get()
    assert (presence.status, presence.capacity, presence.last_assigned_at) == ("away", 7, given_at)
    assert presence.changed_at > given_at
    event = AuditEvent.objects.get(action="presence-changed")
    assert (event.actor, event.detail) == (ana, {"changes": {"status": ["available", "away"]}})


def test_without_a_script_the_form_leads_back_to_the_pane_and_says_what_it_means(repairs: Queue) -> None:
    client = page_of(member(repairs, capacity=3))

    answer = client.post(PATH, {"status": "away"}, follow=True)

    assert answer.redirect_chain == [("/cases/views/", 302)]
    assert "You are away: flows give you no new cases. Those you have stay yours." in answer.text
    assert shown_now(client) == "Your status: Away 0 of 3 cases await an answer"


def test_with_a_script_the_line_alone_comes_back(repairs: Queue) -> None:
    client = page_of(member(repairs, "away", capacity=3))

    answer = client.post(PATH, {"status": "available"}, headers=FRAGMENT)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="own-presence"' in answer.text
    assert "You are available: flows give you new cases, until 3 await an answer." in answer.text


@pytest.mark.parametrize(("has_row", "status", "code"), [(True, "asleep", 400), (True, "", 400), (False, "away", 404)])
def test_what_nobody_offers_is_refused(repairs: Queue, has_row: bool, status: str, code: int) -> None:
    user = member(repairs) if has_row else UserFactory()

    answer = page_of(user).post(PATH, {"status": status})

    assert answer.status_code == code
    assert list(RepPresence.objects.values_list("status", flat=True)) == ["available"] * has_row
    assert not AuditEvent.objects.filter(action="presence-changed").exists()


def test_nobody_changes_the_presence_of_another(repairs: Queue) -> None:
    ana, ben = member(repairs), member(repairs)

    page_of(ben).post(PATH, {"status": "away", "user": ana.pk})

    assert RepPresence.objects.get(user=ana).status == "available"
    assert RepPresence.objects.get(user=ben).status == "away"


def test_who_takes_no_part_in_flows_has_no_such_control(repairs: Queue) -> None:
    user = UserFactory()

    assert set_own_presence(user, RepPresence.Status.AWAY) is None
    assert "own-presence" not in page_of(user).get("/cases/views/").text


@pytest.mark.parametrize("path", ["/cases/views/", "/cases/counts/"])
def test_load_counts_what_flows_count(repairs: Queue, path: str) -> None:
    ana = member(repairs, capacity=2)
    tomorrow, yesterday = timezone.now() + timedelta(days=1), timezone.now() - timedelta(days=1)
    for fields in (
        {"awaiting": "us"},
        {"awaiting": "us", "snoozed_until": yesterday},
        {"awaiting": "us", "snoozed_until": tomorrow},
        {"awaiting": "customer"},
    ):
        CaseFactory(owner_user=ana, owner_queue=None, **fields)
    CaseFactory(owner_queue=repairs, awaiting="us")
    closed = CaseFactory(owner_user=ana, owner_queue=None, awaiting="us")
    Case.objects.filter(pk=closed.pk).update(closed_at=yesterday)

    presence = own_work(reader_of(ana)).presence

    assert presence is not None
    assert presence.load == open_cases_of([ana.pk])[ana.pk] == 2
    assert presence.is_full
    assert shown_now(page_of(ana), path) == "Your status: Available 2 of 2 cases await an answer"


def test_load_stops_where_counting_costs_more_than_it_tells(repairs: Queue) -> None:
    ana = member(repairs, capacity=500)
    template = CaseFactory(owner_user=ana, owner_queue=None)
    Case.objects.bulk_create(
        Case(
            subject="x",
            status=template.status,
            record_type=template.record_type,
            owner_user=ana,
            created_at=template.created_at,
            last_activity_at=template.last_activity_at,
        )
        for _number in range(COUNTED_TO)
    )

    assert shown_now(page_of(ana)) == f"Your status: Available {COUNTED_TO - 1}+ of 500 cases await an answer"


@pytest.mark.parametrize("path", ["/cases/views/", "/cases/counts/"])
def test_presence_costs_the_pane_no_statement(repairs: Queue, path: str, django_assert_max_num_queries: Any) -> None:
    client = page_of(member(repairs))

    with django_assert_max_num_queries(8):
        client.get(path, headers=FRAGMENT)


def test_own_work_with_presence_is_one_statement(repairs: Queue, django_assert_num_queries: Any) -> None:
    ana = member(repairs)

    reader = reader_of(ana)

    with django_assert_num_queries(1):
        own_work(reader)
