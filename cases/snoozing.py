"""Put a case aside until a moment. It comes back at that moment, or at once when the customer writes
(cases.lifecycle.record_inbound_activity).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.acting import CannotChange, case_to_change
from cases.models import Case, CaseEvent

__all__ = ["PRESETS", "preset_moment", "snooze", "wake", "wake_due_cases"]

MORNING = time(8)
LONGEST = timedelta(days=366)
PRESETS: dict[str, Promise] = {
    "later": gettext_lazy("In three hours"),
    "tomorrow": gettext_lazy("Tomorrow at 8:00"),
    "monday": gettext_lazy("On Monday at 8:00"),
    "week": gettext_lazy("In a week at 8:00"),
}


def preset_moment(preset: str, *, now: datetime, zone: tzinfo) -> datetime:
    """The moment that a preset means to somebody in that time zone. Raises CannotChange for an unknown one."""
    local = now.astimezone(zone)
    days = {"tomorrow": 1, "monday": 7 - local.weekday(), "week": 7}.get(preset)
    if days is not None:
        return datetime.combine(local.date() + timedelta(days=days), MORNING, tzinfo=zone)
    if preset == "later":
        return now + timedelta(hours=3)
    raise CannotChange(_("Choose until when."), field="until")


@transaction.atomic
def snooze(*, case: Case, until: datetime, by: Any, now: datetime | None = None) -> CaseEvent | None:
    now = now or timezone.now()
    if until <= now:
        raise CannotChange(_("That moment has passed."), field="until")
    if until > now + LONGEST:
        raise CannotChange(_("Choose a moment within a year."), field="until")
    case = case_to_change(case, by=by)
    if case.is_closed:
        raise CannotChange(_("The case is closed: there is nothing to put aside."))
    if case.snoozed_until == until:
        return None
    Case.objects.filter(pk=case.pk).update(snoozed_until=until)
    return CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.SNOOZED,
        actor=by,
        because=f"until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC",  # the page says it in its reader's zone
        detail={"was": _moment(case.snoozed_until), "now": _moment(until)},
    )


@transaction.atomic
def wake(*, case: Case, by: Any) -> CaseEvent | None:
    case = case_to_change(case, by=by)
    if case.snoozed_until is None:
        return None
    Case.objects.filter(pk=case.pk).update(snoozed_until=None)
    return CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.WOKEN,
        actor=by,
        detail={"was": _moment(case.snoozed_until), "now": None},
    )


@transaction.atomic
def wake_due_cases(*, limit: int = 100, now: datetime | None = None) -> int:
    """Bring back what was put aside until now; it comes to the top of its lists. Several sweepers may do this."""
    now = now or timezone.now()
    due = Case.objects.filter(snoozed_until__lte=now).order_by("snoozed_until")
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    keys = list(due.values_list("pk", flat=True)[:limit])
    if not keys:
        return 0
    Case.objects.filter(pk__in=keys).update(snoozed_until=None, last_activity_at=now)
    CaseEvent.objects.bulk_create(
        CaseEvent(case_id=key, kind=CaseEvent.Kind.WOKEN, because="the time came") for key in keys
    )
    return len(keys)


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
