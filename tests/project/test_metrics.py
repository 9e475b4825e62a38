"""/metrics: who may read it, that Prometheus can, and that it says what the dashboard says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from selectolax.lexbor import LexborHTMLParser

from e2c_project.metrics import CACHE_KEY, Figures
from tests.factories import CaseFactory, EmailMessageFactory, InboundEmailFactory, QueueFactory, UserFactory
from tests.project.processes import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

TOKEN = "a-long-word-of-the-monitor"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.E2C_METRICS_TOKEN = TOKEN
    cache.delete(CACHE_KEY)


def scrape() -> Samples:
    answer = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"e2c_{name}", frozenset(labels.items())]


def seed() -> None:
    now = timezone.now()
    queue = QueueFactory(name='Second "level"\nof support')
    for hours in (1, 2, 30, 80):
        case = CaseFactory(
            created_at=now - timedelta(hours=hours), owner_queue=queue, awaiting="us", subject="Secret subject"
        )
        EmailMessageFactory(case=case, from_address="casey@example.net", subject="Secret subject")
    CaseFactory(created_at=now - timedelta(hours=3), closed_at=now - timedelta(hours=2), owner_queue=queue)
    InboundEmailFactory(state="quarantined", reason="failed", from_address="casey@example.net")
    InboundEmailFactory(state="received", received_at=now - timedelta(seconds=200))


def test_a_monitor_reads_what_the_database_holds() -> None:
    seed()

    found = scrape()

    assert value(found, "cases_opened_last_day") == 3
    assert value(found, "cases_closed_last_day") == 1
    assert value(found, "cases_open", days="0-1") == value(found, "cases_awaiting_us", days="0-1") == 2
    assert (value(found, "cases_open", days="1-3"), value(found, "cases_open", days="3-7")) == (1, 1)
    assert value(found, "resolution_seconds", quantile="0.5") == pytest.approx(3600)
    assert ("e2c_first_response_seconds", frozenset({("quantile", "0.5")})) not in found  # nobody answered yet
    assert value(found, "inbound_quarantined") == value(found, "inbound_unsettled") == 1
    assert 200 <= value(found, "inbound_oldest_unsettled_seconds") < 260
    assert value(found, "inbound_last_day", outcome="quarantined") == 1
    [queue] = {dict(labels)["name"] for name, labels in found if name == "e2c_queue_cases_open"}
    assert queue == 'Second "level"\nof support'


def test_it_says_what_the_dashboard_says_for_24_hours() -> None:
    seed()
    client = Client()
    client.force_login(UserFactory(superuser=True))
    page = LexborHTMLParser(client.get("/admin/cases/case/figures/", {"days": "1"}).text)
    shown = {
        tile.css_first(".e2c-label").text(strip=True): tile.css_first("strong").text(strip=True)
        for tile in page.css(".e2c-figure")
    }
    volume = [[int(cell.text()) for cell in row.css("td")] for row in page.css("section:has(#e2c-volume) tbody tr")]

    found = scrape()

    assert [value(found, f"cases_{each}_last_day") for each in ("opened", "closed")] == [
        sum(column) for column in zip(*volume, strict=True)
    ]
    for label, name in {
        "Held mail": "inbound_held",
        "Quarantined mail": "inbound_quarantined",
        "Refused calls": "refused_calls_last_day",
        "Uncertain sends": "sends_uncertain",
        "Failed sends": "sends_failed_last_day",
        "Bounced": "recipients_bounced_last_day",
        "Missing canaries": "canaries_missing",
        "Connections to mend": "connections_to_mend",
        "Failed hooks": "hooks_failed_last_day",
        "Broken service levels": "service_levels_broken_last_day",
    }.items():
        assert value(found, name) == int(shown[label]), label


def test_it_names_no_customer_and_no_mail() -> None:
    seed()

    text = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/metrics").text

    assert "casey" not in text
    assert "Secret" not in text


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", "Bearer t\u00f6ken"])
def test_without_the_token_it_is_closed(given: str) -> None:
    answer = Client(headers={"authorization": given.encode().decode("latin-1")}).get("/metrics")

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer "])
def test_an_unset_token_opens_it_to_nobody(settings: Any, given: str) -> None:
    settings.E2C_METRICS_TOKEN = ""

    assert Client(headers={"authorization": given}).get("/metrics").status_code == 401


@pytest.mark.parametrize(("user", "status"), [({}, 403), ({"staff": True}, 403), ({"superuser": True}, 200)])
def test_people_need_what_the_dashboard_needs(settings: Any, user: dict[str, bool], status: int) -> None:
    settings.E2C_METRICS_TOKEN = ""
    client = Client()
    client.force_login(UserFactory(**user))

    assert client.get("/metrics").status_code == status


def test_asking_again_at_once_asks_the_database_nothing() -> None:
    first = scrape()

    with CaptureQueriesContext(connection) as captured:
        assert scrape() == first

    assert len(captured) == 0


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    families = {family.name for family in Figures(timezone.now()).collect()}
    page = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    table = page.partition("| Metric |")[2].partition("\n## ")[0]
    written = re.findall(r"`(e2c_[a-z_{,}]+?)(?:\{[a-z,]+\})?`", table)
    documented = {name for each in written for name in _spelt_out(each)}

    assert documented == families


def _spelt_out(name: str) -> list[str]:
    """e2c_{address,queue}_cases_{opened_last_day,open} names four."""
    before, brace, rest = name.partition("{")
    if not brace:
        return [name]
    words, _brace, after = rest.partition("}")
    return [found for word in words.split(",") for found in _spelt_out(before + word + after)]
