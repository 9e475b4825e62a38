"""The dashboard: how much came, how fast it was answered, what waits, and whether mail flows. Reads alone.

Every chart is drawn from the rows of a table that stands beside it, so that nobody needs to see or run it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.dashboard import LATE_AFTER, MISSING_CANARIES, Figure, list_of, may_see_figures
from cases.models import HookRun, InboundEmail, LoopTest, Outbox, RefusedCall
from cases.selectors.figures import (
    LONGEST_PERIOD,
    MOST_SHARES,
    AgeBucket,
    DayVolume,
    Durations,
    InboundHealth,
    Period,
    Share,
    backlog_by_age,
    durations,
    inbound_health,
    satisfaction,
    satisfaction_by,
    shares,
    volume_by_day,
)
from cases.selectors.people import reps
from cases.selectors.troubles import Troubles, troubles
from cases.templatetags.figures import duration_in_words
from routing.models import Connection, Queue, RoutingAddress

__all__ = ["figures_page"]

PERIODS = (1, 7, 30, LONGEST_PERIOD)  # days
USUAL_PERIOD = 30
MOST_CHOICES = 500
# Charts: the colours are also told apart by their lightness, and by the legend.
FIRST_COLOUR, SECOND_COLOUR, WORDS_COLOUR = "#3b79ea", "#c2700b", "#78808b"


@dataclass(frozen=True, slots=True)
class Choice:
    """One picker of the page: what the cases are narrowed to."""

    name: str
    label: str
    chosen: int | None
    options: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class ShareTable:
    title: str
    who: str
    rows: list[Share]

    @property
    def is_partial(self) -> bool:
        return len(self.rows) >= MOST_SHARES


def figures_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The same number of statements for any number of cases."""
    if not may_see_figures(request):
        raise PermissionDenied
    now = timezone.now()
    choices = _choices(request)
    days = _days(request)
    period = Period(now - timedelta(days=days), now, **{each.name: each.chosen for each in choices})
    volume, backlog = volume_by_day(period), backlog_by_age(period)
    first_response, resolution = durations(period)
    context |= {
        "title": _("Dashboard"),
        "periods": PERIODS,
        "days": days,
        "choices": choices,
        "volume": volume,
        "opened": sum(each.opened for each in volume),
        "closed": sum(each.closed for each in volume),
        "volume_chart": _volume_chart(volume),
        "backlog": backlog,
        "open_now": sum(each.count for each in backlog),
        "backlog_chart": _backlog_chart(backlog),
        "speeds": [(_("First response"), first_response), (_("Resolution"), resolution)],
        "speed_charts": [_speed_chart(first_response), _speed_chart(resolution)],
        "speed_is_partial": first_response.is_partial or resolution.is_partial,
        "share_tables": [
            ShareTable(_("By routing address"), _("Routing address"), shares(period, "routing_address")),
            ShareTable(_("By queue"), _("Queue"), shares(period, "owner_queue")),
            ShareTable(_("By rep"), _("Rep"), shares(period, "owner_user")),
        ],
        "satisfaction": satisfaction(period),
        "satisfaction_tables": [
            (_("Routing address"), satisfaction_by(period, "routing_address")),
            (_("Rep"), satisfaction_by(period, "owner_user")),
        ],
        "most_shares": MOST_SHARES,
        "health": health_figures(inbound_health(period), troubles(period), now, request),
        "chart_options": json.dumps(CHART_OPTIONS),
    }
    return TemplateResponse(request, "admin/cases/figures.html", context)


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(days) for days in PERIODS} else USUAL_PERIOD


def _choices(request: HttpRequest) -> list[Choice]:
    """The pickers, three statements. A key that is in none of them narrows nothing."""
    addresses = RoutingAddress.objects.not_deleted().order_by("routing_name")
    found: list[tuple[str, str, list[tuple[int, str]]]] = [
        ("routing_address", _("Routing address"), list(addresses.values_list("pk", "routing_name")[:MOST_CHOICES])),
        ("queue", _("Queue"), list(Queue.objects.order_by("name").values_list("pk", "name")[:MOST_CHOICES])),
        ("rep", _("Rep"), list(reps().order_by("username").values_list("pk", "username")[:MOST_CHOICES])),
    ]
    choices = []
    for name, label, options in found:
        asked = request.GET.get(name, "")
        choices.append(Choice(name, label, next((key for key, _name in options if str(key) == asked), None), options))
    return choices


