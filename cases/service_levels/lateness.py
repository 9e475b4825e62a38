"""Clocks that are nearly or quite over: each is told once, and a breach may hand the case on."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from cases.assignment import AlreadyRouted, CaseChangedMeanwhile, assign
from cases.models import Case, CaseEvent, RoutingDecision, ServiceClock
from cases.service_levels.clocks import AT_ONCE, lock, open_clocks
from routing.models import ServiceLevel
from routing.owners import OwnerChoice

logger = logging.getLogger(__name__)


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
