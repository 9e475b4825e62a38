"""After a mail was sent: undo stays within reach wherever the rep goes, and the page says what is true."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cases.models import Case, Draft, EmailMessage, Outbox
from routing.models import RoutingAddress
from tests.browser.desk import composer, deliver_all, editor, reply_on, send
from tests.cases.outbound.people import case_with_mail
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _long_time_for_undo(settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 120


@pytest.fixture
def other(ana: User, gold: RoutingAddress) -> Case:
    case = case_with_mail(ana, address=gold)
    Case.objects.filter(pk=case.pk).update(subject="The other matter")
    return case


def leaves(page: Page) -> Any:
    return page.locator(".toast", has_text="leaves in a moment")


def go_to(page: Page, case: Case) -> None:
    page.locator(f"#list a.row[href*='{case.number}']").first.click()
    expect(page.locator("#conversation .case-head .number")).to_have_text(case.number_text)


def test_undo_follows_the_rep_to_another_case(log_in: Any, case: Case, other: Case, smtp: FakeSmtpServer) -> None:
    watched = log_in(case.owner_queue.members.get())
    page = reply_on(watched, case, "Dear Cassie,")
    send(page)
    expect(leaves(page)).to_have_count(0)  # the mail itself offers it

    go_to(page, other)
    expect(leaves(page)).to_contain_text(case.number_text)
    go_to(page, case)
    expect(leaves(page)).to_have_count(0)
    page.goto(page.url.replace(case.number_text, other.number_text))  # a whole page
    page.get_by_role("status").get_by_role("button", name="Undo").click()

    expect(editor(page)).to_have_text("Dear Cassie,")
    expect(page.locator("#conversation .case-head .number")).to_have_text(case.number_text)
    deliver_all()
    assert smtp.ledger == []
    assert Draft.objects.get().text == "Dear Cassie,"
    assert watched.policy_errors == []


def test_undo_in_a_toast_keeps_what_is_being_written_elsewhere(log_in: Any, case: Case, other: Case) -> None:
    page = reply_on(log_in(case.owner_queue.members.get()), case, "Dear Cassie,")
    send(page)
    go_to(page, other)
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("About the other matter")

    page.get_by_role("status").get_by_role("button", name="Undo").click()

    expect(editor(page)).to_have_text("Dear Cassie,")
    assert {draft.text for draft in Draft.objects.all()} == {"Dear Cassie,", "About the other matter"}


def test_mail_that_was_taken_back_where_it_stands_is_offered_nowhere_else(log_in: Any, case: Case) -> None:
    page = reply_on(log_in(case.owner_queue.members.get()), case, "Dear Cassie,")
    send(page)

    page.locator("#conversation form[data-undo] button").click()

    expect(editor(page)).to_have_text("Dear Cassie,")
    expect(leaves(page)).to_have_count(0)


def test_undo_that_comes_too_late_is_told(log_in: Any, case: Case, other: Case, smtp: FakeSmtpServer) -> None:
    page = reply_on(log_in(case.owner_queue.members.get()), case, "Dear Casey,")
    send(page)
    go_to(page, other)
    expect(leaves(page)).to_be_visible()
    Outbox.objects.update(not_before=None)
    deliver_all()

    page.get_by_role("status").get_by_role("button", name="Undo").click()

    expect(page.locator(".toast.error")).to_be_visible()
    expect(page.locator("#conversation .case-head .number")).to_have_text(other.number_text)
    assert len(smtp.ledger) == 1


def test_toast_of_a_mail_goes_when_it_has_left(log_in: Any, case: Case, other: Case) -> None:
    watched = log_in(case.owner_queue.members.get())
    watched.page.clock.install()
    page = reply_on(watched, case, "Dear Casey,")
    send(page)
    go_to(page, other)
    expect(leaves(page)).to_be_visible()

    page.clock.fast_forward(120_000)

    expect(leaves(page)).to_have_count(0)


def test_row_and_head_follow_what_became_of_the_mail(log_in: Any, case: Case, smtp: FakeSmtpServer) -> None:
    Case.objects.filter(pk=case.pk).update(awaiting="us")
    page = log_in(case.owner_queue.members.get()).open(f"/cases/{case.number}/")
    row = page.locator("#list a.row")
    head = page.locator("#case-head .facts")
    expect(row).to_contain_text("awaits us")
    expect(head).to_contain_text("Awaits us")
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("It left us today.")

    send(page)
    Outbox.objects.update(not_before=None)
    deliver_all()

    expect(page.locator(".sending")).to_contain_text("Sent.")
    expect(head).to_contain_text("Awaits the customer")
    expect(row).not_to_contain_text("awaits us")


def test_undo_gives_row_and_head_back(log_in: Any, case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(awaiting="us")
    page = reply_on(log_in(case.owner_queue.members.get()), case, "It left us today.")
    send(page)

    page.locator("#conversation").get_by_role("button", name="Undo", exact=True).click()

    expect(composer(page)).to_be_visible()
    expect(page.locator("#case-head .facts")).to_contain_text("Awaits us")
    expect(page.locator("#list a.row")).to_contain_text("awaits us")
    assert not EmailMessage.objects.filter(incoming=False).exists()


# Toasts
# ------------------------------------------------------------------------------------------------------------
def show_toast(page: Page, words: str, kind: str = "info") -> Any:
    page.evaluate(
        "([words, kind]) => document.dispatchEvent(new CustomEvent('toast', {detail: {words, kind}}))", [words, kind]
    )
    return page.locator(".toast", has_text=words)


def test_toast_is_announced_sent_away_and_goes_by_itself(log_in: Any, case: Case, assert_accessible: Any) -> None:
    page = log_in(case.owner_queue.members.get()).open(f"/cases/{case.number}/")
    page.clock.install()
    error = show_toast(page, "That did not work.", "error")
    first = show_toast(page, "Done")

    expect(page.get_by_role("status").filter(has_text="That did not work.")).to_be_visible()
    expect(first).to_be_visible()
    page.clock.run_for(11_000)
    expect(first).to_have_count(0)
    expect(error).to_be_visible()  # an error waits until it was read
    error.get_by_role("button", name="Close").click()
    expect(error).to_have_count(0)


def test_toast_waits_while_somebody_points_at_it(log_in: Any, case: Case) -> None:
    page = log_in(case.owner_queue.members.get()).open(f"/cases/{case.number}/")
    page.clock.install()
    toast = show_toast(page, "Done")
    toast.hover()

    page.clock.run_for(13_000)
    expect(toast).to_be_visible()
    page.mouse.move(700, 20)
    page.clock.run_for(2_000)
    expect(toast).to_have_count(0)


def test_toasts_break_no_rule_of_wcag(log_in: Any, case: Case, assert_accessible: Any) -> None:
    page = log_in(case.owner_queue.members.get()).open(f"/cases/{case.number}/")
    show_toast(page, "That did not work.", "error")
    show_toast(page, "Done")
    page.locator(".actions").get_by_role("button", name="Take").click()
    expect(page.locator(".toast", has_text="yours")).to_be_visible()

    assert_accessible(page)