# Charts --------------------------------------------------------------------------------------------------------------
CHART_OPTIONS: dict[str, Any] = {
    "animation": False,
    "maintainAspectRatio": False,
    "plugins": {"legend": {"position": "bottom", "labels": {"color": WORDS_COLOUR, "boxWidth": 12}}},
    "scales": {
        "x": {"ticks": {"color": WORDS_COLOUR, "maxTicksLimit": 12, "maxRotation": 0}, "grid": {"display": False}},
        "y": {"beginAtZero": True, "ticks": {"color": WORDS_COLOUR, "maxTicksLimit": 6}},
    },
}


def _chart(labels: Sequence[Any], *series: tuple[str, str, Sequence[Any]]) -> str:
    """What the chart components of unfold read: a label and a colour for each series."""
    datasets = [
        {
            "label": label,
            "data": list(values),
            "borderColor": colour,
            "backgroundColor": colour,
            "borderWidth": 2,
            "pointRadius": 2,
            "maxBarThickness": 48,
        }
        for label, colour, values in series
    ]
    return json.dumps({"labels": [str(label) for label in labels], "datasets": datasets})


def _volume_chart(volume: Sequence[DayVolume]) -> str:
    return _chart(
        [each.day.isoformat() for each in volume],
        (_("Opened"), FIRST_COLOUR, [each.opened for each in volume]),
        (_("Closed"), SECOND_COLOUR, [each.closed for each in volume]),
    )


def _backlog_chart(backlog: Sequence[AgeBucket]) -> str:
    return _chart(
        [_age_range(each) for each in backlog],
        (_("Open"), FIRST_COLOUR, [each.count for each in backlog]),
        (_("Our turn"), SECOND_COLOUR, [each.awaiting_us for each in backlog]),
    )


def _age_range(bucket: AgeBucket) -> str:
    if bucket.days_to is None:
        return _("%(days)s d +") % {"days": bucket.days_from}
    return _("%(from)s–%(to)s d") % {"from": bucket.days_from, "to": bucket.days_to}


def _speed_chart(speed: Durations) -> str:
    hours = [round(seconds / 3600, 2) if seconds is not None else 0 for seconds in (speed.median, speed.ninth_decile)]
    return _chart([_("Median"), _("90% within")], (_("Hours"), FIRST_COLOUR, hours))


# Health --------------------------------------------------------------------------------------------------------------
def health_figures(health: InboundHealth, trouble: Troubles, now: datetime, request: HttpRequest) -> list[Figure]:
    """Each with the list behind it, where there is one that may be opened. Bad: a person is needed."""
    late = health.oldest_unsettled is not None and now - health.oldest_unsettled > LATE_AFTER
    waiting = now - health.oldest_unsettled if health.oldest_unsettled else None
    in_period, right_now = gettext_lazy("in the period"), gettext_lazy("now")

    def figure(label: Any, count: int, explanation: str | Promise, url: str = "", *, is_bad: bool = True) -> Figure:
        return Figure(label, str(count), explanation, url, is_bad and count > 0)

    return [
        Figure(
            _("Oldest unsettled mail"),
            duration_in_words(waiting.total_seconds()) if waiting else "–",
            _("%(count)s wait for a worker") % {"count": health.unsettled},
            list_of(request, InboundEmail, "state__exact=received"),
            late,
        ),
        figure(
            _("Held mail"), health.held, right_now, list_of(request, InboundEmail, "state__exact=held"), is_bad=False
        ),
        figure(
            _("Quarantined mail"),
            health.quarantined,
            right_now,
            list_of(request, InboundEmail, "state__exact=quarantined"),
        ),
        figure(_("Refused calls"), health.refused_calls, in_period, list_of(request, RefusedCall)),
        figure(
            _("Uncertain sends"), health.uncertain_sends, right_now, list_of(request, Outbox, "state__exact=uncertain")
        ),
        figure(_("Failed sends"), health.failed_sends, in_period, list_of(request, Outbox, "state__exact=failed")),
        figure(_("Bounced"), health.bounced, gettext_lazy("recipients in the period")),
        figure(
            _("Missing canaries"),
            trouble.missing_canaries,
            gettext_lazy("addresses whose last one did not come back"),
            list_of(request, LoopTest, MISSING_CANARIES),
        ),
        figure(
            _("Connections to mend"),
            trouble.connections_to_mend,
            right_now,
            list_of(request, Connection),
        ),
        figure(_("Failed hooks"), trouble.failed_hooks, in_period, list_of(request, HookRun, "state__exact=failed")),
        figure(_("Broken service levels"), trouble.broken_clocks, in_period),
    ]
