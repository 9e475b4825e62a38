"""/metrics: the figures of the dashboard, for Prometheus. Counted in the database: every process says the same.

Nothing is counted in this process, nothing is said of customers or of what mail says. All gauges: what happened is of
the last 24 hours, the dashboard's shortest period.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from cases.admin.dashboard import may_see_figures
from cases.selectors.figures import (
    AgeBucket,
    Durations,
    InboundHealth,
    Period,
    Satisfaction,
    backlog_by_age,
    durations,
    inbound_health,
    satisfaction,
    shares,
    volume_by_day,
)
from cases.selectors.troubles import Troubles, troubles

__all__ = ["CACHE_KEY", "Figures", "metrics"]

LAST_DAY = timedelta(days=1)
CACHE_KEY = "e2c-metrics"
CACHED_FOR = 5  # seconds; several servers that scrape at once cost one look at the database
SHARED_BY = {"address": "routing_address", "queue": "owner_queue", "rep": "owner_user"}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has E2C_METRICS_TOKEN, and for staff who may open the dashboard."""
    if not _has_token(request):
        if not request.user.is_authenticated:
            answer = HttpResponse(status=HTTPStatus.UNAUTHORIZED, content_type="text/plain; charset=utf-8")
            answer["WWW-Authenticate"] = 'Bearer realm="metrics"'
            return _uncached(answer)
        if not (request.user.is_staff and may_see_figures(request)):
            return _uncached(HttpResponse(status=HTTPStatus.FORBIDDEN, content_type="text/plain; charset=utf-8"))
    text = cache.get(CACHE_KEY)
    if text is None:
        text = exposition(timezone.now())
        cache.set(CACHE_KEY, text, CACHED_FOR)
    return _uncached(HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4))


def _has_token(request: HttpRequest) -> bool:
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.E2C_METRICS_TOKEN
    # Bytes: compare_digest takes no text beyond ASCII, and anybody may send some.
    return bool(wanted) and scheme.lower() == "bearer" and secrets.compare_digest(given.encode(), wanted.encode())


def _uncached(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    return answer


def exposition(now: datetime) -> bytes:
    registry = CollectorRegistry()
    registry.register(Figures(now))
    return generate_latest(registry)


class Figures(Collector):
    """What the dashboard shows for the last 24 hours and for now."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # so that registering it counts nothing

    def collect(self) -> Iterator[GaugeMetricFamily]:
        period = Period(self.now - LAST_DAY, self.now)
        volume = volume_by_day(period)
        yield _gauge("cases_opened_last_day", "Cases opened.", sum(each.opened for each in volume))
        yield _gauge("cases_closed_last_day", "Cases closed.", sum(each.closed for each in volume))
        first_response, resolution = durations(period)
        yield _speed("first_response", "From opening to the first reply, of cases opened in 24 hours.", first_response)
        yield _speed("resolution", "From opening to closing, of cases closed in 24 hours.", resolution)
        yield from _satisfaction(satisfaction(period))
        yield from _backlog(backlog_by_age(period))
        yield from _shares(period)
        yield from _health(inbound_health(period), self.now)
        yield from _troubles(troubles(period))


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"e2c_{name}", meaning, value=value)


def _speed(name: str, meaning: str, speed: Durations) -> GaugeMetricFamily:
    """Without a case there is no sample: 0 would be an answer at once."""
    family = GaugeMetricFamily(f"e2c_{name}_seconds", meaning, labels=["quantile"])
    for quantile, value in (("0.5", speed.median), ("0.9", speed.ninth_decile)):
        if value is not None:
            family.add_metric([quantile], value)
    return family


def _satisfaction(found: Satisfaction) -> Iterator[GaugeMetricFamily]:
    yield _gauge("satisfaction_asked_last_day", "Customers asked how it went.", found.asked)
    answers = GaugeMetricFamily(
        "e2c_satisfaction_answers_last_day", "Answers of customers how it went, by rating.", labels=["rating"]
    )
    answers.add_metric(["good"], found.good)
    answers.add_metric(["bad"], found.bad)
    yield answers


def _backlog(backlog: list[AgeBucket]) -> Iterator[GaugeMetricFamily]:
    every = GaugeMetricFamily("e2c_cases_open", "Open cases by age in days.", labels=["days"])
    ours = GaugeMetricFamily("e2c_cases_awaiting_us", "Open cases in which it is our turn.", labels=["days"])
    for each in backlog:
        days = f"{each.days_from}-{each.days_to}" if each.days_to is not None else f"{each.days_from}+"
        every.add_metric([days], each.count)
        ours.add_metric([days], each.awaiting_us)
    yield from (every, ours)


def _shares(period: Period) -> Iterator[GaugeMetricFamily]:
    """By address, queue and rep; as on the dashboard, of each the fifty with the most opened cases."""
    for by, field in SHARED_BY.items():
        labels = ["id", "name"]
        opened = GaugeMetricFamily(f"e2c_{by}_cases_opened_last_day", f"Cases opened, by {by}.", labels=labels)
        closed = GaugeMetricFamily(f"e2c_{by}_cases_closed_last_day", f"Cases closed, by {by}.", labels=labels)
        still_open = GaugeMetricFamily(f"e2c_{by}_cases_open", f"Open cases, by {by}.", labels=labels)
        for each in shares(period, field):
            key = [str(each.key), each.name]
            opened.add_metric(key, each.opened)
            closed.add_metric(key, each.closed)
            still_open.add_metric(key, each.open_now)
        yield from (opened, closed, still_open)


def _health(health: InboundHealth, now: datetime) -> Iterator[GaugeMetricFamily]:
    waits = (now - health.oldest_unsettled).total_seconds() if health.oldest_unsettled else 0.0
    yield _gauge("inbound_oldest_unsettled_seconds", "Age of the oldest mail that is not settled; 0: none.", waits)
    yield _gauge("inbound_unsettled", "Mail that is not settled.", health.unsettled)
    yield _gauge("inbound_held", "Held mail.", health.held)
    yield _gauge("inbound_quarantined", "Mail that waits for a person.", health.quarantined)
    outcomes = GaugeMetricFamily("e2c_inbound_last_day", "Mail received, by outcome.", labels=["outcome"])
    for outcome, count in sorted(health.outcomes.items()):
        outcomes.add_metric([outcome], count)
    yield outcomes
    yield _gauge("refused_calls_last_day", "Calls of providers that were refused.", health.refused_calls)
    yield _gauge("sends_uncertain", "Sends of which the provider's answer was lost.", health.uncertain_sends)
    yield _gauge("sends_failed_last_day", "Sends that failed.", health.failed_sends)
    yield _gauge("recipients_bounced_last_day", "Recipients whose mail came back.", health.bounced)


def _troubles(found: Troubles) -> Iterator[GaugeMetricFamily]:
    yield _gauge("canaries_missing", "Addresses whose last canary did not come back.", found.missing_canaries)
    yield _gauge("connections_to_mend", "Connections that do not work.", found.connections_to_mend)
    yield _gauge("hooks_failed_last_day", "Calls of site code that failed for good.", found.failed_hooks)
    yield _gauge("service_levels_broken_last_day", "Service levels that were broken.", found.broken_clocks)
