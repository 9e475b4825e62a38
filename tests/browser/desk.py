"""What happens around the rep's browser: a provider posts mail, the workers settle and deliver it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import requests
from django.db import OperationalError
from playwright.sync_api import Page, expect

from cases.inbound.settle import settle_batch
from cases.models import Case, InboundEmail, Outbox
from tests.browser.test_reply import deliver_all
from tests.cases import provider_requests as calls
from tests.fake_smtp import FakeSmtpServer

POLL = 11_000  # milliseconds: parts of the page look again every ten seconds

__all__ = ["POLL", "composer", "deliver_all", "editor", "nothing_left", "post_mail", "primary", "reply_on", "send"]


def post_mail(origin: str, raw: bytes, recipient: str) -> InboundEmail:
    """As Mailgun posts it to the running server; settled afterwards. Needs the fixture `provider`."""
    stored = calls.stored("mailgun_mime") | {"body-mime": raw, "recipient": recipient}
    fields = calls.mailgun_signed(stored, token=secrets.token_hex(25))
    call = calls.form_call("/anymail/mailgun/inbound_mime/", fields)
    headers = {"Content-Type": call.content_type, "Authorization": calls.BASIC_AUTH}
    answer = requests.post(origin + call.path, data=call.body, headers=headers, timeout=10)
    assert answer.status_code == 200
    again(settle_batch)
    return InboundEmail.objects.select_related("email_message__case").latest("pk")


def again(act: Callable[[], Any]) -> None:
    """The page asks the server meanwhile; in SQLite's memory its reads lock the tables for a moment."""
    for attempt in range(20):
        try:
            while act():
                pass
            return
        except OperationalError:
            if attempt == 19:
                raise
            time.sleep(0.1)


def composer(page: Page) -> Any:
    return page.locator("form[data-composer]")


def primary(page: Page) -> Any:
    return page.locator("[data-composer] button.primary")


def editor(page: Page) -> Any:
    return page.get_by_role("textbox", name="Your reply")


def reply_on(watched: Any, case: Case, words: str = "My long answer", *, key: str = "r") -> Page:
    """The case with a half-written answer."""
    page: Page = watched.open(f"/cases/{case.number}/")
    page.keyboard.press(key)
    expect(editor(page)).to_be_focused()
    page.keyboard.type(words)
    return page


def send(page: Page) -> None:
    primary(page).click()
    expect(page.locator(".sending").last).to_contain_text("Not sent yet")


def nothing_left(smtp: FakeSmtpServer) -> bool:
    """After every worker had its turn."""
    deliver_all()
    return not smtp.ledger and not Outbox.objects.filter(state__in=["queued", "sending", "sent"]).exists()
