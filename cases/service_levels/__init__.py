"""The clocks of service levels. The sweeper brings them in step with their cases; nothing else writes them.

A clock is not moved by whoever answers, closes or snoozes a case: each round looks at what the case is now and when
it became so (closed_at, the first reply that was sent, whose turn it is and since when, the events that put a case
aside and brought it back), so no path of the code can forget a clock, and a round that comes late changes no figure.

    keep_clocks --starting--> --running--> --lateness--> events
                      all of them write through clocks
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from cases.service_levels.clocks import Hours, note_next_due
from cases.service_levels.lateness import break_, warn
from cases.service_levels.running import end_first_responses, end_resolutions, go_on, pause
from cases.service_levels.starting import start
from routing.models import ServiceLevel

__all__ = ["keep_clocks", "note_next_due"]


def keep_clocks(*, now: datetime | None = None) -> int:
    """One round: start, stop, go on, warn, break. Returns how many clocks changed. Several rounds at once are safe."""
    now = now or timezone.now()
    if not ServiceLevel.objects.exists():
        return 0
    hours = Hours.load()
    changed = start(hours, now)
    changed += end_first_responses(now)
    changed += end_resolutions(hours, now)
    changed += pause(hours, now)
    changed += go_on(hours, now)
    changed += warn(now)
    return changed + break_(now)
