"""Service levels where people see them: the head of a case, the rows of a list, the back office."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from cases.configuration import export_configuration, import_configuration
from cases.models import Case, CaseEvent, ServiceClock
from cases.service_levels import keep_clocks, note_next_due
from routing.models import AuditEvent, ServiceLevel
from tests.factories import CaseFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def queue() -> Any:
    return QueueFactory()


@pytest.fixture
def page(client: Client, queue: Any) -> Client:
    rep = UserFactory(username="ben")
    queue.members.add(rep)
    client.force_login(rep)
    return client


def clock(case: Case, minutes: float | None, *, kind: str = "resolution", **fields: Any) -> ServiceClock:
    """One that is due in so many minutes, and warns an hour before; None: it stands."""
    now = timezone.now()
    due = now + timedelta(minutes=minutes, seconds=30) if minutes is not None else None
    values = {"due_at": due, "warn_at": due - timedelta(hours=1) if due else None, "started_at": now} | fields
    made = ServiceClock.objects.create(case=case, kind=kind, **values)
    note_next_due([case.pk])
    return made


def head_of(page: Client, case: Case) -> str:
    return page.get(f"/cases/{case.number}/head/").content.decode()


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (120, "running", "Solution due in 2 h"),
        (75, "running", "Solution due in 1 h 15 min"),
        (20, "near", "Solution due in 20 min"),
        (-10, "late", "Solution late by 9 min"),
        (-60 * 24 * 3, "late", "Solution late by 2 d"),
    ],
)
def test_head_says_how_much_time_is_left(page: Client, queue: Any, minutes: int, state: str, words: str) -> None:
    case = CaseFactory(owner_queue=queue)
    clock(case, minutes)

    shown = head_of(page, case)

    assert words in shown
    assert f'class="clock is-{state}"' in shown


def test_head_says_why_a_clock_stands(page: Client, queue: Any) -> None:
    waiting = CaseFactory(owner_queue=queue, awaiting="customer")
    asleep = CaseFactory(owner_queue=queue, snoozed_until=timezone.now() + timedelta(days=1))
    for case in (waiting, asleep):
        clock(case, None, paused_at=timezone.now(), left_seconds=7200)

    assert "Solution stands: waiting for the customer, 2 h left" in head_of(page, waiting)
    assert "Solution stands: snoozed, 2 h left" in head_of(page, asleep)


def test_head_shows_both_promises_and_nothing_of_one_that_was_kept(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    answer = clock(case, 30, kind="first_response")
    clock(case, 300)
    assert "First answer due in 30 min" in head_of(page, case)
    assert "Solution due in 5 h" in head_of(page, case)

    ServiceClock.objects.filter(pk=answer.pk).update(met_at=timezone.now())

    assert "First answer" not in head_of(page, case)


def test_head_goes_on_saying_that_an_answer_came_late(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    now = timezone.now()
    clock(case, -60, kind="first_response", met_at=now, breached_at=now - timedelta(minutes=59))

    assert "First answer came 59 min late" in head_of(page, case)


def test_a_closed_case_has_no_running_clock(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue, closed_at=timezone.now())
    clock(case, -5)

    assert "late" not in head_of(page, case)


def test_case_page_reads_clocks_without_a_further_statement(
    page: Client, queue: Any, django_assert_max_num_queries: Any
) -> None:
    case = CaseFactory(owner_queue=queue)
    clock(case, 30, kind="first_response")
    clock(case, 300)

    with django_assert_max_num_queries(8):
        shown = page.get(f"/cases/{case.number}/").content.decode()

    assert "First answer due in" in shown


def test_rows_mark_what_is_near_and_late_alone(page: Client, queue: Any, django_assert_max_num_queries: Any) -> None:
    for subject, minutes in (("late", -15), ("near", 15), ("far", 600)):
        clock(CaseFactory(owner_queue=queue, subject=subject), minutes)
    CaseFactory(owner_queue=queue, subject="no promise")

    with django_assert_max_num_queries(8):
        shown = page.get("/cases/", {"view": "queues"}).content.decode()

    assert shown.count('class="mark is-late"') == 1
    assert "Late 14 min" in shown
    assert shown.count('class="mark is-near"') == 1
    assert "Due 15 min" in shown


def test_ordered_by_what_is_due_next_every_row_with_a_clock_has_its_mark(
    page: Client, queue: Any, django_assert_max_num_queries: Any
) -> None:
    for subject, minutes in (("far", 600), ("late", -15), ("stands", None), ("near", 15)):
        clock(CaseFactory(owner_queue=queue, subject=subject), minutes)
    CaseFactory(owner_queue=queue, subject="no promise", last_activity_at=timezone.now() - timedelta(days=9))

    with django_assert_max_num_queries(8):
        shown = page.get("/cases/", {"view": "queues", "sort": "due"}).content.decode()

    rows = re.findall(r'<li class="item.*?</li>', shown, re.S)
    subjects = [re.search(r'class="row-subject"><bdi>(.*?)</bdi>', row, re.S)[1].strip() for row in rows]  # type: ignore[index]
    assert subjects == ["late", "near", "far", "stands", "no promise"]
    marks = ("is-late", "Late 14 min"), ("is-near", "Due 15 min"), ("is-running", "Due 10 h")
    assert [state in row and words in row for row, (state, words) in zip(rows, marks, strict=False)] == [True] * 3
    assert not any("mark is-" in row for row in rows[3:])
    assert "Due next" in shown


def test_a_saved_view_keeps_the_order(page: Client, queue: Any) -> None:
    clock(CaseFactory(owner_queue=queue, subject="Has time"), 600)
    clock(CaseFactory(owner_queue=queue, subject="Is late"), -5)

    shown = page.post(
        "/cases/saved-views/", {"name": "What burns", "query": "view=queues&sort=due"}, follow=True
    ).content.decode()

    assert "<bdi>What burns</bdi></h1>" in shown
    assert shown.index("Is late") < shown.index("Has time")


def test_timeline_tells_of_a_warning_and_of_a_broken_promise(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    now = timezone.now()
    with time_machine.travel(now - timedelta(days=1)):
        level = ServiceLevel.objects.create(name="Standard", resolution_minutes=60)
    clock(case, 30, service_level=level)
    keep_clocks(now=now + timedelta(minutes=1))
    keep_clocks(now=now + timedelta(minutes=40))

    shown = page.get(f"/cases/{case.number}/").content.decode()

    assert CaseEvent.objects.filter(case=case, kind__startswith="service_level").count() == 2
    assert "Service level nearly over" in shown
    assert "Service level broken" in shown


@pytest.fixture
def configurer(client: Client) -> Client:
    user = UserFactory(staff=True)
    user.user_permissions.add(Permission.objects.get(codename="customize_application"))
    client.force_login(user)
    return client


def test_a_service_level_is_made_in_the_back_office_and_audited(configurer: Client) -> None:
    form = {"name": "VIP", "position": "0", "first_response_minutes": "30", "warn_percent": "80", "is_active": "on"}

    configurer.post("/admin/routing/servicelevel/add/", form)

    assert ServiceLevel.objects.get().first_response_minutes == 30
    assert AuditEvent.objects.filter(action__contains="created", target__contains="VIP").exists()


def test_back_office_refuses_a_level_that_promises_nothing(configurer: Client) -> None:
    form = {"name": "Empty", "position": "0", "warn_percent": "80"}

    shown = configurer.post("/admin/routing/servicelevel/add/", form).content.decode()

    assert "Promise a first answer, a solution, or both." in shown
    assert not ServiceLevel.objects.exists()


def test_service_levels_travel_in_the_configuration_file() -> None:
    ServiceLevel.objects.create(
        name="VIP", first_response_minutes=30, priority="High", escalate_to_queue=QueueFactory()
    )
    before = export_configuration()
    ServiceLevel.objects.update(first_response_minutes=99, priority="")

    changes = import_configuration(before).changes

    assert changes == [
        '~ service level VIP: priority "" -> High',
        "~ service level VIP: first_response_minutes 99 -> 30",
    ]
    assert export_configuration() == before
