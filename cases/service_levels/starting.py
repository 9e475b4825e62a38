"""Clocks for cases that were opened since the last round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from cases.models import Case, EmailMessage, Heartbeat, ServiceClock
from cases.service_levels.clocks import AT_ONCE, Hours, lock, note_next_due, run
from routing.models import ServiceLevel

Kind = ServiceClock.Kind
CURSOR = "service clocks"  # up to which opening time every case was looked at
LATE_COMMITS = timedelta(minutes=10)  # a case may be committed this long after its created_at


def start(hours: Hours, now: datetime) -> int:
    """Clocks for cases that were opened since the last round. Cases older than their service level get none."""
    levels = list(ServiceLevel.objects.filter(is_active=True))
    if not levels:
        return 0
    oldest = min(level.created_at for level in levels)
    cursor = Heartbeat.objects.filter(name=CURSOR).values_list("at", flat=True).first()
    since = max(oldest, cursor - LATE_COMMITS) if cursor is not None else oldest
    # Whatever a level fits gets a row here, so that a round never finds the same cases again.
    fits = Q()
    for each in levels:
        fits |= _fits(each)
    new = Case.objects.filter(fits, created_at__gte=since, created_at__lte=now, merged_into__isnull=True)
    cases = list(
        new.filter(clocks__isnull=True)
        .annotate(source_is_automatic=Subquery(_sources().values("is_automatic")[:1]))
        .order_by("created_at", "pk")[:AT_ONCE]
    )
    clocks = [
        clock
        for case in cases
        if (level := _level_of(case, levels)) is not None
        for clock in _clocks(case, level, hours, now=now)
    ]
    if clocks:
        with transaction.atomic():
            keys = [case.pk for case in cases]
            lock(keys)
            ServiceClock.objects.bulk_create(clocks, ignore_conflicts=True)
            note_next_due(keys)
    if len(cases) < AT_ONCE:
        Heartbeat.objects.update_or_create(name=CURSOR, defaults={"at": now})
    return len(clocks)


def _fits(level: ServiceLevel) -> Q:
    fits = Q(created_at__gte=level.created_at)
    if level.record_type_id is not None:
        fits &= Q(record_type=level.record_type_id)
    return fits & Q(priority=level.priority) if level.priority else fits


def _sources() -> QuerySet[EmailMessage]:
    return EmailMessage.objects.filter(pk=OuterRef("source"))


def _level_of(case: Case, levels: Sequence[ServiceLevel]) -> ServiceLevel | None:
    for level in levels:
        fits_type = level.record_type_id in (None, case.record_type_id)
        if fits_type and level.priority in ("", case.priority) and case.created_at >= level.created_at:
            return level
    return None


def _clocks(case: Case, level: ServiceLevel, hours: Hours, *, now: datetime) -> list[ServiceClock]:
    minutes = {Kind.FIRST_RESPONSE: level.first_response_minutes, Kind.RESOLUTION: level.resolution_minutes}
    clocks = []
    for kind, amount in minutes.items():
        if amount is not None:
            clock = ServiceClock(case=case, kind=kind, service_level=level, started_at=case.created_at)
            run(clock, timedelta(minutes=amount), since=case.created_at, hours=hours)
            if kind == Kind.FIRST_RESPONSE and case.source_is_automatic:  # type: ignore[attr-defined]  # annotated
                clock.dropped_at = now  # a machine expects no answer
            clocks.append(clock)
    return clocks
