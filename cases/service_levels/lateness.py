"""Clocks that are nearly or quite over: each is told once, and a breach may hand the case on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases.assignment import assign
from cases.models import Case, CaseEvent, RoutingDecision, ServiceClock
from cases.service_levels.clocks import AT_ONCE, lock, open_clocks
from routing.models import ServiceLevel
from routing.owners import OwnerChoice


def warn(now: datetime) -> int:
    clocks = open_clocks().filter(warn_at__lte=now, due_at__gt=now, warned_at__isnull=True)
    return sum(_tell(clock, "warned_at", CaseEvent.Kind.SERVICE_LEVEL_NEAR, now) for clock in clocks[:AT_ONCE])


def break_(now: datetime) -> int:
    clocks = open_clocks().filter(due_at__lte=now, breached_at__isnull=True)
    return sum(_tell(clock, "breached_at", CaseEvent.Kind.SERVICE_LEVEL_BROKEN, now) for clock in clocks[:AT_ONCE])


@transaction.atomic
def _tell(clock: ServiceClock, stamp: str, kind: CaseEvent.Kind, now: datetime) -> int:
    """Once, however many sweepers look at it: who sets the stamp writes the event."""
    lock([clock.case_id])  # case before clock, as everywhere here: a breach goes on to change the case
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
    """The case is locked. The two events name each other, so that who is told hears of one thing once
    (cases.notifications).
    """
    # Read anew: it was read before the lock, and somebody may have taken it between the two.
    case.refresh_from_db(fields=["owner_user", "owner_queue", "routing_version", "closed_at", "merged_into"])
    queue = level.escalate_to_queue
    if queue is None or case.owner_queue_id == queue.pk or case.closed_at is not None or case.is_merged:
        return
    assigned = assign(
        case=case,
        owner=OwnerChoice(None, queue, f"the time of “{level}” is over"),
        kind=RoutingDecision.Kind.REASSIGNED,
        expected_version=case.routing_version,
    )
    assigned.detail["escalated_by"], broken.detail["escalated_to"] = broken.pk, queue.pk
    CaseEvent.objects.bulk_update([assigned, broken], ["detail"])
