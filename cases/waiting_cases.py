"""Cases that wait for a rep: the sweeper gives them to whoever of their flow's step becomes free."""

from __future__ import annotations

from django.db import transaction

from cases.assignment import CaseChangedMeanwhile, assign
from cases.models import PendingRouting, RoutingDecision
from cases.rep_load import open_cases_of
from routing.ownership import free_rep_of, note_given

__all__ = ["give_waiting_cases"]

AT_ONCE = 100  # waiting cases that one round looks at, oldest first


def give_waiting_cases() -> int:
    """Returns how many cases found a rep. A step without a free rep is asked once in a round, and those who wait for
    it keep nobody else waiting.
    """
    given = 0
    nobody_free: set[int] = set()
    for _ in range(AT_ONCE):
        pending = PendingRouting.objects.exclude(step__in=nobody_free).order_by("since", "pk").first()
        if pending is None:
            break
        found = _give(pending.pk)
        given += found is True
        if found is None:
            nobody_free.add(pending.step_id)
    return given


@transaction.atomic
def _give(pending_key: int) -> bool | None:
    """True: a rep has it. False: it waits no more, because a person was faster. None: nobody is free."""
    pending = (
        PendingRouting.objects.select_for_update(of=("self",))
        .select_related("case", "step")
        .filter(pk=pending_key)
        .first()
    )
    if pending is None:
        return False
    case = pending.case
    if case.routing_version != pending.routing_version or case.closed_at is not None or case.is_merged:
        pending.delete()
        return False
    owner = free_rep_of(pending.step, open_cases_of)
    if owner is None:
        return None
    try:
        assign(case=case, owner=owner, kind=RoutingDecision.Kind.OVERFLOW, expected_version=pending.routing_version)
    except CaseChangedMeanwhile:
        pending.delete()
        return False
    if owner.user is not None:
        note_given(owner.user.pk)
    pending.delete()
    return True
