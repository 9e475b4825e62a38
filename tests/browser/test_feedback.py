"""A customer says how it went: with a mouse, by keyboard, on a phone; nothing is kept by opening the page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from cases.models import SatisfactionRequest
from cases.outbound.satisfaction import token_of
from tests.browser.conftest import Watched
from tests.cases.test_feedback import ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]


@pytest.mark.parametrize("width", [1440, 390])
def test_the_customer_answers_and_changes_the_answer(
    context: BrowserContext, live_server: Any, width: int, assert_accessible: Any
) -> None:
    asked = ask()
    watched = Watched(context.new_page(), live_server.url)
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = watched.open(f"/feedback/{token_of(asked)}/")
    expect(page.get_by_role("heading", name="How did it go?")).to_be_visible()
    assert_accessible(page)
    assert SatisfactionRequest.objects.get().rating == ""

    page.get_by_label("What should we know?").fill("It took too long")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_role("button", name="It did not go well")).to_have_attribute("aria-pressed", "true")
    assert_accessible(page)
    page.get_by_role("button", name="It went well").click()
    expect(page.get_by_text("You said that it went well.")).to_be_visible()

    asked.refresh_from_db()
    assert (asked.rating, asked.comment, asked.answer_count) == ("good", "It took too long", 2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (watched.policy_errors, watched.foreign) == ([], [])


def test_a_wrong_link_says_what_to_do(context: BrowserContext, live_server: Any, assert_accessible: Any) -> None:
    page = Watched(context.new_page(), live_server.url).open("/feedback/wrong/")

    expect(page.get_by_role("heading", name="This link cannot be used")).to_be_visible()
    assert_accessible(page)
