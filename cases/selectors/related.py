"""What stands beside a case: other cases of its customer, linked ones, its owners so far."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from cases.models import Case, CaseLink, RoutingDecision
from cases.selectors.visible import visible_cases

MOST_LINKS = 50


def cases_of_same_customer(user: Any, case: Case, *, address: str = "") -> QuerySet[Case]:
    """The others that the user may see, newest first: of the address, or of the contact when the case has one."""
    wanted = (address or case.supplied_email).strip().lower()
    same = Q(supplied_email=wanted) if wanted else Q(pk__in=[])
    if case.contact_id is not None and not address:
        same |= Q(contact=case.contact_id)
    return (
        visible_cases(user)
        .filter(same, merged_into__isnull=True)
        .exclude(pk=case.pk)
        .select_related("status")
        .defer("description")
        .order_by("-pk")
    )


def linked_cases(user: Any, case: Case) -> list[Case]:
    """Those that the user may see; others are not even counted. One statement."""
    first = CaseLink.objects.filter(second=case).values("first")
    second = CaseLink.objects.filter(first=case).values("second")
    found = visible_cases(user).filter(Q(pk__in=first) | Q(pk__in=second))
    return list(found.select_related("status").defer("description").order_by("-pk")[:MOST_LINKS])


def owners_of(case: Case) -> list[RoutingDecision]:
    """Every owner so far with the reason, oldest first."""
    decisions = RoutingDecision.objects.filter(case=case).select_related("owner_user", "owner_queue", "decided_by")
    return list(decisions.order_by("-pk")[:50])[::-1]
