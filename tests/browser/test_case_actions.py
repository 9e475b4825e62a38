"""A rep works on a case by keyboard, with a colleague beside, on a phone, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from cases.models import Case, CaseComment, CaseTask, Mention, Tag
from cases.ownership import take_case
from cases.presence import note_visit
from tests.cases.acting.people import case_of, rep
from tests.factories import EmailMessageFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim", first_name="Kim", last_name="Kind")


@pytest.fixture
def case(kim: Any) -> Case:
    case = case_of(kim, subject="The lamp flickers", last_inbound_at=timezone.now())
    EmailMessageFactory(case=case, subject=case.subject)
    return case


def opened(log_in: Callable[[Any], Any], user: Any, case: Case) -> Page:
    page: Page = log_in(user).open(f"/cases/{case.number:08d}/")
    expect(page.locator("#panel-customer")).to_be_visible()
    return page


def toast(page: Page, words: str) -> Any:
    return page.locator(".toast", has_text=words)


def test_a_case_is_taken_closed_and_the_closing_undone_by_keys(log_in: Any, kim: Any, case: Case) -> None:
    page = opened(log_in, kim, case)

    page.locator(".actions").get_by_role("button", name="Take").click()
    expect(toast(page, "The case is yours.")).to_be_visible()
    expect(page.locator("#case-head .facts")).to_contain_text("Kim Kind")
    page.keyboard.press("e")
    expect(page.locator("#case-head .status")).to_have_text("Status: Closed")
    page.keyboard.press("z")
    expect(page.locator("#case-head .status")).to_have_text("Status: New")

    case.refresh_from_db()
    assert (case.owner_user, case.is_closed) == (kim, False)


def test_assign_snooze_and_tag_by_their_keys(log_in: Any, kim: Any, case: Case) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")
    boss = rep("boss", is_superuser=True)
    page = opened(log_in, boss, case)

    page.keyboard.press("l")
    expect(page.locator("#case-action input[name=tag]")).to_be_focused()
    page.keyboard.type("warranty")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .tag-list")).to_contain_text("warranty")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="In three hours")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#case-head .snoozed")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator("#case-action select")).to_be_focused()
    page.locator("#case-action select").select_option(label="Lee Long")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#case-head .facts")).to_contain_text("Lee Long")

    case.refresh_from_db()
    assert case.owner_user == lee
    assert case.snoozed_until is not None
    assert Tag.objects.get().cases.get() == case


def test_escape_closes_a_form_and_gives_the_focus_back(log_in: Any, kim: Any, case: Case) -> None:
    page = opened(log_in, kim, case)

    page.keyboard.press("i")
    expect(page.locator("#case-action select")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#case-action form")).to_have_count(0)


def test_what_a_colleague_changed_meanwhile_is_told_beside_the_control(log_in: Any, kim: Any, case: Case) -> None:
    boss = rep("boss", is_superuser=True, first_name="Bo", last_name="Boss")
    page = opened(log_in, boss, case)
    page.keyboard.press("i")
    expect(page.locator("#case-action select")).to_be_focused()
    take_case(case=case, by=kim)
    page.locator("#case-action select").select_option(label="Me")
    page.locator("#case-action").get_by_role("button", name="Assign").click()

    expect(page.locator("#case-action [role=alert]")).to_have_text("Meanwhile the case went to Kim Kind.")
    case.refresh_from_db()
    assert case.owner_user == kim


def test_a_note_mentions_a_colleague_by_completion(log_in: Any, kim: Any, case: Case) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")
    page = opened(log_in, kim, case)

    page.keyboard.press("n")
    expect(page.locator("#note-body")).to_be_focused()
    page.keyboard.type("Ask @le")
    expect(page.get_by_role("option", name="Lee Long @lee")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("please")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline .note")).to_contain_text("Ask @lee please")

    assert CaseComment.objects.get().body == "Ask @lee please"
    assert Mention.objects.get().user == lee


def test_a_completion_follows_what_was_typed_last_however_late_its_answer_comes(
    log_in: Any, kim: Any, case: Case
) -> None:
    rep("lee", first_name="Lee", last_name="Long")
    rep("bo", first_name="Bo", last_name="Boss")
    page = opened(log_in, kim, case)
    held: list[Route] = []
    page.route("**/colleagues/?q=l*", lambda route: held.append(route))
    page.keyboard.press("n")
    expect(page.locator("#note-body")).to_be_focused()

    page.keyboard.type("@")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.type("le")
    expect(page.get_by_role("option")).to_have_text(["Lee Long @lee"])
    page.keyboard.press("Enter")
    expect(page.locator("#note-body")).to_have_value("@lee ")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("q=le")):
        for route in held:
            route.continue_()

    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("#note-body")).to_have_value("@lee \n")


def test_a_case_is_merged_and_split_again(log_in: Any, kim: Any, case: Case) -> None:
    other = case_of(kim, subject="The other lamp")
    page = opened(log_in, kim, case)

    page.locator(".actions .menu summary").click()
    page.get_by_role("link", name="Merge…").click()
    page.locator("#picker-found button", has_text="The other lamp").click()
    page.wait_for_url(f"**/cases/{other.number:08d}/")
    expect(page.locator("article, .mail").first).to_be_visible()
    page.goto(page.url.replace(other.number_text, case.number_text))
    page.get_by_role("button", name="Split them again").click()
    expect(page.locator("#case-head .status")).to_have_text("Status: New")

    case.refresh_from_db()
    assert case.merged_into is None
    assert case.messages.count() == 1


def test_the_panel_adds_and_ticks_a_task(log_in: Any, kim: Any, case: Case) -> None:
    page = opened(log_in, kim, case)

    page.get_by_role("textbox", name="New task").fill("Call back")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Done: Call back").click()
    expect(page.locator("#panel .task.is-done")).to_contain_text("Call back")

    assert CaseTask.objects.get().completed_at is not None


def test_two_who_have_a_case_open_see_each_other(
    log_in: Any, kim: Any, case: Case, browser: Browser, live_server: Any
) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")
    note_visit(case, lee, composing=True, has_seen_all=True)

    page = opened(log_in, kim, case)

    expect(page.locator("#presence")).to_contain_text("Lee Long is replying")


def open_more(page: Page, name: str) -> None:
    page.locator(".actions .menu summary").click()
    page.get_by_role("link", name=name).click()


def test_two_cases_are_linked_by_number_and_a_wrong_one_is_told(
    log_in: Any, kim: Any, case: Case, assert_accessible: Any
) -> None:
    other = case_of(kim, subject="The other lamp", supplied_email="robin@example.net")
    page = opened(log_in, kim, case)
    open_more(page, "Link…")
    field = page.locator("#case-action").get_by_label("Number of the case, or an address")
    expect(field).to_be_focused()

    page.keyboard.type("99999999")
    page.keyboard.press("Enter")
    expect(page.locator("#case-action [role=alert]")).to_be_visible()
    assert_accessible(page)
    field.fill(str(other.number))
    expect(page.locator("#picker-found")).to_contain_text("The other lamp")
    page.locator("#case-action").get_by_role("button", name="Link", exact=True).click()
    expect(page.locator("#panel-links + ul")).to_contain_text("The other lamp")

    assert case.links_as_first.get().second == other


def test_mails_are_moved_to_a_case_of_their_own(log_in: Any, kim: Any, case: Case, assert_accessible: Any) -> None:
    second = EmailMessageFactory(case=case, snippet="And my invoice is wrong", from_name="Casey")
    page = opened(log_in, kim, case)
    open_more(page, "Move mails…")
    expect(page.locator("#case-action input[type=checkbox]").first).to_be_focused()
    assert_accessible(page)

    page.locator("#case-action label", has_text="And my invoice is wrong").click()
    page.locator("#case-action").get_by_role("button", name="To a new case").click()
    expect(page.locator("#case-action form")).to_have_count(0)

    second.refresh_from_db()
    assert second.case != case
    assert case.messages.count() == 1


def test_every_form_of_the_head_fits_and_breaks_no_rule_of_wcag(
    log_in: Any, kim: Any, case: Case, assert_accessible: Any
) -> None:
    case_of(kim, subject="The other lamp")
    page = log_in(kim).open(f"/cases/{case.number:08d}/")
    form = page.locator("#case-action")
    for action in ("assign", "snooze", "tag", "merge", "move", "status"):
        path = f"/cases/{case.number:08d}/do/{action}/"
        # Resolves when the form of this action has taken the place of the one before.
        page.evaluate("path => htmx.ajax('GET', path, {target: '#case-action', swap: 'innerHTML'})", path)
        expect(form.locator("form").first).to_be_visible()
        for width in (1440, 768, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (action, width)
            assert form.evaluate("form => form.scrollWidth <= form.clientWidth"), (action, width)
        assert_accessible(page, within="#case-action")


def test_what_was_asked_of_a_head_that_was_drawn_anew_meanwhile_is_seen(log_in: Any, kim: Any, case: Case) -> None:
    page = log_in(kim).open(f"/cases/{case.number:08d}/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/act/close/", hold)
    page.keyboard.press("e")
    while not held:
        page.wait_for_timeout(20)

    button = page.locator("#case-head [data-key=e]").element_handle()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('case-changed'))")
    page.wait_for_function("button => !button.isConnected", arg=button)
    held[0].continue_()

    expect(page.locator("#case-head .status")).to_have_text("Status: Closed")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#case-head .status")).to_have_text("Status: New")


def test_a_head_that_was_drawn_anew_takes_a_key_at_once(log_in: Any, kim: Any, case: Case) -> None:
    page = log_in(kim).open(f"/cases/{case.number:08d}/")
    page.evaluate(
        """() => new Promise((pressed) => {
            document.addEventListener("htmx:afterSwap", ({ detail }) => {
                if (detail.target.id !== "case-head") return;
                queueMicrotask(() => { // as soon as anything else can happen
                    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "s", bubbles: true }));
                    pressed();
                });
            });
            document.body.dispatchEvent(new CustomEvent("case-changed"));
        })"""
    )

    expect(page.get_by_role("button", name="In three hours")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/cases/{case.number:08d}/$"))  # not on the page of its own


def test_on_a_phone_the_actions_fit_and_nothing_scrolls_sideways(log_in: Any, kim: Any, case: Case) -> None:
    watched = log_in(kim)
    watched.page.set_viewport_size({"width": 390, "height": 844})
    page = watched.open(f"/cases/{case.number:08d}/")

    page.locator(".actions").get_by_role("link", name="Snooze").click()
    expect(page.get_by_role("button", name="In three hours")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watched.policy_errors == []


def test_everything_works_without_javascript(
    log_in: Any, kim: Any, case: Case, context: Any, browser: Browser, live_server: Any
) -> None:
    log_in(kim)
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/{case.number:08d}/")

    page.locator(".actions").get_by_role("link", name="Tag").click()
    page.locator("#case-action input[name=tag]").fill("warranty")
    page.locator("#case-action").get_by_role("button", name="Add").click()
    page.locator("#write-note summary").click()
    page.locator("#note-body").fill("Looks old")
    page.get_by_role("button", name="Add note").click()
    page.locator(".actions").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Undo").last.click()

    case.refresh_from_db()
    assert ([tag.name for tag in case.tags.all()], case.is_closed) == (["warranty"], False)
    assert case.comments.get().body == "Looks old"
    plain.close()
