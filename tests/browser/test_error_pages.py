"""The pages that say what went wrong: readable, leading on, the same in light and dark, on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from cases.setup import set_up_instance
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (1440, 768, 390)


@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    user: User = UserFactory(username="ana", staff=True)
    return user


def assert_says(page: Page, heading: str, assert_accessible: Any) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_role("link", name="To the cases")).to_have_attribute("href", "/cases/")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        card = page.locator("main.card").bounding_box()
        assert card is not None
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= width
    # Drawn with the styles of all pages.
    assert page.locator("main.card").evaluate("card => getComputedStyle(card).borderRadius") == "12px"
    assert_accessible(page)


def test_a_page_that_is_not_there(log_in: Any, ana: User, assert_accessible: Any) -> None:
    watched = log_in(ana)
    page = watched.open("/cases/nowhere/")

    assert_says(page, "Nothing is here", assert_accessible)
    assert watched.policy_errors == []
    page.get_by_role("link", name="To the cases").click()
    expect(page.locator("#list h1")).to_be_visible()


def test_what_is_not_yours_to_do(log_in: Any, ana: User, assert_accessible: Any) -> None:
    watched = log_in(ana)
    page = watched.open("/admin/auth/user/")

    assert_says(page, "This is not yours to do", assert_accessible)
    assert watched.policy_errors == []


def test_a_form_that_had_expired(log_in: Any, ana: User, context: Any, assert_accessible: Any) -> None:
    watched = log_in(ana)
    page = watched.open("/cases/")
    context.clear_cookies(name="csrftoken")
    page.locator(".bar details.menu > summary").click()
    page.get_by_role("button", name="Log out").click()

    assert_says(page, "The form had expired", assert_accessible)
    page.goto(f"{watched.origin}/cases/")
    expect(page.locator("#list h1")).to_be_visible()  # nothing was changed: still logged in


def test_something_broke(
    log_in: Any, ana: User, context: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch, assert_accessible: Any
) -> None:
    """The answer of the real handler, with its headers: the browser gets it in place of a page that breaks."""

    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("a secret of the traceback")

    monkeypatch.setattr("cases.views.console.navigation", fail)
    client = Client(raise_request_exception=False)
    client.force_login(ana)
    answer = client.get("/cases/views/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    monkeypatch.undo()
    watched = log_in(ana)
    context.route(
        "**/cases/views/",
        lambda route: route.fulfill(status=500, body=answer.content, headers=dict(answer.headers.items())),
    )
    page = watched.page
    page.goto(f"{watched.origin}/cases/views/")

    assert_says(page, "Something broke on our side", assert_accessible)
    assert watched.policy_errors == []
