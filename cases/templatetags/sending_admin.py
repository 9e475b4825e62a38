"""What the page of a routing address shows of mail: its automatic answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone

from cases.models import Outbox
from cases.outbound.auto_response import refusal_of_address
from routing.choices import AutoResponsePolicy
from routing.models import RoutingAddress

register = template.Library()

COUNTED_TO = 1_000


@register.inclusion_tag("admin/cases/auto_response_state.html", takes_context=True)
def auto_response_state(context: Any, address: RoutingAddress) -> dict[str, Any]:
    """One query, none while the address answers nobody."""
    shown: dict[str, Any] = {"address": address, "csrf_token": context.get("csrf_token")}
    if address.auto_response_policy == AutoResponsePolicy.OFF:
        return shown
    today = Outbox.objects.filter(
        kind=Outbox.Kind.AUTO, from_address=address, created_at__gt=timezone.now() - timedelta(hours=24)
    )
    return shown | {
        "is_on": True,
        "answered": today.order_by()[:COUNTED_TO].count(),
        "stopped_at": address.auto_response_stopped_at,
        "refusal": "" if address.auto_response_stopped_at else refusal_of_address(address),
        "may_configure": context.get("may_configure"),
    }
