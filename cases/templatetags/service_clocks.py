"""Service clocks in words: "first answer due in 2 h", "solution 10 min late"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, ServiceClock

register = template.Library()

State = Literal["running", "near", "late", "stands", "was-late"]
# A shape beside the words: nobody has to tell colours apart.
SIGNS: dict[State, str] = {"running": "○", "near": "◔", "late": "!", "stands": "‖", "was-late": "!"}
HOURS_WITH_MINUTES = 10  # below it "2 h 10 min", above it minutes decide nothing


@dataclass(frozen=True, slots=True)
class ShownClock:
    state: State
    words: str
    due_at: datetime | None

    @property
    def sign(self) -> str:
        return SIGNS[self.state]


def span_words(span: timedelta, *, is_short: bool = False) -> str:
    """A length of time as people say it; under a minute counts as one. `is_short`: whole hours from the first one."""
    minutes = max(int(span.total_seconds()) // 60, 1)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%d min") % minutes
    if hours < HOURS_WITH_MINUTES and rest and not is_short:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
    return _("%d h") % hours if hours < 48 else _("%d d") % (hours // 24)


def show_clock(clock: ServiceClock, case: Case, now: datetime) -> ShownClock | None:
    """None: it says nothing to anybody any more."""
    what = clock.get_kind_display()
    if clock.met_at is not None:
        if clock.breached_at is None or clock.due_at is None or clock.met_at <= clock.due_at:
            return None
        late = {"what": what, "time": span_words(clock.met_at - clock.due_at)}
        return ShownClock("was-late", _("%(what)s came %(time)s late") % late, clock.due_at)
    if clock.dropped_at is not None or case.is_closed or case.is_merged:
        return None
    if clock.due_at is None:
        left = span_words(timedelta(seconds=clock.left_seconds or 0))
        words = {"what": what, "time": left, "why": _why_it_stands(case, now)}
        return ShownClock("stands", _("%(what)s stands: %(why)s, %(time)s left") % words, None)
    if clock.due_at <= now:
        late = {"what": what, "time": span_words(now - clock.due_at)}
        return ShownClock("late", _("%(what)s late by %(time)s") % late, clock.due_at)
    state: State = "near" if clock.warn_at is not None and clock.warn_at <= now else "running"
    words = {"what": what, "time": span_words(clock.due_at - now)}
    return ShownClock(state, _("%(what)s due in %(time)s") % words, clock.due_at)


def _why_it_stands(case: Case, now: datetime) -> str:
    if case.snoozed_until is not None and case.snoozed_until > now:
        return _("snoozed")
    return _("waiting for the customer")


@register.filter
def clocks(case: Any) -> list[ShownClock]:
    """Of a case that was read with its clocks."""
    now = timezone.now()
    found = (getattr(case, name, None) for name in ("first_answer_clock", "solution_clock"))
    shown = (show_clock(clock, case, now) for clock in found if clock is not None)
    return [clock for clock in shown if clock is not None]


@register.filter
def due_mark(case: Any, now: datetime) -> ShownClock | None:
    """The mark of a row: only what is near or late is worth one."""
    mark = any_due_mark(case, now)
    return mark if mark is not None and mark.state != "running" else None


@register.filter
def any_due_mark(case: Any, now: datetime) -> ShownClock | None:
    """The mark of a row in a list that is ordered by it: also of what has time."""
    due_at = getattr(case, "next_due_at", None)
    if due_at is None or case.is_closed:
        return None
    if due_at <= now:
        return ShownClock("late", _("Late %s") % span_words(now - due_at, is_short=True), due_at)
    is_near = case.next_warn_at is not None and case.next_warn_at <= now
    return ShownClock("near" if is_near else "running", _("Due %s") % span_words(due_at - now, is_short=True), due_at)
