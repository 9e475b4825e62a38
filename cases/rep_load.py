"""How much reps have to do: what flows weigh when they choose one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from cases.models import Case

__all__ = ["cases_that_count", "open_cases_of"]


def cases_that_count(*, now: datetime | None = None) -> QuerySet[Case]:
    """Open cases that await us; snoozed ones ask for nothing now."""
    now = now or timezone.now()
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    return Case.objects.filter(awake, closed_at__isnull=True, awaiting=Case.Awaiting.US).order_by()


def open_cases_of(users: Collection[int], *, now: datetime | None = None) -> dict[int, int]:
    """Cases that count, by the key of their owner. One statement."""
    rows = cases_that_count(now=now).filter(owner_user__in=users).values_list("owner_user").annotate(count=Count("pk"))
    return {user: count for user, count in rows if user is not None}
