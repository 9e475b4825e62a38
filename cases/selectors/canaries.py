"""Addresses to which mail stopped coming: their newest canary did not come back. One answer for pages, health and
metrics.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from cases.models import LoopTest
from routing.models import RoutingAddress

__all__ = ["OVERDUE_AFTER", "missing_canaries"]

OVERDUE_AFTER = timedelta(minutes=15)


def missing_canaries(now: datetime) -> QuerySet[LoopTest]:
    """The newest canary of each address that runs one, where it did not come back in time: one for each address."""
    of_address = LoopTest.objects.filter(routing_address=OuterRef("routing_address"), is_canary=True)
    return LoopTest.objects.filter(
        routing_address__in=RoutingAddress.objects.not_deleted().filter(is_active=True, canary_hours__gt=0),
        pk=Subquery(of_address.order_by("-pk").values("pk")[:1]),
        arrived_at__isnull=True,
        asked_at__lt=now - OVERDUE_AFTER,
    )
