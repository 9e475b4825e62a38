"""Send and close: by button and keys, with undo, with warnings, and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cases.models import Case, Outbox
from routing.models import RoutingAddress
from tests.browser.desk import deliver_all, editor, reply_on
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


def closing(page: Page) -> Any:
    return page.locator("[data-composer] [data-closes]")


def status(page: Page) -> Any:
    return page.locator("#case-head .status")


def test_keys_send_and_close_and_undo_opens_the_case_again(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    page = reply_on(log_in(ana), case, "It left us today.")
    expect(closing(page)).to_have_text("Send and close")

    page.keyboard.press("Control+Shift+Enter")

    expect(page.locator(".sending")).to_contain_text("Not sent yet, you can still undo it. Undo opens the case again.")
    expect(status(page)).to_have_text("Status: Closed")
    assert Outbox.objects.get().closes_case
    page.keyboard.press("z")
    expect(editor(page)).to_have_text("It left us today.")
    expect(status(page)).to_have_text("Status: New")
    expect(closing(page)).to_be_visible()
    assert not Case.objects.get().is_closed


def test_button_sends_and_closes_and_a_mail_that_fails_opens_the_case(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    page = reply_on(log_in(ana), case, "It left us today.")
    closing(page).click()
    expect(status(page)).to_have_text("Status: Closed")
    smtp.refused_recipients["casey@example.net"] = "550 no such user"

    Outbox.objects.update(not_before=None)
    deliver_all()

    expect(page.locator(".sending")).to_contain_text("Not sent. The text is kept.")
    expect(status(page)).to_have_text("Status: New")


def test_risky_mail_is_looked_at_before_it_closes(log_in: Any, ana: User, case: Case, assert_accessible: Any) -> None:
    page = reply_on(log_in(ana), case, "See the attached list.")

    page.keyboard.press("Control+Shift+Enter")

    anyway = page.get_by_role("button", name="Send and close anyway")
    expect(anyway).to_be_focused()
    expect(closing(page)).to_be_hidden()
    assert_accessible(page)
    assert not Outbox.objects.exists()
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("Status: Closed")
    assert Outbox.objects.get().closes_case


def test_button_says_when_it_sends_and_closes(log_in: Any, ana: User, case: Case) -> None:
    page = reply_on(log_in(ana), case, "Good morning")
    page.get_by_text("Send later").click()
    page.get_by_role("button", name="Tomorrow").click()
    expect(closing(page)).to_contain_text("Send and close on ")

    closing(page).click()

    expect(page.locator(".sending")).to_contain_text("The case closes when it leaves.")
    expect(status(page)).to_have_text("Status: New")


def test_new_mail_can_close_the_case_that_it_opens(log_in: Any, ana: User, gold: RoutingAddress) -> None:
    page = log_in(ana).open("/cases/new/")
    page.get_by_role("combobox", name="To").fill("casey@example.net,")
    page.get_by_role("textbox", name="Subject").fill("For your information")
    editor(page).fill("We are closed on Friday.")

    closing(page).click()

    expect(page.locator(".sending")).to_contain_text("Undo opens the case again.")
    assert Case.objects.get().is_closed


@pytest.mark.main_way
def test_plain_form_sends_and_closes(
    browser: Any, ana: User, case: Case, live_server: Any, log_in: Any, context: Any
) -> None:
    log_in(ana)
    plain = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/{case.number}/compose/?mode=reply#reply")
    page.get_by_label("Your reply").fill("It left us today.")

    page.get_by_role("button", name="Send and close", exact=True).click()

    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    assert Case.objects.get().is_closed
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_label("Your reply")).to_have_value("It left us today.")
    assert not Case.objects.get().is_closed
    plain.close()
