"""Saying whether new cases may come: by keyboard, by the palette, without JavaScript, for eye and ear."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from cases.models import Case
from routing.models import AuditEvent, RepPresence
from tests.browser.desk import POLL
from tests.browser.test_console import ana, cases

__all__ = ["ana", "cases"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def presence(ana: User) -> RepPresence:
    return RepPresence.objects.create(user=ana, status="available", capacity=8)


@pytest.fixture
def watched(log_in: Any, ana: User, cases: list[Case], presence: RepPresence) -> Any:
    return log_in(ana)


def line(page: Page) -> Any:
    return page.locator("#own-presence-summary")


def status_now() -> str:
    return RepPresence.objects.get().status


def test_the_status_is_set_by_keyboard_and_nothing_else_moves(watched: Any, cases: list[Case]) -> None:
    page = watched.open(f"/cases/{cases[0].number}/")
    expect(line(page)).to_have_text("Your status: Available0 of 8 cases await an answer", use_inner_text=False)
    line(page).focus()

    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Away")).to_be_focused()
    page.keyboard.press("Enter")

    expect(line(page)).to_contain_text("Away")
    expect(line(page)).to_be_focused()
    expect(page.locator("#own-presence")).not_to_have_attribute("open", "")
    expect(page.locator("#toasts")).to_contain_text("You are away: flows give you no new cases.")
    expect(page).to_have_url(f"{watched.origin}/cases/{cases[0].number}/")
    expect(page.locator("#conversation h1")).to_have_text(cases[0].subject)
    assert status_now() == "away"
    assert AuditEvent.objects.filter(action="presence-changed").count() == 1
    assert watched.policy_errors == []


def test_the_palette_sets_the_status(watched: Any) -> None:
    page = watched.open("/cases/?view=queues")

    page.keyboard.press("Control+k")
    page.keyboard.type("my status: off")
    page.keyboard.press("Enter")

    expect(line(page)).to_contain_text("Offline")
    assert status_now() == "offline"


def test_what_an_administrator_changes_is_seen_without_a_reload(watched: Any, presence: RepPresence) -> None:
    watched.page.clock.install()
    page = watched.open("/cases/?view=queues")
    line(page).focus()
    RepPresence.objects.update(status="busy", capacity=3)

    page.clock.fast_forward(POLL)

    expect(line(page)).to_contain_text("0 of 3")
    expect(line(page)).to_contain_text("Busy")
    expect(line(page)).to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_open_menu_breaks_no_rule_of_wcag_and_fits(watched: Any, assert_accessible: Any, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 844})
    page = watched.open("/cases/views/")
    line(page).click()
    expect(page.get_by_role("button", name="Busy")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#views").evaluate("pane => pane.scrollWidth <= pane.clientWidth")
    assert_accessible(page)


def test_without_javascript_it_is_a_form(
    browser: Browser, context: Any, ana: User, presence: RepPresence, log_in: Any, live_server: Any
) -> None:
    log_in(ana)
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/views/")

    line(page).click()
    page.get_by_role("button", name="Away").click()

    expect(line(page)).to_contain_text("Away")
    expect(page.locator("#toasts")).to_contain_text("Those you have stay yours.")
    assert status_now() == "away"
    plain.close()
