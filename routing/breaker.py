"""The breaker of automatic answers: after too many in an hour an address stops, and a person lets it go on."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from routing import audit
from routing.models import RoutingAddress

__all__ = ["resume_auto_response", "stop_auto_response"]


def stop_auto_response(address: RoutingAddress, *, sent: int, at: datetime) -> None:
    RoutingAddress.objects.filter(pk=address.pk).update(auto_response_stopped_at=at)
    audit.record("auto-response-stopped", address, by=None, sent=sent, limit=address.auto_response_hourly_limit)


@transaction.atomic
def resume_auto_response(address: RoutingAddress, *, by: User) -> bool:
    """Whether it had stopped. What was sent before counts no more towards the limit."""
    resumed = RoutingAddress.objects.filter(pk=address.pk, auto_response_stopped_at__isnull=False).update(
        auto_response_stopped_at=None, auto_response_resumed_at=timezone.now()
    )
    if resumed:
        audit.record("auto-response-resumed", address, by=by)
    return bool(resumed)
