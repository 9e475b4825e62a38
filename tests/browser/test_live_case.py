"""What colleagues do to a case that stands open, without a reload and without moving what is read."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from cases.comments import add_note
from cases.models import Case, CaseEvent, Outbox
from tests.browser.desk import POLL, editor, primary, send
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.factories import EmailMessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kim(ana: User) -> User:
    return rep("kim", first_name="Kim", last_name="Kind")


@pytest.fixture
def case(ana: User, kim: User) -> Case:
    return case_with_mail(ana, kim, address=verified_address("gold@company.example"))


def test_note_and_change_of_a_colleague_come_live(log_in: Any, ana: User, kim: User, case: Case) -> None:
    watched = log_in(ana)
    watched.page.clock.install()
    page = watched.open(f"/cases/{case.number}/")
    page.get_by_role("textbox", name="New task").fill("Half a ta")
    expect(page.locator("#case-head .facts")).not_to_contain_text("High")
    add_note(case=case, author=kim, body="Careful, this one is angry")
    Case.objects.filter(pk=case.pk).update(priority="High")
    CaseEvent.objects.create(case=case, kind="priority_changed", actor=kim, because="Medium, now High")
    EmailMessageFactory(case=case, text_body="Where is it?")

    page.clock.fast_forward(POLL)
    new = page.locator("#presence .new-mail a")
    expect(new).to_contain_text("1 new mail, 1 new note, 1 change, show")

    expect(page.locator("#case-head .facts")).to_contain_text("High")
    expect(page.get_by_role("textbox", name="New task")).to_have_value("Half a ta")
    expect(page.get_by_text("Careful, this one is angry")).to_have_count(0)
    new.click()
    expect(page.locator(".timeline .note")).to_contain_text("Careful, this one is angry")
    expect(page.locator(".timeline .event")).to_contain_text("Medium, now High")
    expect(page.locator(".timeline").get_by_text("Where is it?").last).to_be_visible()
    expect(new).to_have_count(0)
    with page.expect_response(lambda answer: answer.url.endswith("/live/")):
        page.clock.fast_forward(POLL)
    expect(new).to_have_count(0)
    assert watched.policy_errors == []


def test_what_the_reader_did_is_no_news(log_in: Any, ana: User, case: Case) -> None:
    watched = log_in(ana)
    watched.page.clock.install()
    page = watched.open(f"/cases/{case.number}/")
    page.keyboard.press("n")
    expect(page.locator("#note-body")).to_be_focused()
    page.keyboard.type("A note of mine")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline .note")).to_contain_text("A note of mine")

    with page.expect_response(lambda answer: answer.url.endswith("/live/")):
        page.clock.fast_forward(POLL)

    expect(page.locator("#presence .new-mail")).to_have_count(0)
    expect(page.locator(".timeline .note")).to_have_count(1)


def test_answer_that_is_begun_after_something_came_in_is_stopped(log_in: Any, ana: User, case: Case) -> None:
    """The page has not looked again yet: what opens beside the conversation has seen no more than it shows."""
    page = log_in(ana).open(f"/cases/{case.number}/")
    EmailMessageFactory(case=case, text_body="I found it, thank you!")
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("Please wait another week.")

    primary(page).click()

    expect(page.locator("#reply")).to_contain_text("Something new came into this case since you opened it.")
    expect(page.locator(".timeline")).to_contain_text("I found it, thank you!")
    assert not Outbox.objects.exists()
    expect(page.locator("#presence .new-mail")).to_have_count(0)
    send(page)
