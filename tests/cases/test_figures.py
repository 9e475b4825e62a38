"""Each figure against SQL of its own, on seeded data."""

from __future__ import annotations

import random
import statistics
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, Delivery, Outbox, RefusedCall
from cases.selectors.figures import (
    Period,
    backlog_by_age,
    durations,
    inbound_health,
    shares,
    volume_by_day,
)
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    QueueFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

END = datetime(2030, 3, 11, tzinfo=UTC)
PERIOD = Period(END - timedelta(days=10), END)


def sql(statement: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def reply(case: Case, at: datetime, *, sent: bool = True, mode: str = "reply") -> None:
    message = EmailMessageFactory(case=case, incoming=False, received_at=at)
    Outbox.objects.create(
        key=f"reply:{message.pk}",
        kind="reply",
        case=case,
        email_message=message,
        recipient="casey@example.net",
        state="sent" if sent else "failed",
        sent_at=at if sent else None,
        composed={"mode": mode},
    )


@pytest.fixture
def seeded() -> list[Case]:
    dice = random.Random(7)
    queues, addresses = QueueFactory.create_batch(3), RoutingAddressFactory.create_batch(3)
    rep = UserFactory(username="ana")
    cases = []
    for number in range(80):
        opened = END - timedelta(minutes=dice.randrange(1, 40 * 24 * 60))
        closed = opened + timedelta(minutes=dice.randrange(30, 20_000))
        owner = {"owner_queue": None, "owner_user": rep} if number % 4 == 0 else {"owner_queue": dice.choice(queues)}
        case = CaseFactory(
            created_at=opened,
            closed_at=closed if closed < END and number % 3 else None,
            routing_address=dice.choice(addresses),
            awaiting=dice.choice(["us", "customer"]),
            **owner,
        )
        for _ in range(dice.randrange(3)):
            reply(case, opened + timedelta(minutes=dice.randrange(1, 3000)), sent=dice.random() < 0.8)
        if number % 5 == 0:
            reply(case, opened, mode="forward")  # somebody else was asked: no answer to the customer
        cases.append(case)
    return cases


def test_volume_agrees_with_sql_day_by_day(seeded: list[Case]) -> None:
    days = volume_by_day(PERIOD)

    assert [each.day for each in days] == [date(2030, 3, day) for day in range(1, 11)]
    for each in days:
        start = datetime(each.day.year, each.day.month, each.day.day, tzinfo=UTC)
        within = (start, start + timedelta(days=1))
        [(opened,)] = sql("SELECT count(*) FROM cases_case WHERE created_at >= %s AND created_at < %s", *within)
        [(closed,)] = sql("SELECT count(*) FROM cases_case WHERE closed_at >= %s AND closed_at < %s", *within)
        assert (each.opened, each.closed) == (opened, closed)
    assert sum(each.opened for each in days) > 10


def test_days_are_those_of_utc_wherever_the_organisation_is(seeded: list[Case]) -> None:
    days = volume_by_day(PERIOD)

    with timezone.override("Asia/Tokyo"):
        assert volume_by_day(PERIOD) == days


def test_durations_agree_with_sql(seeded: list[Case]) -> None:
    first, solved = durations(PERIOD)

    answered = sql(
        "SELECT c.created_at, min(o.sent_at) FROM cases_case c JOIN cases_outbox o ON o.case_id = c.id "
        "WHERE o.kind = 'reply' AND o.sent_at > c.created_at "  # forwards left in the moment of opening
        "AND c.created_at >= %s AND c.created_at < %s "
        "GROUP BY c.id, c.created_at",
        PERIOD.start,
        PERIOD.end,
    )
    seconds = [_seconds(start, end) for start, end in answered]
    assert first.count == len(seconds) > 5
    assert first.median == pytest.approx(statistics.median(seconds))
    assert first.ninth_decile == pytest.approx(statistics.quantiles(seconds, n=10, method="inclusive")[-1])
    closed = sql(
        "SELECT created_at, closed_at FROM cases_case WHERE closed_at >= %s AND closed_at < %s", PERIOD.start, END
    )
    assert solved.median == pytest.approx(statistics.median(_seconds(start, end) for start, end in closed))


def _seconds(start: Any, end: Any) -> float:
    moments = [datetime.fromisoformat(each) if isinstance(each, str) else each for each in (start, end)]
    return (moments[1] - moments[0]).total_seconds()


def test_backlog_agrees_with_sql_and_has_every_open_case_once(seeded: list[Case]) -> None:
    buckets = backlog_by_age(PERIOD)

    assert [(each.days_from, each.days_to) for each in buckets] == [(0, 1), (1, 3), (3, 7), (7, 30), (30, None)]
    [(total,)] = sql("SELECT count(*) FROM cases_case WHERE closed_at IS NULL")
    assert sum(each.count for each in buckets) == total
    for each in buckets:
        oldest = END - timedelta(days=each.days_to or 10_000)
        [(count,)] = sql(
            "SELECT count(*) FROM cases_case WHERE closed_at IS NULL AND awaiting = 'us' "
            "AND created_at <= %s AND created_at > %s",
            END - timedelta(days=each.days_from),
            oldest,
        )
        assert each.awaiting_us == count


@pytest.mark.parametrize("by", ["routing_address", "owner_queue", "owner_user"])
def test_shares_agree_with_sql(seeded: list[Case], by: str) -> None:
    found = shares(PERIOD, by)

    assert found
    for each in found:
        [(opened, still_open, closed)] = sql(
            f"SELECT sum(CASE WHEN created_at >= %s AND created_at < %s THEN 1 ELSE 0 END), "  # noqa: S608
            f"sum(CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END), "
            f"sum(CASE WHEN closed_at >= %s AND closed_at < %s THEN 1 ELSE 0 END) FROM cases_case WHERE {by}_id = %s",
            PERIOD.start,
            PERIOD.end,
            PERIOD.start,
            PERIOD.end,
            each.key,
        )
        assert (each.opened, each.open_now, each.closed) == (opened, still_open, closed)


def test_a_period_can_be_of_one_queue(seeded: list[Case]) -> None:
    queue = next(case.owner_queue for case in seeded if case.owner_queue)
    of_queue = Period(PERIOD.start, PERIOD.end, queue=queue.pk)

    opened = sum(each.opened for each in volume_by_day(of_queue))

    assert opened == sum(
        1 for case in seeded if case.owner_queue == queue and PERIOD.start <= case.created_at < PERIOD.end
    )


def test_health_counts_what_waits_and_what_went_wrong() -> None:
    inside, before = END - timedelta(days=1), END - timedelta(days=20)
    InboundEmailFactory(state="received", received_at=inside)
    InboundEmailFactory(state="processing", received_at=before)
    InboundEmailFactory(state="held", reason="over_limit", received_at=before)
    InboundEmailFactory.create_batch(2, state="quarantined", reason="failed", received_at=inside)
    RefusedCall.objects.create(hour=inside, provider="postmark", reason="password_wrong", last_at=inside, count=3)
    RefusedCall.objects.create(hour=before, provider="postmark", reason="password_wrong", last_at=before, count=9)
    message = EmailMessageFactory(incoming=False)
    Delivery.objects.create(email_message=message, recipient="a@example.net", state="bounced", at=inside)
    Outbox.objects.create(key="a", kind="notice", recipient="a@example.net", state="uncertain")
    failed = Outbox.objects.create(key="b", kind="notice", recipient="a@example.net", state="failed")
    Outbox.objects.filter(pk=failed.pk).update(created_at=inside)

    health = inbound_health(PERIOD)

    assert health.oldest_unsettled == before
    assert (health.unsettled, health.held, health.quarantined, health.refused_calls) == (2, 1, 2, 3)
    assert health.outcomes == {"received": 1, "quarantined": 2}
    assert (health.uncertain_sends, health.failed_sends, health.bounced) == (1, 1, 1)


def test_an_empty_instance_has_figures_without_faults() -> None:
    first, solved = durations(PERIOD)

    assert (first.median, solved.ninth_decile, first.count) == (None, None, 0)
    assert sum(each.opened for each in volume_by_day(PERIOD)) == 0
    assert shares(PERIOD, "owner_user") == []


def test_statements_do_not_grow_with_the_cases(seeded: list[Case]) -> None:
    with CaptureQueriesContext(connection) as captured:
        volume_by_day(PERIOD)
        durations(PERIOD)
        backlog_by_age(PERIOD)
        shares(PERIOD, "owner_queue")
        inbound_health(PERIOD)

    assert len(captured) == 2 + 2 + 1 + 2 + 6
