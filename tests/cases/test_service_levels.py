from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.lifecycle import closed_status, default_status, set_status
from cases.merging import merge_case, unmerge_case
from cases.models import Case, CaseEvent, Outbox, RoutingDecision, ServiceClock
from cases.service_levels import keep_clocks
from cases.snoozing import snooze, wake, wake_due_cases
from routing.models import BusinessHours, ServiceLevel
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, RecordTypeFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

START = datetime(2030, 1, 2, 9, 0, tzinfo=UTC)  # a Wednesday


@pytest.fixture(autouse=True)
def due_in_step(organisation: Any) -> Iterator[None]:
    """After whatever a test did: each case is due when the first of its open clocks is."""
    yield
    for case in Case.objects.all():
        running = [each.due_at for each in case.clocks.all() if each.is_open and each.due_at is not None]
        assert case.next_due_at == min(running, default=None), case


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def make_level(**fields: Any) -> ServiceLevel:
    with time_machine.travel(START - timedelta(days=1)):
        values = {"name": "Standard", "first_response_minutes": 60, "resolution_minutes": 240} | fields
        return ServiceLevel.objects.create(**values)


@pytest.fixture
def level() -> ServiceLevel:
    return make_level()


@pytest.fixture
def case(level: ServiceLevel) -> Case:
    case = CaseFactory(created_at=START, last_activity_at=START, last_inbound_at=START)
    keep_clocks(now=START)
    return case


def clock(case: Case, kind: str = "resolution") -> ServiceClock:
    return ServiceClock.objects.get(case=case, kind=kind)


def answer(case: Case, when: datetime, *, state: str = "sent", mode: str = "reply") -> None:
    message = EmailMessageFactory(case=case, incoming=False, status=state, received_at=when)
    Outbox.objects.create(
        key=f"reply:{message.pk}",
        kind="reply",
        case=case,
        email_message=message,
        recipient="casey@example.net",
        state=state,
        sent_at=when if state == "sent" else None,
        composed={"mode": mode},
    )
    Case.objects.filter(pk=case.pk).update(awaiting="customer", last_activity_at=when)


def customer_writes(case: Case, when: datetime) -> None:
    Case.objects.filter(pk=case.pk).update(awaiting="us", last_activity_at=when, last_inbound_at=when)


def test_clocks_start_with_the_case(case: Case) -> None:
    assert clock(case, "first_response").due_at == at(60)
    assert clock(case, "first_response").warn_at == at(48)
    assert clock(case).due_at == at(240)


def test_answer_on_its_way_meets_the_first_response_of_a_case_that_it_closed(case: Case) -> None:
    """Sent and closed: the sweeper looks while the mail can still be undone."""
    answer(case, at(10), state="queued")
    set_status(case=case, status=closed_status(), by=None, now=at(10))

    keep_clocks(now=at(10.1))
    assert clock(case, "first_response").is_open
    Outbox.objects.update(state="sent", sent_at=at(10.2))
    keep_clocks(now=at(11))

    assert clock(case, "first_response").met_at == at(10.2)
    assert clock(case).met_at == at(10)


def test_a_second_round_changes_nothing(case: Case) -> None:
    assert keep_clocks(now=at(1)) == 0


def test_business_hours_stop_the_clock_at_night() -> None:
    hours = BusinessHours.objects.create(name="Office", is_default=True)  # 09:00-17:00 UTC
    make_level(business_hours=hours, resolution_minutes=600)
    case = CaseFactory(created_at=START)

    keep_clocks(now=START)

    assert clock(case).due_at == START + timedelta(days=1, hours=2)


def test_first_level_that_fits_holds_and_older_cases_get_none(level: ServiceLevel) -> None:
    vip = RecordTypeFactory(name="VIP")
    make_level(name="VIP", record_type=vip, position=0, first_response_minutes=10)
    ServiceLevel.objects.filter(pk=level.pk).update(position=1)
    old = CaseFactory(created_at=START - timedelta(days=2))
    important, usual = CaseFactory(created_at=START, record_type=vip), CaseFactory(created_at=START)

    keep_clocks(now=at(1))

    assert clock(important, "first_response").due_at == at(10)
    assert clock(usual, "first_response").due_at == at(60)
    assert not old.clocks.exists()


def test_case_opened_by_a_machine_expects_no_answer(level: ServiceLevel) -> None:
    case = CaseFactory(created_at=START)
    Case.objects.filter(pk=case.pk).update(source=EmailMessageFactory(case=case, is_automatic=True))

    keep_clocks(now=START)

    assert clock(case, "first_response").dropped_at == START
    assert clock(case).is_open


