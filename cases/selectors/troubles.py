"""What no longer works by itself and wants a person: beside the mail that waits (figures.inbound_health)."""

from __future__ import annotations

from dataclasses import dataclass

from cases.models import HookRun, ServiceClock
from cases.selectors.canaries import missing_canaries
from cases.selectors.figures import Period
from routing.models import Connection

__all__ = ["Troubles", "troubles"]

TO_MEND = (Connection.State.BROKEN, Connection.State.NEEDS_CONNECTING)


@dataclass(frozen=True, slots=True)
class Troubles:
    missing_canaries: int  # addresses, now
    connections_to_mend: int  # now
    failed_hooks: int  # begun in the period
    broken_clocks: int  # service levels broken in the period, also when they were met later


def troubles(period: Period) -> Troubles:
    """Of all addresses. Four statements."""
    return Troubles(
        missing_canaries=missing_canaries(period.end).count(),
        connections_to_mend=Connection.objects.filter(state__in=TO_MEND).count(),
        failed_hooks=HookRun.objects.filter(
            state=HookRun.State.FAILED, created_at__gte=period.start, created_at__lt=period.end
        ).count(),
        broken_clocks=ServiceClock.objects.filter(breached_at__gte=period.start, breached_at__lt=period.end).count(),
    )
