"""The figures of the dashboards: how much came, how fast it was answered, what waits. Reads alone.

Durations are compared in Python over at most MOST_CASES cases of the period, the newest ones, so that a median is the
same on every database; a figure that was made of fewer cases than there were says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from cases.models import Case, Delivery, InboundEmail, Outbox, RefusedCall, SatisfactionRequest

__all__ = [
    "AgeBucket",
    "DayVolume",
    "Durations",
    "InboundHealth",
    "Period",
    "Satisfaction",
    "Share",
    "backlog_by_age",
    "durations",
    "inbound_health",
    "satisfaction",
    "satisfaction_by",
    "shares",
    "volume_by_day",
]

MOST_CASES = 20_000
MOST_SHARES = 50
LONGEST_PERIOD = 90  # days that figures look back
# Upper ends of the ages of a backlog, in days; the last bucket has none.
AGES = (1, 3, 7, 30)


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment to another, and whose cases; None: all of them."""

    start: datetime
    end: datetime
    routing_address: int | None = None
    queue: int | None = None
    rep: int | None = None

    @property
    def days(self) -> list[date]:
        """Every day of the period (UTC), also those on which nothing came."""
        first, last = self.start.date(), (self.end - timedelta(microseconds=1)).date()
        return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]

    def narrowed(self, cases: QuerySet[Case]) -> QuerySet[Case]:
        if self.routing_address is not None:
            cases = cases.filter(routing_address=self.routing_address)
        if self.queue is not None:
            cases = cases.filter(owner_queue=self.queue)
        if self.rep is not None:
            cases = cases.filter(owner_user=self.rep)
        return cases


@dataclass(frozen=True, slots=True)
class DayVolume:
    day: date
    opened: int
    closed: int


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds; None without a case. `is_partial`: there were more cases than were compared."""

    count: int
    median: float | None
    ninth_decile: float | None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class AgeBucket:
    """Open cases that are at least `days_from` and less than `days_to` days old (None: no end)."""

    days_from: int
    days_to: int | None
    count: int
    awaiting_us: int


@dataclass(frozen=True, slots=True)
class Share:
    """One address, queue or rep in the period."""

    key: int | None
    name: str
    opened: int
    open_now: int
    closed: int
    first_answer: float | None  # median, seconds


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Questions put in the period, and answers given in it (to whatever question), each case once."""

    name: str
    asked: int
    good: int
    bad: int

    @property
    def answered(self) -> int:
        return self.good + self.bad

    @property
    def share_good(self) -> float | None:
        """0 to 1; None without an answer."""
        return self.good / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class InboundHealth:
    oldest_unsettled: datetime | None
    unsettled: int
    held: int
    quarantined: int
    refused_calls: int  # in the period
    outcomes: dict[str, int]  # mails received in the period by outcome
    uncertain_sends: int
    failed_sends: int  # written in the period
    bounced: int  # recipients in the period


def volume_by_day(period: Period) -> list[DayVolume]:
    """Opened and closed cases of each day (UTC). Merged cases count where they were opened. Two statements."""
    cases = period.narrowed(Case.objects.all())
    opened = _by_day(cases.filter(created_at__gte=period.start, created_at__lt=period.end), "created_at")
    closed = _by_day(cases.filter(closed_at__gte=period.start, closed_at__lt=period.end), "closed_at")
    return [DayVolume(day, opened.get(day, 0), closed.get(day, 0)) for day in period.days]


def _by_day(cases: QuerySet[Case], field: str) -> dict[date, int]:
    rows = cases.order_by().annotate(day=TruncDate(field, tzinfo=UTC)).values_list("day").annotate(count=Count("pk"))
    return dict(rows)


def _first_answer() -> Subquery:
    """When the first reply of a person was taken by the provider."""
    sent = Outbox.objects.answers_that_left().filter(case=OuterRef("pk"))
    return Subquery(sent.order_by().values("case").annotate(first=Min("sent_at")).values("first"))


def durations(period: Period) -> tuple[Durations, Durations]:
    """Time to the first answer of cases opened in the period, and to closing of those closed in it. Two statements."""
    cases = period.narrowed(Case.objects.filter(merged_into__isnull=True)).order_by("-created_at", "-pk")
    answered = (
        cases.filter(created_at__gte=period.start, created_at__lt=period.end)
        .annotate(answered_at=_first_answer())
        .filter(answered_at__isnull=False)
        .values_list("created_at", "answered_at")
    )
    closed = cases.filter(closed_at__gte=period.start, closed_at__lt=period.end).values_list("created_at", "closed_at")
    return _durations(answered), _durations(closed)


def _durations(pairs: Any) -> Durations:
    found = list(pairs[: MOST_CASES + 1])
    seconds = sorted((end - start).total_seconds() for start, end in found[:MOST_CASES])
    return Durations(len(seconds), _quantile(seconds, 0.5), _quantile(seconds, 0.9), len(found) > MOST_CASES)


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    """As PostgreSQL's percentile_cont: between two values it takes the point between them."""
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def backlog_by_age(period: Period) -> list[AgeBucket]:
    """The cases that are open now, by their age at the end of the period. One statement."""
    starts = (0, *AGES)
    ends = (*AGES, None)
    counts: dict[str, Count] = {}
    for index, (days_from, days_to) in enumerate(zip(starts, ends, strict=True)):
        inside = Q(created_at__lte=period.end - timedelta(days=days_from)) if days_from else Q(pk__isnull=False)
        if days_to is not None:
            inside &= Q(created_at__gt=period.end - timedelta(days=days_to))
        counts[f"all_{index}"] = Count("pk", filter=inside)
        counts[f"us_{index}"] = Count("pk", filter=inside & Q(awaiting=Case.Awaiting.US))
    row = period.narrowed(Case.objects.filter(closed_at__isnull=True, merged_into__isnull=True)).aggregate(**counts)
    return [
        AgeBucket(days_from, days_to, row[f"all_{index}"], row[f"us_{index}"])
        for index, (days_from, days_to) in enumerate(zip(starts, ends, strict=True))
    ]