def test_first_answer_that_was_sent_meets_the_first_clock_at_its_own_time(case: Case) -> None:
    answer(case, at(30))

    keep_clocks(now=at(90))  # a round that comes late

    met = clock(case, "first_response")
    assert (met.met_at, met.breached_at) == (at(30), None)


@pytest.mark.parametrize("state", ["queued", "failed", "uncertain", "approval"])
def test_what_was_not_sent_answers_nothing(case: Case, state: str) -> None:
    answer(case, at(30), state=state)

    keep_clocks(now=at(61))

    assert clock(case, "first_response").met_at is None
    assert clock(case, "first_response").breached_at == at(61)


def test_mail_that_is_only_passed_on_answers_nothing(case: Case) -> None:
    answer(case, at(30), mode="forward")

    keep_clocks(now=at(61))

    assert clock(case, "first_response").met_at is None


def test_a_late_answer_is_met_and_broken_though_no_round_saw_it(case: Case) -> None:
    answer(case, at(70))

    keep_clocks(now=at(71))

    late = clock(case, "first_response")
    assert (late.met_at, late.breached_at) == (at(70), at(60))


def test_the_clock_stands_while_the_customer_has_to_act(case: Case) -> None:
    answer(case, at(100))
    keep_clocks(now=at(101))
    standing = clock(case)
    assert (standing.due_at, standing.left_seconds) == (None, 140 * 60)

    customer_writes(case, at(1000))
    keep_clocks(now=at(1003))

    assert clock(case).due_at == at(1140)


@pytest.fixture
def rep() -> Any:
    return UserFactory(superuser=True)


def put_aside(case: Case, when: datetime, *, until: datetime, by: Any) -> None:
    with time_machine.travel(when, tick=False):
        snooze(case=case, until=until, by=by)


def test_the_clock_stands_from_the_moment_a_case_is_put_aside_until_it_is_back(case: Case, rep: Any) -> None:
    put_aside(case, at(40), until=at(500), by=rep)
    keep_clocks(now=at(41))
    assert (clock(case).due_at, clock(case).left_seconds) == (None, 200 * 60)

    with time_machine.travel(at(500), tick=False):
        wake_due_cases()  # the sweeper does this before it looks at clocks
    keep_clocks(now=at(503))

    assert clock(case).due_at == at(700)


def test_a_case_that_is_taken_back_early_runs_on_from_then(case: Case, rep: Any) -> None:
    put_aside(case, at(40), until=at(5000), by=rep)
    keep_clocks(now=at(41))

    with time_machine.travel(at(300), tick=False):
        wake(case=case, by=rep)
    keep_clocks(now=at(301))

    assert clock(case).due_at == at(500)


def test_putting_a_late_case_aside_mends_nothing(case: Case, rep: Any) -> None:
    keep_clocks(now=at(250))
    put_aside(case, at(260), until=at(500), by=rep)

    keep_clocks(now=at(261))

    assert (clock(case).due_at, clock(case).paused_at) == (at(240), None)


def test_closing_meets_the_solution_and_drops_the_answer_that_nobody_needs(case: Case) -> None:
    closed = closed_status()
    assert closed is not None
    set_status(case=case, status=closed, by=None, now=at(20))

    keep_clocks(now=at(30))

    assert clock(case).met_at == at(20)
    assert clock(case, "first_response").dropped_at == at(30)


def test_a_case_that_is_opened_again_has_what_was_left(case: Case) -> None:
    closed = closed_status()
    assert closed is not None
    set_status(case=case, status=closed, by=None, now=at(200))
    keep_clocks(now=at(201))

    set_status(case=case, status=default_status(), by=None, now=at(900))
    customer_writes(case, at(900))
    keep_clocks(now=at(901))

    assert clock(case).due_at == at(940)
    assert clock(case).met_at is None


def test_a_case_that_a_rep_opens_again_runs_on_from_then(case: Case, rep: Any) -> None:
    closed = closed_status()
    assert closed is not None
    set_status(case=case, status=closed, by=rep, now=at(200))
    keep_clocks(now=at(201))

    with time_machine.travel(at(900), tick=False):
        set_status(case=case, status=default_status(), by=rep)
    keep_clocks(now=at(901))

    assert clock(case).due_at == at(940)
    assert clock(case).breached_at is None


def test_a_reply_that_came_back_stopped_nothing(case: Case) -> None:
    answer(case, at(100))
    keep_clocks(now=at(101))

    Case.objects.filter(pk=case.pk).update(awaiting="us", last_activity_at=at(120))  # it bounced
    keep_clocks(now=at(121))

    assert clock(case).due_at == at(240)


