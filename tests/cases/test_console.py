"""The frame of the console: what a request for a pane costs, who sees which queue, what browsers and scripts get."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from cases.models import Case, Draft
from cases.selectors.lists import COUNTED_TO
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

MOST_QUERIES = 8
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def rep() -> User:
    user: User = UserFactory(username="lee")
    return user


@pytest.fixture
def page(client: Client, rep: User) -> Client:
    client.force_login(rep)
    return client


def queues_with_cases(rep: User, *, count: int) -> list[Any]:
    queues = [QueueFactory(name=f"Queue {number}") for number in range(count)]
    for queue in queues:
        queue.members.add(rep)
        CaseFactory(owner_queue=queue)
    return queues


@pytest.mark.parametrize("path", ["/cases/views/", "/cases/counts/"])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_views_and_counts_cost_the_same_however_many_queues_there_are(
    page: Client, rep: User, path: str, count: int, django_assert_max_num_queries: Any
) -> None:
    queues_with_cases(rep, count=count)

    with django_assert_max_num_queries(MOST_QUERIES):
        response = page.get(path, headers=FRAGMENT)

    assert response.status_code == 200


def test_views_show_own_queues_and_their_open_cases_only(page: Client, rep: User) -> None:
    [mine] = queues_with_cases(rep, count=1)
    QueueFactory(name="Of others")

    shown = page.get("/cases/views/").content.decode()

    assert "Of others" not in shown
    assert re.search(rf'queue={mine.pk}"[^>]*><bdi>Queue 0</bdi><span class="count"[^>]*>1<', shown)


def test_counts_stop_where_counting_costs_more_than_it_tells(page: Client, rep: User) -> None:
    [queue] = queues_with_cases(rep, count=1)
    for _ in range(COUNTED_TO):
        CaseFactory(owner_queue=queue)

    shown = page.get("/cases/counts/").content.decode()

    assert f"{COUNTED_TO - 1}+" in shown


def shown_count(page: Client, key: str) -> str:
    found = re.search(rf'id="count-{key}"[^>]*>([^<]*)<', page.get("/cases/counts/").content.decode())
    assert found, key
    return found[1]


def test_numbers_say_what_the_lists_of_work_hold_now(page: Client, rep: User) -> None:
    """A case that was snoozed comes back later: until then it is in no list of work, and no number counts it."""
    one, other = queues_with_cases(rep, count=2)
    tomorrow = timezone.now() + timedelta(days=1)
    Case.objects.filter(owner_queue=one).update(awaiting=Case.Awaiting.US)
    Case.objects.filter(owner_queue=other).update(awaiting=Case.Awaiting.CUSTOMER)
    CaseFactory(owner_queue=one, awaiting="us", snoozed_until=tomorrow)
    CaseFactory(owner_user=rep, owner_queue=None, awaiting="us")
    CaseFactory(owner_user=rep, owner_queue=None, awaiting="us", snoozed_until=tomorrow)
    CaseFactory(awaiting="us")  # of others

    for key, query in (
        ("mine", "view=mine"),
        ("queues", "view=queues"),
        ("awaiting", "view=awaiting"),
        (f"queue-{one.pk}", f"view=queues&queue={one.pk}"),
    ):
        rows = page.get(f"/cases/?{query}", headers=FRAGMENT).content.decode().count('class="item')
        assert shown_count(page, key) == str(rows), key
    assert (shown_count(page, "mine"), shown_count(page, "queues"), shown_count(page, "awaiting")) == ("1", "2", "2")


def test_who_snoozed_all_own_cases_begins_with_the_queues(page: Client, rep: User) -> None:
    queues_with_cases(rep, count=1)
    CaseFactory(owner_user=rep, owner_queue=None, snoozed_until=timezone.now() + timedelta(days=1))

    assert 'data-view="queues"' in page.get("/cases/", headers=FRAGMENT).content.decode()


def test_counts_are_the_places_of_the_views_pane(page: Client, rep: User) -> None:
    """They are swapped by id: each has one there, and holds nothing that takes the focus."""
    queues_with_cases(rep, count=3)

    ids = set(re.findall(r'id="(count-[^"]+)"', page.get("/cases/views/").content.decode()))
    counts = page.get("/cases/counts/").content.decode()

    assert ids == set(re.findall(r'id="(count-[^"]+)" hx-swap-oob="true"', counts))
    assert len(ids) > 3
    assert not re.search(r"<(a|button|input)\b", counts)


def test_a_browser_gets_the_console_and_a_script_the_pane(page: Client, rep: User) -> None:
    [queue] = queues_with_cases(rep, count=1)
    case = CaseFactory(owner_queue=queue, subject="Broken lamp")
    for path, pane in (("/cases/", "list"), ("/cases/views/", "views"), (f"/cases/{case.number}/", "conversation")):
        whole, part = page.get(path), page.get(path, headers=FRAGMENT)

        assert f'data-pane="{pane}"' in whole.content.decode(), path
        assert "<html" not in part.content.decode(), path
        assert part.content.decode().lstrip().startswith("<title>"), path
        assert (whole.headers["X-Pane"], part.headers["X-Pane"]) == (pane, pane)
        assert "HX-Request" in part.headers["Vary"]


def test_the_guide_finds_the_command_that_closes_a_case(page: Client, rep: User) -> None:
    rep.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="reply_case"))
    case = CaseFactory(owner_user=rep, owner_queue=None)

    shown = page.get(f"/cases/{case.number}/").content.decode()

    assert "`clca` finds *Close the case*" in (settings.BASE_DIR / "docs" / "console.md").read_text()
    assert 'data-key="e" data-command="Close the case"' in shown


def test_a_case_that_is_opened_by_its_address_reads_no_list(
    page: Client, rep: User, django_assert_max_num_queries: Any
) -> None:
    [queue] = queues_with_cases(rep, count=1)
    case = CaseFactory(owner_queue=queue, subject="Broken lamp")
    CaseFactory(owner_queue=queue, subject="Another one")
    EmailMessageFactory(case=case)

    with django_assert_max_num_queries(MOST_QUERIES):
        shown = page.get(f"/cases/{case.number}/").content.decode()

    assert "Broken lamp" in shown
    assert "Another one" not in shown
    assert 'id="list" class="pane" tabindex="-1" aria-label="Cases" data-load="/cases/"' in shown


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ({}, 'data-panel=""'),
        ({"console_panel": "closed"}, 'data-panel="closed"'),
        ({"console_panel": '"><script>'}, 'data-panel=""'),
        ({"console_theme": "dark"}, 'data-theme="dark"'),
    ],
)
def test_the_page_is_drawn_as_its_reader_likes_it(page: Client, cookies: dict[str, str], expected: str) -> None:
    for name, value in cookies.items():
        page.cookies[name] = value

    shown = page.get("/cases/").content.decode()

    assert expected in shown
    assert "<script>" not in shown


def test_a_theme_that_nobody_offers_is_the_systems(page: Client) -> None:
    page.cookies["console_theme"] = 'x" onload="y'

    assert "data-theme=" not in page.get("/cases/").content.decode().split("<head>")[0]


def test_approvals_are_led_to_for_who_may_give_them(page: Client, rep: User) -> None:
    assert "/cases/approvals/" not in page.get("/cases/views/").content.decode()

    rep.user_permissions.add(Permission.objects.get(codename="approve_reply"))

    assert "/cases/approvals/" in page.get("/cases/views/").content.decode()


def test_drafts_are_counted_for_their_author(page: Client, rep: User) -> None:
    Draft.objects.create(author=rep, mode=Draft.Mode.NEW, key="1")
    Draft.objects.create(author=UserFactory(), mode=Draft.Mode.NEW, key="2")

    assert re.search(r'id="count-drafts"[^>]*>1<', page.get("/cases/views/").content.decode())
