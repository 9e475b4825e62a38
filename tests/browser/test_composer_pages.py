"""Around the composer, so that everybody can use it: menus, warnings, approvals, drafts, conflicts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from cases.models import Approval, Case, Draft
from cases.setup import set_up_instance
from routing.models import EmailTemplate, QueueMember, QuickText, RecordType, RoutingAddress
from tests.browser.desk import editor, primary, reply_on
from tests.browser.test_composer import saved
from tests.cases.outbound.people import case_with_mail, rep, verified_address

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    return rep("ana")


@pytest.fixture
def gold(ana: User) -> RoutingAddress:
    return verified_address("gold@company.example", routing_name="Gold", display_name="Gold Support")


@pytest.fixture
def case(ana: User, gold: RoutingAddress) -> Case:
    return case_with_mail(ana, address=gold)


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", [1440, 390])
def test_menus_and_warnings_of_the_composer(
    log_in: Any, ana: User, case: Case, assert_accessible: Any, width: int
) -> None:
    EmailTemplate.objects.create(name="Thanks", html_body="<p>Thank you.</p>")
    QuickText.objects.create(shortcut="bye", name="Goodbye", body="Goodbye!")
    page = reply_on(log_in(ana), case, "See the attached list, {{ name }}.")
    page.set_viewport_size({"width": width, "height": 844})
    page.get_by_role("combobox", name="Cc").fill("stranger@elsewhere.example,")
    expect(page.locator("[data-warnings] li")).to_have_count(3, timeout=10_000)
    assert fits(page)
    assert_accessible(page)

    page.get_by_role("button", name="Quick text").click()
    expect(page.locator(".options [role=option]")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.locator(".why-from summary").dispatch_event("click")
    page.get_by_text("Send later").click()
    expect(page.get_by_role("button", name="Tomorrow")).to_be_visible()
    assert fits(page)
    assert_accessible(page)


def test_drafts_stand_in_a_list_with_what_they_are(
    log_in: Any, ana: User, case: Case, gold: RoutingAddress, assert_accessible: Any
) -> None:
    Draft.objects.create(author=ana, case=None, mode="new", key="a" * 24)
    Draft.objects.create(
        author=ana, case=case, mode="forward", key="b" * 24, to="kim@example.org", text="Can you look?"
    )
    Draft.objects.create(
        author=ana, case=case, mode="reply", key="c" * 24, subject="Re: Order", came_back_because="The customer wrote."
    )
    page = log_in(ana).open("/drafts/")
    rows = page.locator("#list a.row")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Came back")
    expect(rows.nth(1)).to_contain_text("kim@example.org")
    expect(rows.nth(1)).to_contain_text("Forward")
    expect(rows.nth(2)).to_contain_text("No recipient yet")
    box = rows.nth(1).bounding_box()
    assert box is not None
    assert box["height"] < 70  # three short lines
    assert_accessible(page)

    rows.nth(1).click()

    expect(editor(page)).to_have_text("Can you look?")
    expect(page.locator("#conversation .case-head .number")).to_have_text(case.number_text)


@pytest.mark.parametrize("width", [1440, 390])
def test_approver_finds_the_mail_and_rejects_it_with_a_reason(
    log_in: Any, log_in_elsewhere: Any, ana: User, case: Case, assert_accessible: Any, width: int
) -> None:
    RecordType.objects.update(requires_approval=True)
    boss = rep("boss")
    boss.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    QueueMember.objects.create(queue=case.owner_queue, user=boss)
    page = reply_on(log_in(ana), case)
    primary(page).click()
    expect(page.locator(".sending")).to_contain_text("Not sent: it waits for approval.")

    theirs = log_in_elsewhere(boss)
    theirs.page.set_viewport_size({"width": width, "height": 844})
    page = theirs.open("/cases/approvals/")
    row = page.locator("#list a.row")
    expect(row).to_contain_text("to casey@example.net")
    expect(row).to_contain_text("needs approval")
    assert_accessible(page)
    row.click()
    page.locator(".sending summary", has_text="Reject").click()
    reason = page.get_by_label("Why not?")
    reason.fill("Too short")
    box = reason.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert_accessible(page)
    page.get_by_role("button", name="Reject with this reason").click()

    expect(page.locator("#conversation")).to_contain_text("Too short")
    assert Approval.objects.get().state == "rejected"
    assert Draft.objects.get().came_back_because


def test_conflict_of_two_tabs_is_told_so_that_everybody_hears_it(
    log_in: Any, ana: User, case: Case, context: Any, assert_accessible: Any
) -> None:
    page = reply_on(log_in(ana), case, "First tab")
    saved(page)
    Draft.objects.update(text="Of another tab", html="<div>Of another tab</div>", version=7)
    page.keyboard.type(" goes on")

    expect(page.get_by_role("alert")).to_contain_text("This draft was changed in another tab.", timeout=10_000)
    expect(editor(page)).to_have_text("First tab goes on")
    assert_accessible(page)
    page.get_by_role("link", name="Take the text of the other tab").click()

    expect(editor(page)).to_have_text("Of another tab")
    assert Draft.objects.get().text == "Of another tab"
