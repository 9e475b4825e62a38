"""The page behind the link of the question after closing: looking keeps nothing, wrong links learn nothing."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases.models import CaseEvent, SatisfactionRequest
from cases.outbound.satisfaction import SALT, link_to_answer, token_of
from cases.satisfaction import LONGEST_COMMENT, MOST_ANSWERS
from cases.selectors.figures import Period, satisfaction, satisfaction_by
from cases.views.satisfaction import MOST_WRONG
from e2c_project.log_filter import HideSecretLinks
from e2c_project.metrics import exposition
from tests.factories import CaseFactory, RoutingAddressFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def ask(**fields: Any) -> SatisfactionRequest:
    now = timezone.now()
    address = fields.pop("address", None) or RoutingAddressFactory(display_name="Gold Support")
    case = fields.pop("case", None) or CaseFactory(routing_address=address, closed=True, subject="Secret lamp")
    values = {
        "recipient": "casey@example.net",
        "decided_at": now,
        "expires_at": now + timedelta(days=14),
        "nonce": "n1",
    }
    row: SatisfactionRequest = SatisfactionRequest.objects.create(
        case=case, routing_address=address, **values | fields
    )
    return row


@pytest.fixture
def request_row() -> SatisfactionRequest:
    return ask()


def path_of(row: SatisfactionRequest) -> str:
    return link_to_answer(row).split("127.0.0.1:8000", 1)[-1]


def test_looking_keeps_nothing(client: Client, request_row: SatisfactionRequest) -> None:
    for method in (client.get, client.head):
        response = method(f"{path_of(request_row)}?rating=good")
        assert response.status_code == 200

    request_row.refresh_from_db()
    assert (request_row.rating, CaseEvent.objects.count()) == ("", 0)


def test_the_page_has_a_strict_policy_and_is_kept_by_nobody(client: Client, request_row: SatisfactionRequest) -> None:
    response = client.get(path_of(request_row))

    assert response["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "script-src" not in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"
    assert "Secret lamp" not in response.content.decode()


def test_an_answer_stands_on_the_case(client: Client, request_row: SatisfactionRequest) -> None:
    response = client.post(path_of(request_row), {"rating": "bad", "comment": " It took\r\ntoo long <b>! "})

    request_row.refresh_from_db()
    assert "Thank you" in response.content.decode()
    assert (request_row.rating, request_row.comment) == ("bad", "It took\ntoo long <b>!")
    event = CaseEvent.objects.get()
    assert (event.kind, event.because, event.actor) == ("satisfaction_answered", "bad: It took too long <b>!", None)
    client.force_login(UserFactory(superuser=True))
    panel = client.get(f"/cases/{request_row.case.number}/panel/").content.decode()
    assert "It took<br>too long &lt;b&gt;!" in panel


def test_it_can_be_changed_until_it_expires_and_the_same_again_is_no_change(
    client: Client, request_row: SatisfactionRequest
) -> None:
    for rating in ("bad", "bad", "good"):
        assert client.post(path_of(request_row), {"rating": rating}).status_code == 200

    request_row.refresh_from_db()
    assert (request_row.rating, request_row.answer_count) == ("good", 2)
    SatisfactionRequest.objects.update(expires_at=timezone.now())
    assert client.post(path_of(request_row), {"rating": "bad"}).status_code == 410
    request_row.refresh_from_db()
    assert request_row.rating == "good"


def test_changes_have_an_end(client: Client, request_row: SatisfactionRequest) -> None:
    statuses = [
        client.post(path_of(request_row), {"rating": "good", "comment": str(number)}).status_code
        for number in range(MOST_ANSWERS + 2)
    ]

    assert statuses == [200] * MOST_ANSWERS + [410] * 2


def test_a_comment_has_a_length(client: Client, request_row: SatisfactionRequest) -> None:
    client.post(path_of(request_row), {"rating": "good", "comment": "x" * 5000})

    request_row.refresh_from_db()
    assert len(request_row.comment) == LONGEST_COMMENT


@pytest.mark.parametrize("rating", ["", "great", "GOOD"])
def test_nothing_else_is_an_answer(client: Client, request_row: SatisfactionRequest, rating: str) -> None:
    assert client.post(path_of(request_row), {"rating": rating}).status_code == 410

    request_row.refresh_from_db()
    assert request_row.rating == ""


def wrong_links(row: SatisfactionRequest) -> dict[str, str]:
    token = path_of(row).split("/")[2]
    return {
        "nonsense": "abc",
        "long": "a" * 2000,
        "cut": token[:-2],
        "of another purpose": signing.dumps({"r": row.pk, "n": row.nonce}, salt="other"),
        "another nonce": signing.dumps({"r": row.pk, "n": "other"}, salt=SALT),
        "no such row": signing.dumps({"r": row.pk + 1, "n": row.nonce}, salt=SALT),
        "no row at all": signing.dumps(["r"], salt=SALT),
    }


def test_every_wrong_link_gets_the_same_answer(client: Client, request_row: SatisfactionRequest) -> None:
    refused = ask(case=CaseFactory(closed=True), refused_because="nobody reads it")
    expired = ask(case=CaseFactory(closed=True), expires_at=timezone.now() - timedelta(seconds=1))
    paths = [f"/feedback/{token}/" for token in wrong_links(request_row).values()]
    answers = [client.get(path) for path in [*paths, path_of(refused), path_of(expired)]]

    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.usefixtures("still_clock")
def test_guessing_has_a_limit_and_right_links_do_not(client: Client, request_row: SatisfactionRequest) -> None:
    statuses = [client.get("/feedback/guess/").status_code for _ in range(MOST_WRONG + 1)]

    assert (statuses[0], statuses[-1]) == (410, 429)
    assert client.get(path_of(request_row)).status_code == 200


def test_a_colleague_cannot_answer_for_the_customer(client: Client, request_row: SatisfactionRequest) -> None:
    client.force_login(UserFactory(superuser=True))

    assert client.post(path_of(request_row), {"rating": "good"}).status_code == 403
    request_row.refresh_from_db()
    assert request_row.rating == ""


def test_a_form_needs_its_token(request_row: SatisfactionRequest) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(path_of(request_row), {"rating": "good"}).status_code == 403


def test_the_page_speaks_the_language_of_the_address(client: Client) -> None:
    row = ask(address=RoutingAddressFactory(language="de"))

    assert 'lang="de"' in client.get(path_of(row)).content.decode()


def test_the_link_stands_in_no_log(request_row: SatisfactionRequest) -> None:
    token = token_of(request_row)
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "Gone: %s", (f"/feedback/{token}/",), None)

    assert HideSecretLinks().filter(record)

    assert record.getMessage() == "Gone: /feedback/[hidden]/"


# Figures
# ------------------------------------------------------------------------------------------------------------
def test_figures_count_answers_of_the_period_as_plain_sql_does(client: Client) -> None:
    now = timezone.now()
    gold, plain = RoutingAddressFactory(routing_name="Gold"), RoutingAddressFactory(routing_name="Plain")
    rep = UserFactory(username="ana")
    plan = [
        (gold, "good", 1),
        (gold, "good", 2),
        (gold, "bad", 3),
        (plain, "good", 4),
        (plain, "", 5),
        (gold, "good", 40),
    ]
    for address, rating, days in plan:
        at = now - timedelta(days=days)
        case = CaseFactory(routing_address=address, closed=True, owner_queue=None, owner_user=rep)
        ask(address=address, case=case, rating=rating, answered_at=at if rating else None, decided_at=at)
    ask(address=gold, case=CaseFactory(routing_address=gold, closed=True), refused_because="nobody reads it")
    week = Period(now - timedelta(days=30), now)

    found = satisfaction(week)

    assert (found.asked, found.good, found.bad, found.share_good) == (5, 3, 1, 0.75)
    rows = [(row.name, row.asked, row.good, row.bad) for row in satisfaction_by(week, "routing_address")]
    assert rows == [("Gold", 3, 2, 1), ("Plain", 2, 1, 0)]
    assert [row.name for row in satisfaction_by(week, "owner_user")] == ["ana"]
    narrowed = satisfaction(Period(week.start, week.end, routing_address=plain.pk))
    assert (narrowed.asked, narrowed.good, narrowed.share_good) == (2, 1, 1.0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rating, COUNT(*) FROM cases_satisfactionrequest WHERE rating <> '' AND answered_at >= %s AND "
            "answered_at < %s GROUP BY rating ORDER BY rating",
            [week.start, week.end],
        )
        assert cursor.fetchall() == [("bad", 1), ("good", 3)]
    client.force_login(UserFactory(superuser=True))
    page = client.get("/admin/cases/case/figures/?days=30").content.decode()
    assert "asked: <strong>5</strong>. Answers: <strong>4</strong> (3 good, 1 bad)." in page
    assert "<strong>75 %</strong>" in page


def test_without_an_answer_there_is_no_share() -> None:
    now = timezone.now()

    assert satisfaction(Period(now - timedelta(days=1), now)).share_good is None


def test_metrics_tell_of_the_last_day() -> None:
    now = timezone.now()
    ask(rating="good", answered_at=now - timedelta(hours=1), decided_at=now - timedelta(hours=2))

    text = exposition(now).decode()

    assert "e2c_satisfaction_asked_last_day 1.0" in text
    assert 'e2c_satisfaction_answers_last_day{rating="good"} 1.0' in text
    assert 'e2c_satisfaction_answers_last_day{rating="bad"} 0.0' in text
