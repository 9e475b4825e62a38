"""Clocks that end, stand, and go on, because of what their case has become."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from cases.models import Case, CaseEvent, Outbox, ServiceClock
from cases.service_levels.clocks import AT_ONCE, Hours, business_seconds_left, open_clocks, run, write

Kind = ServiceClock.Kind

# --- end -------------------------------------------------------------------------------------------------------------


def end_first_responses(now: datetime) -> int:
    """Met by the first reply of a person that the provider took. A case that ends without one has nothing to meet."""
    sent = (
        Outbox.objects.answers_that_left()
        .filter(case=OuterRef("case"))
        .order_by()
        .values("case")
        .annotate(first=Min("sent_at"))
        .values("first")
    )
    clocks = open_clocks().filter(kind=Kind.FIRST_RESPONSE).annotate(answered_at=Subquery(sent))
    changed = 0
    # Sent and closed: what is on its way will be the answer, or opens the case again.
    closed = Q(case__closed_at__isnull=False) & ~Exists(
        Outbox.objects.answers_on_their_way().filter(case=OuterRef("case"))
    )
    ended = closed | Q(case__merged_into__isnull=False)
    for clock in clocks.filter(Q(answered_at__isnull=False) | ended)[:AT_ONCE]:
        changed += _end(clock, met_at=clock.answered_at, now=now)
    return changed


def end_resolutions(hours: Hours, now: datetime) -> int:
    changed = 0
    ended = Q(case__closed_at__isnull=False) | Q(case__merged_into__isnull=False)
    for clock in open_clocks().filter(ended, kind=Kind.RESOLUTION)[:AT_ONCE]:
        closed_at = clock.case.closed_at or now
        # Kept for a case that is opened again, or split off again: it has what was left.
        left = clock.left_seconds if clock.due_at is None else business_seconds_left(clock, closed_at, hours)
        changed += _end(clock, met_at=None if clock.case.is_merged else closed_at, now=now, left_seconds=left)
    return changed


def _end(clock: ServiceClock, *, met_at: datetime | None, now: datetime, left_seconds: int | None = None) -> int:
    late = met_at is not None and clock.due_at is not None and met_at > clock.due_at
    changes = {"met_at": met_at, "dropped_at": None if met_at else now, "left_seconds": left_seconds}
    if late and clock.breached_at is None:
        changes["breached_at"] = clock.due_at
    return write(clock, {"met_at__isnull": True, "dropped_at__isnull": True}, **changes)


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


def pause(hours: Hours, now: datetime) -> int:
    waiting = open_clocks().filter(_waits(now), kind=Kind.RESOLUTION, case__closed_at__isnull=True)
    # What was late before the customer's turn came, or the case was put aside, runs on: waiting does not mend that.
    clocks = waiting.annotate(rests_since=_rests_since()).filter(due_at__gt=F("rests_since"))
    changed = 0
    for clock in clocks[:AT_ONCE]:
        since = min(max(clock.rests_since, clock.started_at), now)
        left = business_seconds_left(clock, since, hours)
        was_due = {"due_at": clock.due_at}
        changed += write(clock, was_due, due_at=None, warn_at=None, paused_at=since, left_seconds=left)
    return changed


def go_on(hours: Hours, now: datetime) -> int:
    """Whose case is ours, open, or on its own again, runs on with what was left. A mail of ours that did not reach the
    customer stopped nothing: its clock goes on from where it stood.
    """
    ours = ~_waits(now) & Q(case__closed_at__isnull=True, case__merged_into__isnull=True, kind=Kind.RESOLUTION)
    standing = open_clocks().filter(ours, paused_at__isnull=False)
    ended = ServiceClock.objects.filter(ours).select_related("case", "service_level")
    back: list[Any] = [
        *standing.annotate(back_at=_last_event(CaseEvent.Kind.WOKEN))[:AT_ONCE],
        *ended.filter(met_at__isnull=False).annotate(back_at=_last_event(CaseEvent.Kind.STATUS_CHANGED))[:AT_ONCE],
        *ended.filter(dropped_at__isnull=False).annotate(back_at=_last_event(CaseEvent.Kind.CASE_REOPENED))[:AT_ONCE],
    ]
    changed = 0
    for clock in back:
        case, stood = clock.case, clock.paused_at
        as_read = {"paused_at": stood, "met_at": clock.met_at, "dropped_at": clock.dropped_at}
        moments = (stood or clock.met_at or clock.dropped_at, case.last_inbound_at, case.snoozed_until, clock.back_at)
        since = max(at for at in moments if at is not None and at <= now)
        run(clock, timedelta(seconds=clock.left_seconds or 0), since=since, hours=hours)
        runs_again = {"due_at": clock.due_at, "warn_at": clock.warn_at, "paused_at": None, "left_seconds": None}
        changed += write(clock, as_read, met_at=None, dropped_at=None, **runs_again)
    return changed
