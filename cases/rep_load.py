"""How much reps have to do: what flows weigh when they choose one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from cases.models import Case

__all__ = ["open_cases_of"]


def open_cases_of(users: Collection[int], *, now: datetime | None = None) -> dict[int, int]:
    """Open cases that await us, by the key of their owner; snoozed ones ask for nothing now. One statement."""
    now = now or timezone.now()
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    rows = (
        Case.objects.filter(awake, owner_user__in=users, closed_at__isnull=True, awaiting=Case.Awaiting.US)
        .order_by()
        .values_list("owner_user")
        .annotate(count=Count("pk"))
    )
    return {user: count for user, count in rows if user is not None}
