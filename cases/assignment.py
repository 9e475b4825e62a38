"""The one writer of owners. Every owner a case ever had has a RoutingDecision that says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction
from django.db.models import F

from cases.models import Case, CaseEvent, RoutingDecision
from cases.models.case import OwnerWrittenElsewhere
from routing.owners import OwnerChoice

__all__ = [
    "AlreadyRouted",
    "CaseChangedMeanwhile",
    "OwnerWrittenElsewhere",
    "assign",
    "first_owner_is_final",
    "open_owned_case",
]

_first_owner_is_final: ContextVar[bool] = ContextVar("first_owner_is_final", default=False)


class AlreadyRouted(RuntimeError):
    """The case has its first owner; a second initial routing is refused."""


class CaseChangedMeanwhile(RuntimeError):
    """Somebody else changed the owner since the caller looked; look again and decide anew."""


@contextmanager
def first_owner_is_final() -> Iterator[None]:
    """Within this, `assign` refuses: automations that run because a case was opened do not route it a second time."""
    token = _first_owner_is_final.set(True)
    try:
        yield
    finally:
        _first_owner_is_final.reset(token)


def open_owned_case(case: Case, owner: OwnerChoice) -> Case:
    """Insert a new case together with its first owner and the decision for it. Inside the caller's transaction."""
    case.owner_user, case.owner_queue = owner.user, owner.queue
    case.save(force_insert=True)
    RoutingDecision.objects.create(
        case=case,
        kind=RoutingDecision.Kind.INITIAL,
        owner_user=owner.user,
        owner_queue=owner.queue,
        because=owner.because[:500],
    )
    return case


@transaction.atomic
def assign(
    *,
    case: Case,
    owner: OwnerChoice,
    kind: RoutingDecision.Kind,
    expected_version: int,
    decided_by: Any | None = None,
) -> CaseEvent:
    """Give an existing case another owner. `expected_version` is the routing_version the caller decided on.

    Raises AlreadyRouted for kind `initial` (a case is opened with its first owner) and CaseChangedMeanwhile when
    another decision came first.
    """
    if kind == RoutingDecision.Kind.INITIAL or _first_owner_is_final.get():
        raise AlreadyRouted(f"Case {case.number} has its initial owner already.")
    changed = Case.objects.filter(pk=case.pk, routing_version=expected_version).write_owner(
        owner_user=owner.user, owner_queue=owner.queue, routing_version=F("routing_version") + 1
    )
    if not changed:
        raise CaseChangedMeanwhile(f"The owner of case {case.number} was changed meanwhile.")
    RoutingDecision.objects.create(
        case=case,
        kind=kind,
        owner_user=owner.user,
        owner_queue=owner.queue,
        because=owner.because[:500],
        decided_by=decided_by,
    )
    return CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.OWNER_ASSIGNED,
        actor=decided_by,
        because=f"{owner.label}: {owner.because}"[:500],
        # The owner before it, so that it can be taken back as long as nobody assigned the case again.
        detail={"user": case.owner_user_id, "queue": case.owner_queue_id, "version": expected_version + 1},
    )