def test_warned_once_broken_once(case: Case) -> None:
    for minutes in (48, 49, 50):
        keep_clocks(now=at(minutes))
    for minutes in (61, 62):
        keep_clocks(now=at(minutes))

    kinds = list(CaseEvent.objects.filter(case=case).values_list("kind", flat=True))
    assert kinds == ["service_level_near", "service_level_broken"]
    assert "first answer: Standard, due 2030-01-02 10:00 UTC" in CaseEvent.objects.last().because  # type: ignore[union-attr]


def test_a_broken_clock_escalates_once_with_a_decision(level: ServiceLevel, case: Case) -> None:
    queue = QueueFactory(name="Escalated")
    ServiceLevel.objects.filter(pk=level.pk).update(escalate_to_queue=queue)

    keep_clocks(now=at(61))
    keep_clocks(now=at(300))

    case.refresh_from_db()
    assert case.owner_queue == queue
    decisions = RoutingDecision.objects.filter(case=case, kind="reassigned")
    assert [decision.because for decision in decisions] == ["the time of “Standard” is over"]


def test_a_joined_case_has_no_clock_and_one_split_off_again_has_what_was_left(case: Case, level: ServiceLevel) -> None:
    into = CaseFactory(created_at=START)
    with time_machine.travel(at(30), tick=False):
        merge_case(case=case, into=into, by=None)
    keep_clocks(now=at(40))
    keep_clocks(now=at(1000))
    assert (clock(case).is_open, clock(case).breached_at) == (False, None)

    with time_machine.travel(at(2000), tick=False):
        unmerge_case(case=case, by=None)
    keep_clocks(now=at(2001))

    assert clock(case).is_open
    assert clock(case).due_at == at(2000 + 240 - 30)


def test_more_cases_without_a_level_than_one_round_looks_at_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.service_levels.starting.AT_ONCE", 3)
    make_level(record_type=RecordTypeFactory(name="VIP"))
    for minutes in range(8):
        CaseFactory(created_at=at(minutes))
    important = CaseFactory(created_at=at(9), record_type=RecordTypeFactory(name="VIP"))

    for _ in range(6):
        keep_clocks(now=at(10))

    assert important.clocks.exists()


def test_clocks_that_run_on_though_late_keep_no_other_from_standing(
    level: ServiceLevel, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, in_time = (CaseFactory(created_at=when, last_activity_at=when) for when in (START, at(200)))
    keep_clocks(now=at(200))
    monkeypatch.setattr("cases.service_levels.running.AT_ONCE", 1)
    Case.objects.update(awaiting="customer", last_activity_at=at(300))

    for _ in range(3):
        keep_clocks(now=at(301))

    assert (clock(late).paused_at, clock(late).due_at) == (None, at(240))
    assert (clock(in_time).paused_at, clock(in_time).left_seconds) == (at(300), 140 * 60)


def test_rounds_cost_the_same_for_one_and_thirty_quiet_cases(level: ServiceLevel) -> None:
    costs = []
    for count in (1, 30):
        for _ in range(count):
            CaseFactory(created_at=START)
        keep_clocks(now=START)
        with CaptureQueriesContext(connection) as captured:
            keep_clocks(now=at(1))
        costs.append(len(captured))

    assert costs[0] == costs[1]


def next_due(case: Case) -> datetime | None:
    return Case.objects.values_list("next_due_at", flat=True).get(pk=case.pk)


def test_what_a_case_is_due_for_follows_its_clocks(case: Case) -> None:
    assert next_due(case) == at(60)

    answer(case, at(30))
    keep_clocks(now=at(31))
    assert next_due(case) is None  # the solution stands until the customer writes

    customer_writes(case, at(100))
    keep_clocks(now=at(101))
    assert next_due(case) == at(310)

    closed = closed_status()
    assert closed is not None
    case.refresh_from_db()
    set_status(case=case, status=closed, by=None, now=at(200))
    keep_clocks(now=at(201))
    assert next_due(case) is None


def test_a_case_that_was_read_earlier_does_not_write_back_what_it_is_due_for(case: Case) -> None:
    read_earlier = Case.objects.get(pk=case.pk)
    answer(case, at(30))
    keep_clocks(now=at(31))

    read_earlier.subject = "Another subject"
    read_earlier.save()

    assert next_due(case) is None
    assert Case.objects.get(pk=case.pk).subject == "Another subject"
