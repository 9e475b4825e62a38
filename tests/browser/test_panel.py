"""What stands beside a case: as a drawer on a phone by keyboard alone, with its tasks, tags, fields and links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cases.linking import link_cases
from cases.models import Case, CaseField, CaseTask, Tag
from tests.cases.acting.people import case_of, rep
from tests.factories import CaseTaskFactory, EmailMessageFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]

PHONE = {"width": 390, "height": 844}
WHERE_FOCUS_IS = """() => {
  const here = document.activeElement;
  return here === document.body ? "page" : here.closest("#panel") ? "panel" : here.outerHTML.slice(0, 80);
}"""


@pytest.fixture
def kim() -> Any:
    return rep("kim", first_name="Kim", last_name="Kind")


@pytest.fixture
def case(kim: Any) -> Case:
    case = case_of(kim, subject="The lamp flickers")
    EmailMessageFactory(case=case, subject=case.subject)
    return case


@pytest.fixture
def page(log_in: Callable[[Any], Any], kim: Any, case: Case) -> Page:
    page: Page = log_in(kim).open(f"/cases/{case.number_text}/")
    expect(page.locator("#panel-customer")).to_be_visible()
    return page


@pytest.fixture
def drawer(log_in: Callable[[Any], Any], kim: Any, case: Case) -> Page:
    """A phone on which the drawer was opened by its key."""
    CaseTaskFactory(case=case, subject="Call back", owner=kim)
    watched = log_in(kim)
    watched.page.set_viewport_size(PHONE)
    page: Page = watched.open(f"/cases/{case.number_text}/")
    switch = page.locator(".panel-switch")
    for _key in range(12):
        page.keyboard.press("Tab")
        if switch.evaluate("button => button === document.activeElement"):
            break
    expect(switch).to_be_focused()
    expect(page.locator("#panel")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-customer")).to_be_visible()
    return page


def stored(case: Case) -> dict[str, Any]:
    case.refresh_from_db()
    return case.custom_fields


# --- a drawer on a phone ---


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_keys_stay_in_the_open_drawer_and_escape_gives_the_focus_back(drawer: Page, key: str) -> None:
    assert drawer.evaluate(WHERE_FOCUS_IS) == "panel"
    stops = drawer.locator("#panel :is(a, button, input:not([type=hidden]), select, summary)").count()
    assert stops > 5

    seen = set()
    for _stop in range(stops + 3):
        drawer.keyboard.press(key)
        seen.add(drawer.evaluate(WHERE_FOCUS_IS))
    assert seen <= {"panel", "page"}  # "page": from the last stop to the first one leads by way of the browser
    assert "panel" in seen

    drawer.locator("#panel").focus()
    drawer.keyboard.press("Escape")
    expect(drawer.locator("#panel")).to_be_hidden()
    expect(drawer.locator(".panel-switch")).to_be_focused()
    drawer.keyboard.press("Tab")
    assert drawer.evaluate(WHERE_FOCUS_IS) != "panel"


def test_the_drawer_is_closed_by_its_button_and_by_a_touch_beside_it(drawer: Page) -> None:
    drawer.keyboard.press("Tab")
    expect(drawer.locator("#panel").get_by_role("button", name="Close")).to_be_focused()
    drawer.keyboard.press("Enter")
    expect(drawer.locator("#panel")).to_be_hidden()
    expect(drawer.locator(".panel-switch")).to_be_focused()

    drawer.locator(".panel-switch").click()
    expect(drawer.locator("#panel")).to_be_visible()
    drawer.mouse.click(20, 400)
    expect(drawer.locator("#panel")).to_be_hidden()


def test_the_drawer_breaks_no_rule_of_wcag_and_nothing_scrolls_sideways(drawer: Page, assert_accessible: Any) -> None:
    assert drawer.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert drawer.locator("#panel").evaluate("pane => pane.scrollWidth <= pane.clientWidth")
    assert_accessible(drawer)


def test_a_form_that_the_drawer_asks_for_is_not_left_behind_it(drawer: Page, case: Case) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")

    drawer.locator("#panel .task").get_by_role("link", name="Kim Kind").focus()
    drawer.keyboard.press("Enter")
    expect(drawer.locator("#case-action select")).to_be_focused()
    expect(drawer.locator("#panel")).to_be_hidden()
    drawer.locator("#case-action select").select_option(label="Lee Long")
    drawer.locator("#case-action").get_by_role("button", name="Save").click()

    expect(drawer.locator("#case-action form")).to_have_count(0)
    assert CaseTask.objects.get(case=case).owner == lee


# --- what is changed in it ---


def test_a_task_is_given_to_a_colleague_and_to_nobody(page: Page, case: Case) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")
    task = CaseTaskFactory(case=case, subject="Call back", owner=None)
    page.reload()

    page.locator("#panel .task").get_by_role("link", name="nobody").click()
    expect(page.locator("#case-action select")).to_be_focused()
    page.locator("#case-action select").select_option(label="Lee Long")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .task")).to_contain_text("Lee Long")
    task.refresh_from_db()
    assert task.owner == lee

    page.locator("#panel .task").get_by_role("link", name="Lee Long").click()
    page.locator("#case-action select").select_option(label="Nobody")
    page.locator("#case-action").get_by_role("button", name="Save").click()
    expect(page.locator("#panel .task")).to_contain_text("nobody")
    task.refresh_from_db()
    assert task.owner is None


def test_fields_of_every_kind_are_saved_when_they_are_left(page: Page, case: Case, assert_accessible: Any) -> None:
    kinds = {"serial": "text", "amount": "number", "bought": "date", "colour": "choice", "warranty": "checkbox"}
    for position, (slug, kind) in enumerate(kinds.items()):
        CaseField.objects.create(
            slug=slug,
            label=slug.title(),
            kind=kind,
            choices="Red\nBlue",
            position=position,
            help_text="As on the box.",
        )
    page.reload()
    panel = page.locator("#panel")
    assert_accessible(page)

    changes = {
        "serial": lambda: (panel.get_by_label("Serial").fill("A-17"), page.keyboard.press("Tab")),
        "amount": lambda: (panel.get_by_label("Amount").fill("12.50"), page.keyboard.press("Tab")),
        "bought": lambda: (panel.get_by_label("Bought").fill("2026-03-01"), panel.get_by_label("Bought").blur()),
        "colour": lambda: panel.get_by_label("Colour").select_option("Blue"),
        "warranty": lambda: panel.get_by_label("Warranty").click(),
    }
    for slug, change in changes.items():
        with page.expect_response("**/act/field/") as answered:
            change()
        assert answered.value.ok, slug
        page.wait_for_load_state("networkidle")

    expected = {"serial": "A-17", "amount": "12.50", "bought": "2026-03-01", "colour": "Blue", "warranty": True}
    assert stored(case) == expected
    page.reload()
    expect(panel.get_by_label("Colour")).to_have_value("Blue")
    expect(panel.get_by_label("Warranty")).to_be_checked()


def test_a_value_that_is_none_of_its_kind_says_so_beside_the_field(page: Page, case: Case) -> None:
    CaseField.objects.create(slug="amount", label="Amount", kind="number")
    page.reload()

    page.locator("#panel").get_by_label("Amount").fill("twelve")
    page.keyboard.press("Enter")

    expect(page.locator("#panel .field [role=alert]")).not_to_be_empty()
    expect(page.locator("#panel").get_by_label("Amount")).to_have_value("twelve")
    assert stored(case) == {}


def test_a_value_that_a_colleague_gave_meanwhile_is_not_written_over(page: Page, case: Case) -> None:
    CaseField.objects.create(slug="serial", label="Serial", kind="text")
    page.reload()
    expect(page.locator("#panel").get_by_label("Serial")).to_be_visible()
    Case.objects.filter(pk=case.pk).update(custom_fields={"serial": "B-2"})

    page.locator("#panel").get_by_label("Serial").fill("A-17")
    page.keyboard.press("Enter")

    expect(page.locator("#panel .field [role=alert]")).not_to_be_empty()
    assert stored(case) == {"serial": "B-2"}


def test_tags_are_added_and_taken_away_in_the_panel(page: Page, case: Case) -> None:
    page.locator("#panel").get_by_role("textbox", name="New tag").fill("warranty")
    page.keyboard.press("Enter")
    expect(page.locator("#panel .tag-list .chip")).to_contain_text("warranty")
    assert Tag.objects.get().cases.get() == case

    page.locator("#panel").get_by_role("button", name="Remove tag warranty").click()
    expect(page.locator("#panel .tag-list .chip")).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").last.click()
    expect(page.locator("#panel .tag-list .chip")).to_contain_text("warranty")
    assert case.tags.count() == 1


def test_a_link_is_taken_away_in_the_panel(page: Page, kim: Any, case: Case) -> None:
    other = case_of(kim, subject="The other lamp")
    link_cases(case=case, other=other, by=kim)
    page.reload()

    page.locator("#panel").get_by_role("button", name=f"Remove the link to {other.number_text}").click()

    expect(page.locator("#panel-links")).to_have_count(0)
    assert not case.links_as_first.exists()
