"""A rep answers in a real browser: the mail server's ledger says what left, the page says so too."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases.models import Case, EmailMessage, Outbox, SendDecision
from cases.outbound.delivery import deliver_due
from routing.models import RoutingAddress
from tests.factories import EmailMessageFactory, RoutingAddressFactory
from tests.fake_smtp import FakeSmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.main_way]

CUSTOMER = "casey@example.net"


def open_composer(page: Page, case: Case, live_server: Any) -> None:
    page.goto(f"{live_server.url}/cases/{case.number}/")
    page.get_by_role("link", name="Reply", exact=True).click()
    expect(page.get_by_label("Your reply")).to_be_focused()


def deliver_all() -> None:
    """The page asks the server meanwhile; in SQLite's memory its reads lock the tables for a moment."""
    for attempt in range(20):
        try:
            with time_machine.travel(timezone.now() + timedelta(minutes=1)):
                while deliver_due():
                    pass
            return
        except OperationalError:
            if attempt == 19:
                raise
            time.sleep(0.2)


def test_rep_answers_and_sees_that_it_was_sent(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    watched = log_in(ana)
    page = watched.page
    open_composer(page, case, live_server)
    send = page.locator("[data-composer] button.primary")
    expect(send).to_have_text("Reply to 1 person as Gold Support")
    page.get_by_label("Cc", exact=True).fill('sam@example.org, "Other, Kim" <kim@example.org>')
    expect(send).to_have_text("Reply to 3 people as Gold Support")

    page.get_by_label("Your reply").fill("It left us today.")
    page.get_by_label("Your reply").press("Control+Enter")
    # Two of them were never part of the case: the same keys do not send that.
    expect(page.get_by_role("button", name="Send anyway")).to_be_focused()
    page.keyboard.press("Enter")

    sending = page.locator(".sending")
    expect(sending).to_contain_text("Not sent yet, you can still undo it.")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    deliver_all()
    # Without a reload: the page looks again.
    expect(sending).to_contain_text("Sent.")
    expect(sending).to_contain_text("kim@example.org: sent")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_have_count(0)
    [taken] = smtp.ledger
    assert (taken.sender, taken.recipients) == (
        "gold@company.example",
        (CUSTOMER, "sam@example.org", "kim@example.org"),
    )
    assert watched.policy_errors == []


def test_double_click_back_and_resubmit_are_one_mail(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """OB02"""
    page = log_in(ana).page
    page.goto(f"{live_server.url}/cases/{case.number}/?reply=1#reply")
    page.get_by_label("Your reply").fill("It left us today.")

    page.locator("[data-composer] button.primary").dblclick()
    expect(page.locator(".sending")).to_be_visible()
    page.go_back()
    page.get_by_label("Your reply").fill("It left us today.")
    page.locator("[data-composer] button.primary").click()
    expect(page.locator(".sending")).to_be_visible()

    deliver_all()
    assert len(smtp.ledger) == 1


def test_undo_brings_the_text_back(log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer) -> None:
    page = log_in(ana).page
    open_composer(page, case, live_server)
    page.get_by_label("Your reply").fill("Dear Cassie,")
    page.locator("[data-composer] button.primary").click()

    page.get_by_role("button", name="Undo", exact=True).click()

    expect(page.get_by_label("Your reply")).to_have_text("Dear Cassie,")
    deliver_all()
    assert smtp.ledger == []
    page.get_by_label("Your reply").fill("Dear Casey,")
    page.locator("[data-composer] button.primary").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    expect(page.get_by_text("Dear Cassie,")).to_have_count(0)
    deliver_all()
    assert len(smtp.ledger) == 1


@pytest.mark.parametrize(
    "change", [{"verified_at": None}, {"is_active": False}, {"controlled_by_permission_set": True}]
)
def test_address_that_may_not_send_any_more_keeps_the_text(
    log_in: Any, ana: User, gold: RoutingAddress, case: Case, live_server: Any, smtp: FakeSmtpServer, change: Any
) -> None:
    """OP05 and OP06"""
    page = log_in(ana).page
    open_composer(page, case, live_server)
    page.get_by_label("Your reply").fill("My long answer")
    RoutingAddress.objects.filter(pk=gold.pk).update(**change)

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent. Your text is kept.")
    expect(page.get_by_label("Your reply")).to_have_text("My long answer")
    deliver_all()
    assert smtp.ledger == []
    assert SendDecision.objects.get().allowed is False


def test_tampered_sender_is_refused(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """OP01 for an address that is not verified"""
    unverified = RoutingAddressFactory(email_address="new@company.example")
    page = log_in(ana).page
    open_composer(page, case, live_server)
    assert "new@company.example" not in page.get_by_label("From", exact=True).inner_text()
    page.get_by_label("Your reply").fill("My long answer")
    page.evaluate(f"document.querySelector('[name=send_from] option').value = '{unverified.pk}'")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_text("You may not send from new@company.example.")).to_be_visible()
    assert Outbox.objects.count() == 0


def test_unseen_mail_is_shown_before_the_reply_goes(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    page = log_in(ana).page
    open_composer(page, case, live_server)
    page.get_by_label("Your reply").fill("It left us today.")
    EmailMessageFactory(case=case, text_body="I found it, thank you!")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("alert")).to_contain_text("Something new came into this case since you opened it.")
    expect(page.locator(".mail-text").get_by_text("I found it, thank you!")).to_be_visible()
    assert Outbox.objects.count() == 0
    page.locator("[data-composer] button.primary").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    assert Outbox.objects.count() == 1


def test_failed_mail_shows_why_and_is_edited(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """OB07"""
    page = log_in(ana).page
    open_composer(page, case, live_server)
    page.get_by_label("Your reply").fill("It left us today.")
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    page.locator("[data-composer] button.primary").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    deliver_all()

    expect(page.locator(".sending")).to_contain_text("Not sent. The text is kept. 550 no such user")
    page.get_by_role("button", name="Edit and send").click()

    expect(page.get_by_label("Your reply")).to_have_text("It left us today.")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_composer_fits_the_window_and_works_without_javascript(
    browser: Any, ana: User, case: Case, live_server: Any, log_in: Any, context: Any, width: int, scheme: Any
) -> None:
    log_in(ana)
    plain = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, java_script_enabled=False
    )
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/{case.number}/?all=1#reply")
    expect(page.locator("form[data-composer]")).to_be_visible()  # by itself: no link has to be followed

    assert page.locator("form[data-composer]").bounding_box()["width"] <= width
    assert page.get_by_label("To", exact=True).input_value() == "Casey Customer <casey@example.net>"
    page.get_by_label("Your reply").fill("It left us today.")
    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    assert EmailMessage.objects.get(incoming=False).reply_text == "It left us today."
    plain.close()
