"""The clocks of service levels. The sweeper brings them in step with their cases; nothing else writes them.

A clock is not moved by whoever answers, closes or snoozes a case: each round looks at what the case is now and when
it became so (closed_at, the first reply that was sent, whose turn it is and since when, the events that put a case
aside and brought it back), so no path of the code can forget a clock, and a round that comes late changes no figure.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from cases.assignment import AlreadyRouted, CaseChangedMeanwhile, assign
from cases.models import Case, CaseEvent, EmailMessage, Heartbeat, Outbox, RoutingDecision, ServiceClock
from cases.selectors.service_clocks import next_clock_value
from routing.business_hours import Opening, Schedule
from routing.models import BusinessHours, ServiceLevel
from routing.owners import OwnerChoice

__all__ = ["keep_clocks", "note_next_due"]

logger = logging.getLogger(__name__)

Kind = ServiceClock.Kind
CURSOR = "service clocks"  # up to which opening time every case was looked at
LATE_COMMITS = timedelta(minutes=10)  # a case may be committed this long after its created_at
AT_ONCE = 200  # rows of each kind in a round
ROUND_THE_CLOCK = Schedule(ZoneInfo("UTC"), {day: (Opening(time(0), time(0)),) for day in range(7)})


@dataclass(slots=True)
class _Hours:
    """Business hours, each read once in a round."""

    default: Schedule
    known: dict[int, Schedule] = field(default_factory=dict)

    @classmethod
    def load(cls) -> _Hours:
        rows = list(BusinessHours.objects.all())
        default = next((row.schedule for row in rows if row.is_default), ROUND_THE_CLOCK)
        return cls(default, {row.pk: row.schedule for row in rows})

    def of(self, level: ServiceLevel | None) -> Schedule:
        return self.known.get(level.business_hours_id or 0, self.default) if level else self.default


def keep_clocks(*, now: datetime | None = None) -> int:
    """One round: start, stop, go on, warn, break. Returns how many clocks changed. Several rounds at once are safe."""
    now = now or timezone.now()
    if not ServiceLevel.objects.exists():
        return 0
    hours = _Hours.load()
    changed = _start(hours, now)
    changed += _end_first_responses(now)
    changed += _end_resolutions(hours, now)
    changed += _pause(hours, now)
    changed += _go_on(hours, now)
    changed += _warn(now)
    return changed + _break(now)


@transaction.atomic
def _write(clock: ServiceClock, as_read: dict[str, Any], **changes: Any) -> int:
    """Change a clock that still is as it was read, and with it what its case is due for."""
    _lock([clock.case_id])
    changed = ServiceClock.objects.filter(pk=clock.pk, **as_read).update(**changes)
    if changed:
        note_next_due([clock.case_id])
    return changed


def _lock(cases: Iterable[int]) -> None:
    """Before a clock is written: two sweepers at the two clocks of one case would each miss what the other wrote."""
    list(Case.objects.select_for_update(no_key=True).filter(pk__in=cases).order_by("pk").values_list("pk"))


def note_next_due(cases: Iterable[int]) -> None:
    Case.objects.filter(pk__in=cases).update(next_due_at=next_clock_value("due_at"))


def _open_clocks() -> QuerySet[ServiceClock]:
    return ServiceClock.objects.filter(met_at__isnull=True, dropped_at__isnull=True).select_related(
        "case", "service_level"
    )


# --- start -----------------------------------------------------------------------------------------------------------


def _start(hours: _Hours, now: datetime) -> int:
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
            _lock(keys)
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


def _clocks(case: Case, level: ServiceLevel, hours: _Hours, *, now: datetime) -> list[ServiceClock]:
    minutes = {Kind.FIRST_RESPONSE: level.first_response_minutes, Kind.RESOLUTION: level.resolution_minutes}
    clocks = []
    for kind, amount in minutes.items():
        if amount is not None:
            clock = ServiceClock(case=case, kind=kind, service_level=level, started_at=case.created_at)
            _run(clock, timedelta(minutes=amount), since=case.created_at, hours=hours)
            if kind == Kind.FIRST_RESPONSE and case.source_is_automatic:  # type: ignore[attr-defined]  # annotated
                clock.dropped_at = now  # a machine expects no answer
            clocks.append(clock)
    return clocks


def _run(clock: ServiceClock, left: timedelta, *, since: datetime, hours: _Hours) -> None:
    """Let a clock run from `since` with so much business time left."""
    schedule, level = hours.of(clock.service_level), clock.service_level
    clock.due_at = schedule.add(since, left)
    part = (level.warn_percent if level else 80) / 100
    clock.warn_at = schedule.add(since, left * part)
    clock.paused_at = clock.left_seconds = None


# --- stop ------------------------------------------------------------------------------------------------------------


def _end_first_responses(now: datetime) -> int:
    """Met by the first reply of a person that the provider took. A case that ends without one has nothing to meet."""
    sent = (
        Outbox.objects.filter(case=OuterRef("case"), kind=Outbox.Kind.REPLY, sent_at__isnull=False)
        .order_by()
        .values("case")
        .annotate(first=Min("sent_at"))
        .values("first")
    )
    clocks = _open_clocks().filter(kind=Kind.FIRST_RESPONSE).annotate(answered_at=Subquery(sent))
    changed = 0
    ended = Q(case__closed_at__isnull=False) | Q(case__merged_into__isnull=False)
    for clock in clocks.filter(Q(answered_at__isnull=False) | ended)[:AT_ONCE]:
        changed += _end(clock, met_at=clock.answered_at, now=now)
    return changed


def _end_resolutions(hours: _Hours, now: datetime) -> int:
    changed = 0
    for clock in _open_clocks().filter(kind=Kind.RESOLUTION, case__merged_into__isnull=False)[:AT_ONCE]:
        changed += _end(clock, met_at=None, now=now)
    for clock in _open_clocks().filter(kind=Kind.RESOLUTION, case__closed_at__isnull=False)[:AT_ONCE]:
        closed_at = clock.case.closed_at or now
        # Kept for a case that is opened again: it has what was left.
        left = clock.left_seconds if clock.due_at is None else _left(clock, closed_at, hours)
        changed += _end(clock, met_at=closed_at, now=now, left_seconds=left)
    return changed


def _end(clock: ServiceClock, *, met_at: datetime | None, now: datetime, left_seconds: int | None = None) -> int:
    late = met_at is not None and clock.due_at is not None and met_at > clock.due_at
    changes = {"met_at": met_at, "dropped_at": None if met_at else now, "left_seconds": left_seconds}
    if late and clock.breached_at is None:
        changes["breached_at"] = clock.due_at
    return _write(clock, {"met_at__isnull": True, "dropped_at__isnull": True}, **changes)


def _left(clock: ServiceClock, at: datetime, hours: _Hours) -> int:
    """Business seconds between a moment and the due time; 0 when that is over."""
    if clock.due_at is None:
        return clock.left_seconds or 0
    return int(hours.of(clock.service_level).between(at, clock.due_at).total_seconds())


# --- stand and go on -------------------------------------------------------------------------------------------------


def _waits(now: datetime) -> Q:
    """Cases that ask for nothing of us."""
    return Q(case__awaiting=Case.Awaiting.CUSTOMER) | Q(case__snoozed_until__gt=now)


def _last_event(*kinds: CaseEvent.Kind) -> Subquery:
    """Over clocks: when something of these kinds last happened to the case."""
    events = CaseEvent.objects.filter(case=OuterRef("case"), kind__in=kinds)
    return Subquery(events.order_by("-id").values("at")[:1])


def _rests_since() -> models.Case:
    """Over clocks whose case asks for nothing of us: since when. Putting a case aside is no activity on it."""
    activity = F("case__last_activity_at")
    return models.Case(
        models.When(case__awaiting=Case.Awaiting.CUSTOMER, then=activity),
        default=Coalesce(_last_event(CaseEvent.Kind.SNOOZED), activity),
    )


def _pause(hours: _Hours, now: datetime) -> int:
    waiting = _open_clocks().filter(_waits(now), kind=Kind.RESOLUTION, case__closed_at__isnull=True)
    # What was late before the customer's turn came, or the case was put aside, runs on: waiting does not mend that.
    clocks = waiting.annotate(rests_since=_rests_since()).filter(due_at__gt=F("rests_since"))
    changed = 0
    for clock in clocks[:AT_ONCE]:
        since = min(max(clock.rests_since, clock.started_at), now)
        left = _left(clock, since, hours)
        was_due = {"due_at": clock.due_at}
        changed += _write(clock, was_due, due_at=None, warn_at=None, paused_at=since, left_seconds=left)
    return changed


def _go_on(hours: _Hours, now: datetime) -> int:
    """Whose case is ours again, or open again, runs on with what was left. A mail of ours that did not reach the
    customer stopped nothing: its clock goes on from where it stood.
    """
    ours = ~_waits(now) & Q(case__closed_at__isnull=True, case__merged_into__isnull=True, kind=Kind.RESOLUTION)
    standing = _open_clocks().filter(ours, paused_at__isnull=False)
    reopened = ServiceClock.objects.filter(ours, met_at__isnull=False).select_related("case", "service_level")
    back: list[Any] = [
        *standing.annotate(back_at=_last_event(CaseEvent.Kind.WOKEN))[:AT_ONCE],
        *reopened.annotate(back_at=_last_event(CaseEvent.Kind.STATUS_CHANGED))[:AT_ONCE],
    ]
    changed = 0
    for clock in back:
        case, stood, met = clock.case, clock.paused_at, clock.met_at
        moments = (stood or met, case.last_inbound_at, case.snoozed_until, clock.back_at)
        since = max(at for at in moments if at is not None and at <= now)
        _run(clock, timedelta(seconds=clock.left_seconds or 0), since=since, hours=hours)
        runs_again = {"due_at": clock.due_at, "warn_at": clock.warn_at, "paused_at": None, "left_seconds": None}
        changed += _write(clock, {"paused_at": stood, "met_at": met}, met_at=None, **runs_again)
    return changed


# --- warn and break --------------------------------------------------------------------------------------------------


def _warn(now: datetime) -> int:
    clocks = _open_clocks().filter(warn_at__lte=now, due_at__gt=now, warned_at__isnull=True)
    return sum(_tell(clock, "warned_at", CaseEvent.Kind.SERVICE_LEVEL_NEAR, now) for clock in clocks[:AT_ONCE])


def _break(now: datetime) -> int:
    clocks = _open_clocks().filter(due_at__lte=now, breached_at__isnull=True)
    return sum(_tell(clock, "breached_at", CaseEvent.Kind.SERVICE_LEVEL_BROKEN, now) for clock in clocks[:AT_ONCE])


@transaction.atomic
def _tell(clock: ServiceClock, stamp: str, kind: CaseEvent.Kind, now: datetime) -> int:
    """Once, however many sweepers look at it: who sets the stamp writes the event."""
    _lock([clock.case_id])  # case before clock, as everywhere here: a breach goes on to change the case
    if not ServiceClock.objects.filter(pk=clock.pk, **{f"{stamp}__isnull": True}).update(**{stamp: now}):
        return 0
    level = clock.service_level
    event = CaseEvent.objects.create(
        case=clock.case,
        kind=kind,
        because=f"{clock.get_kind_display()}: {level or 'service level'}, due {clock.due_at:%Y-%m-%d %H:%M} UTC"[:500],
        detail={"clock": clock.pk, "kind": clock.kind},
    )
    if stamp == "breached_at" and level is not None and level.escalate_to_queue is not None:
        _escalate(clock.case, level, event)
    return 1


def _escalate(case: Case, level: ServiceLevel, broken: CaseEvent) -> None:
    """The two events name each other, so that who is told hears of one thing once (cases.notifications)."""
    queue = level.escalate_to_queue
    if queue is None or case.owner_queue_id == queue.pk:
        return
    try:
        assigned = assign(
            case=case,
            owner=OwnerChoice(None, queue, f"the time of “{level}” is over"),
            kind=RoutingDecision.Kind.REASSIGNED,
            expected_version=case.routing_version,
        )
    except (CaseChangedMeanwhile, AlreadyRouted):
        # Somebody took it in this moment: it is looked after, and the event says that it was late.
        logger.info("case %s: not escalated, its owner changed meanwhile", case.pk)
        return
    assigned.detail["escalated_by"], broken.detail["escalated_to"] = broken.pk, queue.pk
    CaseEvent.objects.bulk_update([assigned, broken], ["detail"])
