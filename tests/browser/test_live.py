"""What the pages look for by themselves: not in a hidden tab, at once when it is seen again; and who else is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from cases.models import Case, CaseVisit
from tests.browser.desk import POLL, editor
from tests.cases.acting.people import rep
from tests.cases.outbound.people import case_with_mail, verified_address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]

HIDE = "hidden => Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden})"
SEEN_CHANGED = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def kim() -> Any:
    return rep("kim", first_name="Kim", last_name="Kind")


@pytest.fixture
def lee() -> Any:
    return rep("lee", first_name="Lee", last_name="Long")


@pytest.fixture
def case(kim: Any, lee: Any) -> Case:
    return case_with_mail(kim, lee, address=verified_address("gold@company.example"))


def kinds_of(requests: list[Request]) -> set[str]:
    """The last words of their paths: "counts", "newer", "live"."""
    return {request.url.split("?")[0].rstrip("/").rsplit("/", 1)[1] for request in requests}


def assert_asks_for(page: Page, asked: list[Request], *kinds: str) -> None:
    for _time in range(300):
        if set(kinds) <= kinds_of(asked):
            return
        page.wait_for_timeout(100)
    assert set(kinds) <= kinds_of(asked)


def test_a_hidden_tab_asks_for_nothing_and_looks_at_once_when_it_is_seen(log_in: Any, kim: Any, case: Case) -> None:
    watched = log_in(kim)
    watched.page.clock.install()
    page: Page = watched.open(f"/cases/{case.number_text}/")
    expect(page.locator("#list .newer")).to_have_count(1)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))

    page.clock.run_for(POLL)
    assert_asks_for(page, asked, "counts", "newer", "live")

    page.evaluate(HIDE, True)
    page.evaluate(SEEN_CHANGED)
    asked.clear()
    for _time in range(5):
        page.clock.run_for(POLL)
        page.wait_for_timeout(100)
    assert asked == []

    page.evaluate(HIDE, False)
    page.evaluate(SEEN_CHANGED)
    assert_asks_for(page, asked, "counts", "live")
    asked.clear()
    page.clock.run_for(POLL)
    assert_asks_for(page, asked, "counts", "newer", "live")


def look_again(page: Page) -> None:
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")


def test_two_people_at_one_case_see_each_other_look_write_and_leave(
    log_in: Any, log_in_elsewhere: Any, kim: Any, lee: Any, case: Case, assert_accessible: Any
) -> None:
    page: Page = log_in(kim).open(f"/cases/{case.number_text}/")
    presence = page.locator("#presence")
    expect(presence).not_to_contain_text("Lee Long")

    elsewhere = log_in_elsewhere(lee)
    other: Page = elsewhere.open(f"/cases/{case.number_text}/")
    expect(other.locator("#presence")).to_contain_text("Kim Kind is looking at this")
    look_again(page)
    expect(presence).to_contain_text("Lee Long is looking at this")

    other.keyboard.press("r")
    expect(editor(other)).to_be_focused()
    look_again(other)
    other.wait_for_load_state("networkidle")
    look_again(page)
    expect(presence).to_contain_text("Lee Long is replying")
    expect(presence).not_to_contain_text("looking")
    assert_accessible(page)

    elsewhere.open("/cases/?view=queues")
    # Whoever said nothing for half a minute is gone.
    gone = timezone.now() - timedelta(seconds=31)
    CaseVisit.objects.filter(user=lee).update(viewing_at=gone, replying_at=gone)
    look_again(page)
    expect(presence).not_to_contain_text("Lee Long")
