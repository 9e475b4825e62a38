"""What every step of a round needs: business hours, and the one way to write a clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from cases.models import Case, ServiceClock
from cases.selectors.service_clocks import next_clock_value
from routing.business_hours import Opening, Schedule
from routing.models import BusinessHours, ServiceLevel

AT_ONCE = 200  # rows of each kind in a round
ROUND_THE_CLOCK = Schedule(ZoneInfo("UTC"), {day: (Opening(time(0), time(0)),) for day in range(7)})


@dataclass(slots=True)
class Hours:
    """Business hours, each read once in a round."""

    default: Schedule
    known: dict[int, Schedule] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Hours:
        rows = list(BusinessHours.objects.all())
        default = next((row.schedule for row in rows if row.is_default), ROUND_THE_CLOCK)
        return cls(default, {row.pk: row.schedule for row in rows})

    def of(self, level: ServiceLevel | None) -> Schedule:
        return self.known.get(level.business_hours_id or 0, self.default) if level else self.default


def open_clocks() -> QuerySet[ServiceClock]:
    return ServiceClock.objects.filter(met_at__isnull=True, dropped_at__isnull=True).select_related(
        "case", "service_level"
    )


@transaction.atomic
def write(clock: ServiceClock, as_read: dict[str, Any], **changes: Any) -> int:
    """Change a clock that still is as it was read, and with it what its case is due for."""
    lock([clock.case_id])
    changed = ServiceClock.objects.filter(pk=clock.pk, **as_read).update(**changes)
    if changed:
        note_next_due([clock.case_id])
    return changed


def lock(cases: Iterable[int]) -> None:
    """Before a clock is written: two sweepers at the two clocks of one case would each miss what the other wrote."""
    list(Case.objects.select_for_update(no_key=True).filter(pk__in=cases).order_by("pk").values_list("pk"))


def note_next_due(cases: Iterable[int]) -> None:
    Case.objects.filter(pk__in=cases).update(next_due_at=next_clock_value("due_at"))


def run(clock: ServiceClock, left: timedelta, *, since: datetime, hours: Hours) -> None:
    """Let a clock run from `since` with so much business time left."""
    schedule, level = hours.of(clock.service_level), clock.service_level
    clock.due_at = schedule.add(since, left)
    part = (level.warn_percent if level else 80) / 100
    clock.warn_at = schedule.add(since, left * part)
    clock.paused_at = clock.left_seconds = None


def business_seconds_left(clock: ServiceClock, at: datetime, hours: Hours) -> int:
    """Business seconds between a moment and the due time; 0 when that is over."""
    if clock.due_at is None:
        return clock.left_seconds or 0
    return int(hours.of(clock.service_level).between(at, clock.due_at).total_seconds())
