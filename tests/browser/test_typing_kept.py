"""What somebody is typing stays: while parts of the page are asked for anew, and when a permission is withdrawn."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cases.models import Case, CaseTask, Draft, Tag
from routing.models import QueueMember
from tests.browser.desk import editor, nothing_left, primary, reply_on
from tests.factories import CaseFactory
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

LOOK_AGAIN = "document.body.dispatchEvent(new CustomEvent('case-changed'))"


def state(page: Page) -> Any:
    return page.locator("[data-draft-state]")


def look_again(page: Page) -> None:
    """As after a change of somebody: head and panel are asked for anew."""
    with (
        page.expect_response(lambda answer: "/panel/" in answer.url),
        page.expect_response(lambda answer: "/head/" in answer.url),
    ):
        page.evaluate(LOOK_AGAIN)


# Parts that are asked for anew
# ------------------------------------------------------------------------------------------------------------
def test_half_a_task_stays_while_the_panel_is_asked_for_anew(log_in: Any, ana: User, case: Case) -> None:
    page = log_in(ana).open(f"/cases/{case.number}/")
    task = page.get_by_role("textbox", name="New task")
    task.click()
    page.keyboard.type("Call back")
    page.get_by_role("textbox", name="New tag").fill("warr")
    task.click()
    CaseTask.objects.create(case=case, subject="Of a colleague")

    look_again(page)

    expect(page.locator("#panel .tasks")).to_contain_text("Of a colleague")
    expect(task).to_have_value("Call back")
    expect(task).to_be_focused()
    expect(page.get_by_role("textbox", name="New tag")).to_have_value("warr")
    page.keyboard.type(" today")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .tasks")).to_contain_text("Call back today")
    expect(task).to_have_value("")  # what was sent does not come back
    assert CaseTask.objects.filter(subject="Call back today").count() == 1
    assert not Tag.objects.exists()


def test_open_menu_and_fold_stay_open(log_in: Any, ana: User, case: Case) -> None:
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.locator("#panel-why").click()
    page.locator(".actions .menu summary").click()
    expect(page.get_by_role("link", name="Merge…")).to_be_visible()

    look_again(page)

    expect(page.get_by_role("link", name="Merge…")).to_be_visible()
    expect(page.locator("#panel details:has(#panel-why)")).to_have_attribute("open", "")


def test_words_of_a_search_stay_while_the_list_is_asked_for_anew(log_in: Any, ana: User, case: Case) -> None:
    page = log_in(ana).open("/cases/")
    search = page.locator("#list input[type=search]")
    search.click()
    page.keyboard.type("lam")

    with page.expect_response(
        lambda answer: "/cases/" in answer.url and answer.request.headers.get("hx-target") == "list"
    ):
        page.evaluate("document.dispatchEvent(new CustomEvent('cases-changed'))")

    expect(search).to_have_value("lam")
    expect(search).to_be_focused()


# A permission that is withdrawn
# ------------------------------------------------------------------------------------------------------------
def test_withdrawn_permission_is_said_while_the_text_is_saved(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    page = reply_on(log_in(ana), case)
    expect(state(page)).to_contain_text("Saved")
    ana.user_permissions.clear()

    page.keyboard.type(" goes on")

    expect(state(page)).to_contain_text("It cannot be sent now: ana does not have the permission to reply to cases.")
    assert Draft.objects.get().text == "My long answer goes on"
    primary(page).click()
    expect(page.locator("#conversation")).to_contain_text("Nothing was sent. Your text is kept.")
    expect(editor(page)).to_have_text("My long answer goes on")
    assert nothing_left(smtp)


@pytest.mark.parametrize("what", ["permission", "case"])
def test_draft_that_may_not_be_begun_says_why(log_in: Any, ana: User, case: Case, what: str) -> None:
    page = reply_on(log_in(ana), case, "")
    if what == "permission":
        ana.user_permissions.clear()
    else:
        QueueMember.objects.filter(user=ana).delete()

    page.keyboard.type("My long answer")

    because = {
        "permission": "ana does not have the permission to reply to cases.",
        "case": "You may not see this case any more.",
    }
    expect(state(page)).to_contain_text(f"Not saved, kept in this window: {because[what]}")
    expect(editor(page)).to_have_text("My long answer")
    assert not Draft.objects.exists()


def test_case_that_is_taken_away_meanwhile_keeps_the_text_here(log_in: Any, ana: User, case: Case) -> None:
    page = reply_on(log_in(ana), case)
    expect(state(page)).to_contain_text("Saved")
    QueueMember.objects.filter(user=ana).delete()

    page.keyboard.type(" goes on")

    expect(state(page)).to_contain_text("You may not see this case any more.")
    expect(editor(page)).to_have_text("My long answer goes on")
    assert Draft.objects.get().text == "My long answer"


# Who is logged out, or looks elsewhere first
# ------------------------------------------------------------------------------------------------------------
def test_unsaved_words_stay_when_the_session_ends_and_are_saved_after_the_login(
    log_in: Any, ana: User, case: Case, context: Any
) -> None:
    page = reply_on(log_in(ana), case, "")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")

    page.keyboard.type("Written after the session ended")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")

    told = page.locator(".toast", has_text="You are logged out. What you wrote is kept in this window.")
    expect(told).to_be_visible()
    expect(state(page)).to_have_text("Not saved: you are logged out, kept in this window")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")
    with context.expect_page() as opened:
        told.get_by_role("button", name="Log in in a new tab").click()
    expect(opened.value.get_by_role("heading", name="Log in")).to_be_visible()
    context.add_cookies(cookies)
    expect(state(page)).to_contain_text("Saved")
    assert Draft.objects.get().text == "Written after the session ended"


def test_begun_note_is_found_again_at_its_case(log_in: Any, ana: User, case: Case) -> None:
    CaseFactory(owner_user=ana, owner_queue=None, subject="Another case")
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.keyboard.press("n")
    note = page.get_by_role("textbox", name="Internal")
    expect(note).to_be_focused()
    page.keyboard.type("The colleague who knows it is")

    page.locator("#list a.row", has_text="Another case").click()
    expect(page.locator("#conversation h1")).to_have_text("Another case")
    expect(note).to_be_hidden()
    page.go_back()

    expect(note).to_have_value("The colleague who knows it is")
    expect(page.locator("#conversation h1")).to_be_focused()
    page.reload()
    expect(note).to_have_value("The colleague who knows it is")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline .note")).to_contain_text("The colleague who knows it is")
    page.reload()
    expect(page.locator(".timeline .note")).to_be_visible()
    expect(note).to_be_hidden()


def test_note_that_was_added_after_the_session_ended_is_there_after_the_login(
    log_in: Any, ana: User, case: Case, context: Any
) -> None:
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.keyboard.press("n")
    page.keyboard.type("Written for long")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")

    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    context.add_cookies(cookies)
    page.goto(page.url.partition("/login/")[0] + f"/cases/{case.number}/")

    expect(page.get_by_role("textbox", name="Internal")).to_have_value("Written for long")


def test_begun_note_is_gone_after_logging_out(log_in: Any, ana: User, case: Case) -> None:
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.keyboard.press("n")
    page.keyboard.type("For nobody else")

    page.locator("header summary[aria-label='Your account']").click()
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate("Object.values(sessionStorage).join()").find("For nobody else") == -1