_NAMES = {
    "routing_address": "routing_address__routing_name",
    "owner_queue": "owner_queue__name",
    "owner_user": "owner_user__username",
}


def shares(period: Period, by: str) -> list[Share]:
    """What each routing_address, owner_queue or owner_user has of the period, most opened first. Two statements."""
    opened = Q(created_at__gte=period.start, created_at__lt=period.end)
    closed = Q(closed_at__gte=period.start, closed_at__lt=period.end)
    still_open = Q(closed_at__isnull=True)
    cases = period.narrowed(Case.objects.filter(merged_into__isnull=True, **{f"{by}__isnull": False}))
    rows = (
        cases.filter(opened | closed | still_open)
        .order_by()
        .values_list(by, _NAMES[by])
        .annotate(
            opened=Count("pk", filter=opened),
            open_now=Count("pk", filter=still_open),
            closed=Count("pk", filter=closed),
        )
        .order_by("-opened", _NAMES[by])[:MOST_SHARES]
    )
    answered = (
        cases.filter(opened)
        .annotate(answered_at=_first_answer())
        .filter(answered_at__isnull=False)
        .order_by("-created_at", "-pk")
        .values_list(by, "created_at", "answered_at")[:MOST_CASES]
    )
    times: dict[int, list[float]] = {}
    for key, start, end in answered:
        times.setdefault(key, []).append((end - start).total_seconds())
    return [
        Share(key, name or "–", new, now_open, ended, _quantile(sorted(times.get(key, [])), 0.5))
        for key, name, new, now_open, ended in rows
    ]


def _counted_satisfaction(period: Period) -> dict[str, Any]:
    asked = Q(refused_because="", decided_at__gte=period.start, decided_at__lt=period.end)
    answered = Q(answered_at__gte=period.start, answered_at__lt=period.end)
    return {
        "asked": Count("pk", filter=asked),
        "good": Count("pk", filter=answered & Q(rating=SatisfactionRequest.Rating.GOOD)),
        "bad": Count("pk", filter=answered & Q(rating=SatisfactionRequest.Rating.BAD)),
    }


def _satisfaction_rows(period: Period) -> QuerySet[SatisfactionRequest]:
    rows = SatisfactionRequest.objects.filter(
        Q(decided_at__gte=period.start, decided_at__lt=period.end)
        | Q(answered_at__gte=period.start, answered_at__lt=period.end)
    )
    if period.routing_address is None and period.queue is None and period.rep is None:
        return rows
    return rows.filter(case__in=period.narrowed(Case.objects.all()))


def satisfaction(period: Period) -> Satisfaction:
    """One statement."""
    return Satisfaction("", **_satisfaction_rows(period).aggregate(**_counted_satisfaction(period)))


def satisfaction_by(period: Period, by: str) -> list[Satisfaction]:
    """Of each routing_address, owner_queue or owner_user, most answers first. One statement."""
    counts = _counted_satisfaction(period)
    rows: QuerySet[Any, Any] = (
        _satisfaction_rows(period)
        .filter(**{f"case__{by}__isnull": False})
        .order_by()
        .values_list(f"case__{by}", f"case__{_NAMES[by]}")
        .annotate(**counts)
    )
    most_first = rows.order_by("-good", "-bad", "-asked", f"case__{_NAMES[by]}")[:MOST_SHARES]
    return [Satisfaction(name or "–", *counted) for _key, name, *counted in most_first if any(counted)]


def inbound_health(period: Period) -> InboundHealth:
    """Whether mail flows, in and out; of all addresses. Six statements."""
    states = InboundEmail.State
    waiting = InboundEmail.objects.filter(state__in=InboundEmail.UNSETTLED).aggregate(
        oldest=Min("received_at"), count=Count("pk")
    )
    stuck = InboundEmail.objects.filter(state__in=[states.HELD, states.QUARANTINED]).aggregate(
        held=Count("pk", filter=Q(state=states.HELD)), quarantined=Count("pk", filter=Q(state=states.QUARANTINED))
    )
    received = InboundEmail.objects.filter(received_at__gte=period.start, received_at__lt=period.end)
    outcomes = dict(received.order_by().values_list("state").annotate(count=Count("pk")))
    refused = RefusedCall.objects.filter(hour__gte=period.start, hour__lt=period.end).values_list("count", flat=True)
    ended = Outbox.objects.filter(state__in=[Outbox.State.UNCERTAIN, Outbox.State.FAILED]).aggregate(
        uncertain=Count("pk", filter=Q(state=Outbox.State.UNCERTAIN)),
        failed=Count(
            "pk",
            filter=Q(state=Outbox.State.FAILED, created_at__gte=period.start, created_at__lt=period.end),
        ),
    )
    bounced = Delivery.objects.filter(
        state=Delivery.State.BOUNCED, at__gte=period.start, at__lt=period.end, email_message__isnull=False
    ).count()
    return InboundHealth(
        oldest_unsettled=waiting["oldest"],
        unsettled=waiting["count"],
        held=stuck["held"],
        quarantined=stuck["quarantined"],
        refused_calls=sum(refused),
        outcomes=outcomes,
        uncertain_sends=ended["uncertain"],
        failed_sends=ended["failed"],
        bounced=bounced,
    )
