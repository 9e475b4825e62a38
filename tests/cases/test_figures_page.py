"""The dashboard: who may open it, that it shows what SQL finds, and what it costs."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from cases.models import Case, LoopTest, Outbox
from cases.selectors.figures import Period
from cases.selectors.troubles import troubles
from routing.models import Connection, RoutingAddress
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    QueueFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

PAGE = "/admin/cases/case/figures/"


def signed_in(**user: Any) -> Client:
    client = Client()
    client.force_login(UserFactory(**user))
    return client


def with_permission(codename: str, app_label: str) -> Client:
    user: User = UserFactory(staff=True)
    user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label=app_label))
    client = Client()
    client.force_login(user)
    return client


def sql(statement: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def seed(count: int) -> None:
    """Cases of the last 20 days, not at the edges of a period: the page reads the clock after the test does."""
    dice, now = random.Random(3), timezone.now()
    queues, address = QueueFactory.create_batch(2), RoutingAddressFactory()
    for number in range(count):
        opened = now - timedelta(hours=dice.randrange(2, 480), minutes=7)
        case = CaseFactory(
            created_at=opened,
            closed_at=opened + timedelta(minutes=47) if number % 3 == 0 else None,
            routing_address=address,
            owner_queue=queues[number % 2],
            awaiting="us" if number % 2 else "customer",
        )
        if number % 2:
            answered = opened + timedelta(minutes=dice.randrange(1, 90))
            message = EmailMessageFactory(case=case, incoming=False, received_at=answered)
            Outbox.objects.create(
                key=f"reply:{message.pk}",
                kind="reply",
                case=case,
                email_message=message,
                recipient="casey@example.net",
                state="sent",
                sent_at=answered,
            )


def rows_of(page: LexborHTMLParser, label: str) -> list[list[str]]:
    """The rows of the table in the part of the page with that title."""
    for part in page.css("section"):
        if (title := part.css_first("h2")) is not None and title.text(strip=True) == label:
            return [
                [cell.text(strip=True) for cell in row.css("th, td")] for row in part.css("table.e2c-numbers tbody tr")
            ]
    raise AssertionError(label)


def health_of(page: LexborHTMLParser) -> dict[str, str]:
    return {
        tile.css_first(".e2c-label").text(strip=True): tile.css_first("strong").text(strip=True)
        for tile in page.css(".e2c-figure")
    }


@pytest.mark.parametrize(
    ("codename", "app_label"),
    [("customize_application", "routing"), ("view_inboundemail", "cases"), ("view_all_cases", "cases")],
)
def test_each_of_three_permissions_opens_it_and_lists_it(codename: str, app_label: str) -> None:
    client = with_permission(codename, app_label)

    assert client.get(PAGE).status_code == 200
    assert PAGE in client.get("/admin/").text


def test_staff_without_them_neither_see_it_nor_are_led_there() -> None:
    client = signed_in(staff=True)

    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").text


def test_its_tables_say_what_sql_finds() -> None:
    seed(60)
    page = LexborHTMLParser(signed_in(superuser=True).get(PAGE, {"days": "7"}).text)
    start = timezone.now() - timedelta(days=7)

    for day, opened, closed in rows_of(page, "Cases by day")[1:-1]:  # whole days
        for count, column in ((opened, "created_at"), (closed, "closed_at")):
            days = sql(f"SELECT count(*) FROM cases_case WHERE date({column}) = %s", day)  # noqa: S608
            assert days == [(int(count),)]
    backlog = rows_of(page, "Open cases by age")
    assert sql("SELECT count(*) FROM cases_case WHERE closed_at IS NULL") == [(sum(int(row[1]) for row in backlog),)]
    assert sql("SELECT count(*) FROM cases_case WHERE closed_at IS NULL AND awaiting = 'us'") == [
        (sum(int(row[2]) for row in backlog),)
    ]
    [first, resolution] = rows_of(page, "How fast")
    [(answered,)] = sql(
        "SELECT count(DISTINCT o.case_id) FROM cases_outbox o JOIN cases_case c ON c.id = o.case_id "
        "WHERE o.sent_at IS NOT NULL AND c.created_at >= %s",
        start,
    )
    assert first[-1] == str(answered)
    assert resolution[:3] == ["Resolution", "47 min", "47 min"]
    for name, opened, closed, still_open, _first in rows_of(page, "By queue"):
        row = sql(
            "SELECT sum(CASE WHEN created_at >= %s THEN 1 ELSE 0 END), "
            "sum(CASE WHEN closed_at >= %s THEN 1 ELSE 0 END), "
            "sum(CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END) FROM cases_case c JOIN routing_queue q "
            "ON q.id = c.owner_queue_id WHERE q.name = %s",
            start,
            start,
            name,
        )
        assert row == [(int(opened), int(closed), int(still_open))]
    assert len(rows_of(page, "By queue")) == 2


def test_a_chart_is_drawn_from_the_rows_of_its_table() -> None:
    seed(30)
    page = LexborHTMLParser(signed_in(superuser=True).get(PAGE, {"days": "30"}).text)

    [volume, _first, _resolution, backlog] = [
        json.loads(canvas.attributes["data-value"] or "") for canvas in page.css("canvas.chart")
    ]

    for chart, title in ((volume, "Cases by day"), (backlog, "Open cases by age")):
        drawn = list(zip(*(series["data"] for series in chart["datasets"]), strict=True))
        assert drawn == [(int(row[1]), int(row[2])) for row in rows_of(page, title)]
    assert len(volume["labels"]) == 31


def test_it_can_be_narrowed_to_one_queue() -> None:
    seed(20)
    queue = Case.objects.order_by("pk")[0].owner_queue
    assert queue is not None
    page = LexborHTMLParser(signed_in(superuser=True).get(PAGE, {"days": "30", "queue": queue.pk}).text)

    assert [row[0] for row in rows_of(page, "By queue")] == [queue.name]
    assert sum(int(row[1]) for row in rows_of(page, "Cases by day")) == Case.objects.filter(owner_queue=queue).count()


@pytest.mark.parametrize("query", ["days=8&queue=x", "days=-1&rep=999999", "days=%00&routing_address='"])
def test_what_it_does_not_offer_narrows_nothing(query: str) -> None:
    seed(4)

    answer = signed_in(superuser=True).get(f"{PAGE}?{query}")

    assert sum(int(row[1]) for row in rows_of(LexborHTMLParser(answer.text), "Cases by day")) == 4


def test_it_says_what_wants_a_person() -> None:
    now = timezone.now()
    InboundEmailFactory(state="quarantined", reason="failed")
    InboundEmailFactory(state="received", received_at=now - timedelta(hours=1, minutes=5, seconds=30))
    Connection.objects.create(name="Office", state="broken")
    missing_canary(now)

    page = LexborHTMLParser(signed_in(superuser=True).get(PAGE).text)

    health = health_of(page)
    assert health["Quarantined mail"] == health["Connections to mend"] == health["Missing canaries"] == "1"
    assert health["Oldest unsettled mail"] == "1 h 5 min"
    assert health["Failed hooks"] == health["Held mail"] == "0"
    bad = {tile.css_first(".e2c-label").text(strip=True) for tile in page.css(".e2c-bad")}
    assert bad == {"Quarantined mail", "Oldest unsettled mail", "Connections to mend", "Missing canaries"}


def missing_canary(now: Any, address: RoutingAddress | None = None, **fields: Any) -> LoopTest:
    sent = Outbox.objects.create(key=f"loop-{LoopTest.objects.count()}", kind="notice", recipient="a@company.example")
    return LoopTest.objects.create(
        routing_address=address or RoutingAddressFactory(verified=True, canary_hours=1),
        sent_to="a@company.example",
        nonce=sent.key,
        outbox=sent,
        is_canary=True,
        asked_at=now - timedelta(hours=1),
        **fields,
    )


def test_missing_canaries_are_one_figure_everywhere_and_lead_to_as_many_rows() -> None:
    """An address counts once, by its newest canary; what came back, or runs no canary any more, is missing nowhere."""
    now = timezone.now()
    lost, mended, stopped = (missing_canary(now) for _ in range(3))
    missing_canary(now, lost.routing_address, alerted_at=now)
    missing_canary(now, mended.routing_address, arrived_at=now)
    RoutingAddress.objects.filter(pk=stopped.routing_address_id).update(canary_hours=0)
    client = signed_in(superuser=True)

    index, page = (LexborHTMLParser(client.get(path).text) for path in ("/admin/", PAGE))

    links = set()
    for shown in (index, page):
        assert health_of(shown)["Missing canaries"] == "1"
        links |= {tile.attributes["href"] for tile in shown.css("a.e2c-figure") if "Missing canaries" in tile.text()}
    assert troubles(Period(now - timedelta(days=1), now)).missing_canaries == 1
    [link] = links
    assert client.get(link).context["cl"].result_count == 1


def test_it_says_when_a_figure_is_made_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(12)
    client = signed_in(superuser=True)
    assert not re.search("newest ones|Only the", client.get(PAGE).text)

    monkeypatch.setattr("cases.selectors.figures.MOST_CASES", 3)
    monkeypatch.setattr("cases.admin.figures_page.MOST_SHARES", 2)

    text = client.get(PAGE).text
    assert "these figures are of the newest ones" in text
    assert "Only the 2 with the most opened cases are shown." in text


def test_its_statements_do_not_grow_with_what_it_counts() -> None:
    client = signed_in(superuser=True)

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    seed(4)
    few = statements()
    seed(40)

    assert statements() == few <= 34
