"""The list in a real browser: filters, saved views, search, selection, keys, a phone, no JavaScript, axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases.models import Case, SavedView, Tag
from cases.search_index import index_messages
from cases.setup import set_up_instance
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    user = UserFactory(username="ana", first_name="Ana", last_name="Rep")
    user.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="reply_case"))
    return user


@pytest.fixture
def cases(ana: User) -> list[Case]:
    queue = QueueFactory(name="Repairs")
    queue.members.add(ana)
    now = timezone.now()
    made = []
    for number in range(16):
        subject = (
            "طلب جديد 注文について" if number == 3 else f"Order {number} did not arrive, and nobody answers our calls"
        )
        case = CaseFactory(
            owner_queue=queue,
            subject=subject,
            supplied_name=f"Customer {number}",
            priority="High" if number == 2 else "Medium",
            created_at=now - timedelta(hours=number),
            last_inbound_at=now - timedelta(hours=number),
        )
        message = EmailMessageFactory(
            case=case, text_body=f"Hello <b>you</b>, parcel{number} is lost.", snippet="Hello"
        )
        index_messages([message.pk])
        made.append(case)
    made[1].tags.add(Tag.objects.create(name='<i>"vip"</i>'))
    return made


@pytest.fixture
def page(log_in: Any, ana: User, cases: list[Case]) -> Page:
    return log_in(ana).open("/cases/?view=open")


def rows(page: Page) -> Any:
    return page.locator("#list a.row")


def test_fourteen_rows_are_seen_at_once(page: Page) -> None:
    expect(rows(page)).to_have_count(16)
    box = page.locator("#list").bounding_box()
    assert box is not None
    assert 360 <= box["width"] <= 420
    last = rows(page).nth(13).bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 900


def test_a_filter_narrows_and_its_chip_takes_it_away(page: Page) -> None:
    page.locator("#list summary", has_text="Filter").click()
    page.get_by_label("High", exact=True).check()
    page.get_by_role("button", name="Show").click()

    expect(rows(page)).to_have_count(1)
    assert "priority=High" in page.url
    assert "status=" not in page.url
    page.locator(".list-chips a", has_text="Priority: High").click()
    expect(rows(page)).to_have_count(16)


def test_a_search_marks_what_it_found_and_runs_nothing(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#search-box")).to_be_focused()
    page.keyboard.type("parcel7 you")
    page.keyboard.press("Enter")

    expect(rows(page)).to_have_count(1)
    expect(rows(page).locator("mark").first).to_have_text("you")
    assert page.locator("#list .row b").count() == 0
    page.locator("#search-box").fill("parcel7 absent")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No case of yours has these words.")).to_be_visible()


def test_a_list_is_kept_under_a_name_renamed_and_deleted(page: Page, ana: User, live_server: Any) -> None:
    in_pane = page.locator("#views a[href*='saved=']")
    errors: list[str] = []
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    page.goto(f"{live_server.url}/cases/?view=open&priority=High")
    page.locator("#list summary", has_text="Save").click()
    page.get_by_label("Save this list as").fill('<script>"hot"</script>')
    page.get_by_role("button", name="Save view").click()
    expect(page.locator("#list h1")).to_have_text('<script>"hot"</script>')
    expect(rows(page)).to_have_count(1)
    expect(in_pane).to_have_text('<script>"hot"</script>')
    expect(in_pane).to_have_attribute("aria-current", "page")
    view = SavedView.objects.get(owner=ana)
    assert (view.query, view.is_shared) == ("view=open&priority=High", False)

    page.locator("#list summary", has_text="This view").click()
    page.get_by_label("Name", exact=True).fill("Hot")
    page.get_by_label("For everybody").check()
    page.locator(".pop[open]").get_by_role("button", name="Save").click()
    expect(page.locator("#list h1")).to_have_text("Hot")
    expect(in_pane).to_have_text("Hot")
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Hot", True)

    page.locator("#list summary", has_text="This view").click()
    page.get_by_role("button", name="Delete this view").click()
    expect(page.locator("#list h1")).not_to_have_text("Hot")
    expect(in_pane).to_have_count(0)
    assert not SavedView.objects.exists()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")
    page.wait_for_load_state("networkidle")
    assert errors == []


def test_a_view_that_a_colleague_shares_appears_with_the_next_look(page: Page, ana: User) -> None:
    page.locator("#views").get_by_role("link", name="My queues").focus()
    SavedView.objects.create(owner=UserFactory(), name="Shared by Ben", is_shared=True, query="view=open")

    page.evaluate("document.body.dispatchEvent(new CustomEvent('look-again'))")

    expect(page.locator("#views").get_by_role("link", name="Shared by Ben")).to_be_visible()
    expect(page.locator("#views").get_by_role("link", name="My queues")).to_be_focused()


def test_every_page_of_lists_fits_and_breaks_no_rule_of_wcag(page: Page, assert_accessible: Any) -> None:
    long_words = "a word that is rather long " * 6
    for address in (
        "/cases/?view=open&sort=due",
        "/cases/?view=closed",
        f"/cases/?view=open&q={long_words.replace(' ', '+')}&priority=High&tag={'x' * 40}&awaiting=us",
        "/cases/filters/?view=open",
        "/cases/views/",
        "/cases/approvals/",
        "/drafts/",
    ):
        page.goto(page.url.split("/cases")[0].split("/drafts")[0] + address)
        page.wait_for_load_state("networkidle")
        pane = page.locator("#views" if address == "/cases/views/" else "#list")
        for width in (768, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            assert pane.evaluate("pane => pane.scrollWidth <= pane.clientWidth"), address
        assert_accessible(page)


def test_keys_move_and_select(page: Page) -> None:
    bar = page.locator(".bulk")
    expect(bar).to_be_hidden()
    page.keyboard.press("j")
    expect(rows(page).first).to_be_focused()
    page.keyboard.press("x")
    expect(bar).to_be_visible()
    expect(page.locator(".bulk-count")).to_have_text("1 selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_selected_cases_are_taken_together(page: Page, ana: User, cases: list[Case]) -> None:
    for number in (0, 1):
        page.locator("input[name=numbers]").nth(number).check(force=True)
    page.locator(".bulk").get_by_role("button", name="Take").click()

    expect(rows(page).nth(0)).to_contain_text("Ana Rep")
    assert set(Case.objects.filter(owner_user=ana)) == set(cases[:2])


def test_the_list_keeps_its_place_when_something_was_done_with_selected_cases(
    page: Page, ana: User, cases: list[Case]
) -> None:
    for number in range(30):
        CaseFactory(owner_queue=cases[0].owner_queue, subject=f"One more {number}")
    page.reload()
    scrolled = "list => list.scrollTop"
    for _ in range(20):
        page.keyboard.press("j")
    here = rows(page).nth(19)
    expect(here).to_be_focused()
    after = rows(page).nth(20).get_attribute("href") or ""
    before = page.locator("#list").evaluate(scrolled)
    assert before > 100
    page.keyboard.press("x")

    page.locator(".bulk").get_by_role("button", name="Close").click()

    expect(rows(page)).to_have_count(45)
    assert page.locator("#list").evaluate(scrolled) == before
    page.keyboard.press("j")
    expect(page.locator(f'#list a.row[href="{after}"]')).to_be_focused()


def test_a_long_subject_is_cut_at_its_end_in_every_script(page: Page, cases: list[Case]) -> None:
    words = ["Order after order, and none of them has come " * 3, "مشكلة في الفاتورة وطلب استرداد المبلغ " * 4]
    for case, text in zip(cases, words, strict=False):
        Case.objects.filter(pk=case.pk).update(subject=text)
    page.reload()

    for number, text in enumerate(words):
        subject = rows(page).nth(number).locator(".row-subject")
        expect(subject).to_contain_text(text.strip())
        first_letter_is_seen = subject.evaluate(
            """place => {
                const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
                let text = walker.nextNode();
                while (!text.data.trim()) text = walker.nextNode();
                const range = new Range();
                const first = text.data.search(/\\S/);
                range.setStart(text, first);
                range.setEnd(text, first + 1);
                const [letter, box] = [range.getBoundingClientRect(), place.getBoundingClientRect()];
                return letter.left >= box.left - 1 && letter.right <= box.right + 1;
            }"""
        )
        assert first_letter_is_seen, text


def test_new_mail_is_announced_and_moves_nothing(page: Page, cases: list[Case]) -> None:
    later = timezone.now() + timedelta(minutes=1)
    Case.objects.filter(pk=cases[9].pk).update(last_activity_at=later)

    link = page.locator(".newer a")
    expect(link).to_have_text("1 changed, show")
    expect(rows(page).first).not_to_contain_text("Order 9")
    link.click()
    expect(rows(page).first).to_contain_text("Order 9")


def test_lists_break_no_rule_of_wcag_on_a_wide_screen(page: Page, live_server: Any, assert_accessible: Any) -> None:
    for path in ("/cases/?view=open", "/cases/?q=parcel&priority=Medium", "/cases/?view=snoozed"):
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        if path == "/cases/?view=open":
            page.locator("input[name=numbers]").first.check(force=True)
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_everything_works_without_javascript(
    browser: Browser, page: Page, live_server: Any, cases: list[Case], ana: User
) -> None:
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(page.context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/?view=open")
    page.locator("#list summary", has_text="Filter").click()
    page.get_by_role("link", name="Choose filters").click()
    page.get_by_label("High", exact=True).check()
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_count(1)
    page.locator("#search-box").fill("parcel2")
    page.locator("#search-box").press("Enter")
    expect(rows(page)).to_have_count(1)
    page.locator("input[name=numbers]").check(force=True)
    page.get_by_role("button", name="Take").click()
    expect(rows(page)).to_contain_text("Ana Rep")
    assert Case.objects.get(owner_user=ana) == cases[2]
    plain.close()
