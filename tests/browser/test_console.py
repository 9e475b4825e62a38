"""The console in a real browser: panes, history, keys, palette, narrow screens, no JavaScript, WCAG."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from cases.models import Case
from cases.setup import set_up_instance
from routing.models import QueueMember
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory

pytestmark = pytest.mark.django_db(transaction=True)

SUBJECTS = ["Lamp does not shine", "Invoice is wrong", "مشكلة في الطلب", "Where is my order"]


@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    return rep("ana", first_name="Ana", last_name="Agent")


@pytest.fixture
def cases(ana: User) -> list[Case]:
    """Oldest first, so that the last one stands at the top of the list."""
    queue = QueueFactory(name="Returns")
    queue.members.add(ana)
    made = [CaseFactory(owner_queue=queue, subject=subject, last_inbound_at=timezone.now()) for subject in SUBJECTS]
    for case in made:
        EmailMessageFactory(case=case, text_body=f"Text of {case.subject}")
    return made


@pytest.fixture
def watched(log_in: Any, ana: User, cases: list[Case]) -> Any:
    return log_in(ana)


@pytest.fixture
def page(watched: Any) -> Page:
    return watched.open("/cases/?view=queues")


def subject(page: Page) -> Any:
    return page.locator("#conversation h1")


def row(page: Page, case: Case) -> Any:
    return page.locator("#list a.row", has_text=case.subject)


def path(case: Case) -> re.Pattern[str]:
    return re.compile(rf"/cases/{case.number_text}/$")


# --- panes ---


def test_a_case_opens_beside_its_list(watched: Any, page: Page, cases: list[Case]) -> None:
    page.evaluate("window.wasHere = true")
    expect(row(page, cases[1])).to_contain_text("Unread:")

    row(page, cases[1]).click()

    expect(subject(page)).to_have_text("Invoice is wrong")
    expect(row(page, cases[1])).not_to_contain_text("Unread:")
    expect(row(page, cases[0])).to_contain_text("Unread:")
    expect(page).to_have_url(path(cases[1]))
    expect(page).to_have_title(re.compile(f"{cases[1].number_text} Invoice is wrong"))
    expect(row(page, cases[1])).to_have_attribute("aria-current", "page")
    expect(page.locator("#list [aria-current]")).to_have_count(1)
    expect(subject(page)).to_be_focused()
    expect(page.locator("#announcer")).to_contain_text("Invoice is wrong")
    assert page.evaluate("window.wasHere")
    assert watched.policy_errors == []


def test_back_and_forward_go_through_what_was_open(page: Page, cases: list[Case]) -> None:
    row(page, cases[0]).click()
    expect(subject(page)).to_have_text(cases[0].subject)
    row(page, cases[1]).click()
    expect(subject(page)).to_have_text(cases[1].subject)

    page.go_back()
    expect(subject(page)).to_have_text(cases[0].subject)
    expect(row(page, cases[0])).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page.get_by_text("No case is open.")).to_be_visible()
    expect(row(page, cases[0])).to_be_focused()
    expect(page).to_have_title("My queues")
    page.go_forward()
    expect(subject(page)).to_have_text(cases[0].subject)
    page.go_forward()
    expect(page).to_have_url(path(cases[1]))
    expect(subject(page)).to_have_text(cases[1].subject)


def test_a_view_fills_the_list_and_empties_the_conversation(page: Page, cases: list[Case]) -> None:
    row(page, cases[0]).click()
    expect(subject(page)).to_have_text(cases[0].subject)

    page.locator("#views").get_by_role("link", name="Returns").click()

    expect(page.locator("#list h1")).to_have_text("Returns")
    expect(page.get_by_text("No case is open.")).to_be_visible()
    expect(page.locator("#views [aria-current]")).to_have_count(1)
    expect(page.locator("#views [aria-current]")).to_contain_text("Returns")


def test_a_reload_of_a_case_brings_its_list_back(page: Page, cases: list[Case]) -> None:
    page.locator("#views").get_by_role("link", name="Returns").click()
    expect(page.locator("#list h1")).to_have_text("Returns")
    row(page, cases[2]).click()
    expect(subject(page)).to_have_text(cases[2].subject)

    page.reload()

    expect(subject(page)).to_have_text(cases[2].subject)
    expect(page.locator("#list h1")).to_have_text("Returns")
    expect(row(page, cases[2])).to_have_attribute("aria-current", "page")
    expect(page).to_have_title(re.compile(cases[2].number_text))


def test_the_list_keeps_its_place_while_cases_are_opened(page: Page, ana: User, cases: list[Case]) -> None:
    for number in range(30):
        CaseFactory(owner_queue=cases[0].owner_queue, subject=f"One more {number}")
    page.reload()
    scrolled = "list => list.scrollTop"
    page.locator("#list a.row").nth(20).scroll_into_view_if_needed()
    before = page.locator("#list").evaluate(scrolled)
    assert before > 100

    page.locator("#list a.row").nth(20).click()
    expect(page.locator("#conversation h1")).to_be_visible()
    assert page.locator("#list").evaluate(scrolled) == before
    page.go_back()
    expect(page.get_by_text("No case is open.")).to_be_visible()

    assert page.locator("#list").evaluate(scrolled) == before


def test_the_last_of_two_quick_clicks_wins(page: Page, cases: list[Case]) -> None:
    held: list[Route] = []
    page.route(f"**/cases/{cases[0].number_text}/", lambda route: held.append(route))
    row(page, cases[0]).click()
    row(page, cases[1]).click()
    expect(subject(page)).to_have_text(cases[1].subject)

    for route in held:
        route.continue_()
    page.wait_for_timeout(500)

    expect(subject(page)).to_have_text(cases[1].subject)
    expect(page).to_have_url(path(cases[1]))


def test_a_case_that_does_not_load_says_why_and_can_be_tried_again(page: Page, cases: list[Case]) -> None:
    page.route("**/cases/0*/", lambda route: route.abort())

    row(page, cases[0]).click()

    failure = page.locator("#conversation").get_by_role("alert")
    expect(failure).to_contain_text("There is no connection.")
    expect(page.locator("#list a.row")).to_have_count(len(cases))
    page.unroute("**/cases/0*/")
    failure.get_by_role("button", name="Try again").click()
    expect(subject(page)).to_have_text(cases[0].subject)
    expect(page).to_have_url(path(cases[0]))


def test_a_case_that_is_gone_says_so_in_its_pane(page: Page, ana: User, cases: list[Case]) -> None:
    QueueMember.objects.filter(user=ana).delete()

    row(page, cases[0]).click()

    expect(page.locator("#conversation").get_by_role("alert")).to_contain_text("it is not yours to see")


def test_who_was_logged_out_meets_the_login_and_comes_back(page: Page, context: Any, cases: list[Case]) -> None:
    context.clear_cookies()

    row(page, cases[0]).click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert "next=" in page.url


def test_counts_follow_without_a_reload_and_the_focus_stays(page: Page, cases: list[Case]) -> None:
    link = page.locator("#views").get_by_role("link", name="Returns")
    expect(link.locator(".count")).to_contain_text("4")
    link.focus()
    EmailMessageFactory(case=CaseFactory(owner_queue=cases[0].owner_queue))

    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")

    expect(link.locator(".count")).to_contain_text("5")
    expect(link).to_be_focused()


def test_the_list_is_refreshed_without_losing_place_or_focus(page: Page, cases: list[Case]) -> None:
    row(page, cases[1]).focus()
    Case.objects.filter(pk=cases[1].pk).update(subject="Invoice is wrong again")

    page.evaluate("document.dispatchEvent(new CustomEvent('cases-changed'))")

    expect(row(page, cases[1])).to_contain_text("again")
    expect(row(page, cases[1])).to_be_focused()


# --- keys ---


def test_keys_walk_the_list_and_enter_opens(page: Page, cases: list[Case]) -> None:
    page.keyboard.press("j")
    expect(row(page, cases[3])).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(row(page, cases[2])).to_be_focused()

    page.keyboard.press("Enter")

    expect(subject(page)).to_have_text(cases[2].subject)
    page.keyboard.press("j")
    expect(row(page, cases[1])).to_be_focused()


def test_after_a_case_was_closed_the_next_one_is_that_which_came_after_it(page: Page, cases: list[Case]) -> None:
    row(page, cases[2]).click()
    expect(subject(page)).to_be_focused()

    page.keyboard.press("e")

    expect(row(page, cases[2])).to_have_count(0)
    expect(page.locator("#case-action")).to_be_hidden()
    expect(subject(page)).to_be_focused()
    page.keyboard.press("j")
    expect(row(page, cases[1])).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, cases[3])).to_be_focused()


def test_g_and_a_second_key_go_to_a_view(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.locator("#list h1")).to_have_text("My cases")

    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.locator("#list h1")).to_have_text("My queues")


def add(page: Page, html: str) -> None:
    page.evaluate("html => document.querySelector('#list').insertAdjacentHTML('afterbegin', html)", html)


@pytest.mark.parametrize(
    "field",
    [
        '<input id="field">',
        '<textarea id="field"></textarea>',
        '<div id="field" contenteditable="true"><p>text</p></div>',
        '<select id="field"><option>one</option></select>',
    ],
)
def test_keys_do_nothing_while_somebody_types(page: Page, field: str) -> None:
    add(page, f'{field}<button id="probe" data-key="e">0</button>')
    page.evaluate("probe.addEventListener('click', () => { probe.textContent = Number(probe.textContent) + 1; })")
    page.focus("#field")

    page.keyboard.type("e?jk")

    expect(page.locator("#probe")).to_have_text("0")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#field")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#probe")).to_have_text("1")


@pytest.mark.parametrize("keys", ["Control+e", "Alt+e", "Meta+e", "Shift+E"])
def test_keys_of_the_browser_are_left_to_it(page: Page, keys: str) -> None:
    add(page, '<button id="probe" data-key="e">0</button>')
    page.evaluate(
        "probe.addEventListener('click', () => { probe.textContent = 'clicked'; });"
        "window.prevented = false;"
        "addEventListener('keydown', (event) => { window.prevented ||= event.defaultPrevented; })"
    )

    page.keyboard.press(keys)

    expect(page.locator("#probe")).to_have_text("0")
    assert page.evaluate("window.prevented") is False


def test_a_key_of_a_field_gives_it_the_focus(page: Page) -> None:
    add(page, '<input id="probe" data-key="l">')

    page.keyboard.press("l")

    expect(page.locator("#probe")).to_be_focused()
    expect(page.locator("#probe")).to_have_value("")


def test_help_lists_the_keys_and_switches_them_off_for_good(page: Page, cases: list[Case]) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    expect(page.get_by_role("term").filter(has_text="Next case")).to_be_visible()

    page.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.reload()
    page.keyboard.press("?")
    page.keyboard.press("j")

    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#list a.row:focus")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_label("Single keys do something")).not_to_be_checked()


# --- palette ---


def test_the_palette_finds_commands_views_and_cases(page: Page, cases: list[Case]) -> None:
    add(page, '<button id="probe" data-command="Close the case" data-key="e">0</button>')
    page.evaluate("probe.addEventListener('click', () => { probe.textContent = 'clicked'; })")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search or do something")
    expect(field).to_be_focused()

    page.keyboard.type("clca")
    first = page.get_by_role("option").first
    expect(first).to_contain_text("Close the case")
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    page.keyboard.press("Enter")
    expect(page.locator("#probe")).to_have_text("clicked")
    expect(page.locator("#palette")).to_be_hidden()

    page.keyboard.press("Control+k")
    page.keyboard.type("returns")
    page.keyboard.press("Enter")
    expect(page.locator("#list h1")).to_have_text("Returns")

    page.keyboard.press("Control+k")
    page.keyboard.type(str(cases[0].number))
    page.keyboard.press("Enter")
    expect(subject(page)).to_have_text(cases[0].subject)


def test_the_palette_gives_the_focus_back(page: Page, cases: list[Case]) -> None:
    row(page, cases[0]).focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")

    expect(page.locator("#palette")).to_be_hidden()
    expect(row(page, cases[0])).to_be_focused()


# --- narrow screens, no JavaScript, colours ---


def shown(page: Page) -> list[str]:
    return [name for name in ("views", "list", "conversation") if page.locator(f"#{name}").is_visible()]


def test_a_phone_shows_one_pane_at_a_time_with_a_way_back(page: Page, cases: list[Case]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert shown(page) == ["list"]

    row(page, cases[0]).click()
    expect(subject(page)).to_be_visible()
    assert shown(page) == ["conversation"]
    page.locator(".back").click()
    expect(row(page, cases[0])).to_be_focused()
    assert shown(page) == ["list"]
    page.locator(".back").click()
    expect(page.locator("#views")).to_be_visible()
    assert shown(page) == ["views"]
    page.locator("#views").get_by_role("link", name="Returns").click()
    expect(page.locator("#list h1")).to_have_text("Returns")
    assert shown(page) == ["list"]
    page.go_back()
    expect(page.locator("#views")).to_be_visible()


def test_a_tablet_shows_two_panes(page: Page, cases: list[Case]) -> None:
    page.set_viewport_size({"width": 768, "height": 1024})
    assert shown(page) == ["views", "list"]

    row(page, cases[0]).click()

    expect(subject(page)).to_be_visible()
    assert shown(page) == ["list", "conversation"]


def test_everything_is_read_without_javascript(
    browser: Any, context: Any, watched: Any, cases: list[Case], live_server: Any
) -> None:
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/?view=queues")
    expect(page.locator("#views .skeleton")).to_be_hidden()  # nothing is under way

    page.get_by_role("link", name=cases[0].subject).click()
    conversation = page.locator("#conversation")
    expect(conversation).to_contain_text(f"Text of {cases[0].subject}")
    assert conversation.evaluate("pane => pane.offsetWidth") > 700  # of 1280: the panes beside it only lead elsewhere
    page.get_by_role("link", name="List of cases").click()
    expect(page.locator("#list h1")).to_be_visible()
    page.get_by_role("link", name="Views and queues").click()
    page.get_by_role("link", name="Returns").click()
    expect(page.locator("#list")).to_contain_text(cases[0].subject)
    plain.close()


def test_colours_follow_the_system_until_somebody_chooses(page: Page) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark

    page.locator(".bar details.menu > summary").click()
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(ground) == light
    page.reload()

    assert page.evaluate(ground) == light


def test_the_account_menu_is_worked_by_keys(page: Page) -> None:
    summary = page.locator(".bar details.menu > summary")
    summary.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Light colours")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Log out")).to_be_focused()

    page.keyboard.press("Escape")

    expect(summary).to_be_focused()
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()


# --- WCAG ---


def test_pages_break_no_rule_of_wcag(
    watched: Any, ana: User, cases: list[Case], assert_accessible: Any, live_server: Any
) -> None:
    case = case_with_mail(ana, address=verified_address("gold@company.example"))

    for address in (
        "/cases/?view=queues",
        "/cases/?view=closed",
        "/cases/views/",
        f"/cases/{case.number}/",
        f"/cases/{case.number}/?reply=1",
        "/cases/00000000/",
    ):
        assert_accessible(watched.open(address))


def test_dialogs_break_no_rule_of_wcag(page: Page, assert_accessible: Any) -> None:
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")

    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    assert_accessible(page)


def test_the_login_breaks_no_rule_of_wcag(context: Any, ana: User, live_server: Any, assert_accessible: Any) -> None:
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    assert_accessible(page)
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
