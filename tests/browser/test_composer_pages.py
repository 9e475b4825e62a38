"""Around the composer, so that everybody can use it: menus, warnings, approvals, drafts, conflicts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from cases.models import Approval, Case, Draft, Outbox
from routing.models import EmailTemplate, PermissionSet, QueueMember, QuickText, RecordType, RoutingAddress
from tests.browser.desk import deliver_all, editor, primary, reply_on
from tests.browser.test_composer import saved
from tests.cases.outbound.people import grant, rep, verified_address
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


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
    expect(page.locator("[data-warnings] li")).to_have_count(3)
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


@pytest.mark.parametrize(("kind", "width"), [("forward", 390), ("new", 1440)])
def test_forward_and_new_mail_can_be_used_by_everybody(
    log_in: Any, ana: User, case: Case, assert_accessible: Any, kind: str, width: int
) -> None:
    watched = log_in(ana)
    watched.page.set_viewport_size({"width": width, "height": 844})
    page = watched.open("/cases/new/" if kind == "new" else f"/cases/{case.number}/")
    if kind == "forward":
        page.keyboard.press("f")
    expect(page.get_by_role("combobox", name="To")).to_be_focused()
    expect(page.get_by_role("textbox", name="Subject")).to_be_visible()

    assert fits(page)
    assert_accessible(page)


def test_mail_that_waits_for_its_time_gets_another_one_and_leaves_at_once(
    log_in: Any, ana: User, case: Case, assert_accessible: Any, smtp: FakeSmtpServer
) -> None:
    """By keyboard, in the time of whoever reads the page."""
    watched = log_in(ana)
    zone = {"timezoneId": "America/New_York"}
    watched.page.context.new_cdp_session(watched.page).send("Emulation.setTimezoneOverride", zone)
    page = reply_on(watched, case)
    page.get_by_text("Send later").click()
    page.get_by_role("button", name="Tomorrow").click()
    primary(page).click()
    sending = page.locator(".sending")
    expect(sending).to_contain_text("Leaves tomorrow 8:00 AM")
    wanted = (datetime.now(ZoneInfo("America/New_York")) + timedelta(days=3)).replace(hour=14, minute=30)

    page.get_by_text("Another time").focus()
    page.keyboard.press("Enter")
    field = page.locator("#conversation .sending").get_by_label("Day and time")
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits(page)
    assert_accessible(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    field.fill(wanted.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Change the time").press("Enter")

    expect(page.locator(".event").last).to_contain_text("Time of sending changed")
    expect(sending).to_contain_text("2:30 PM")
    assert Outbox.objects.get().not_before == wanted.replace(second=0, microsecond=0)
    deliver_all()
    assert smtp.ledger == []
    page.get_by_role("button", name="Send now").click()
    expect(page.locator(".event").last).to_contain_text("at once")
    deliver_all()
    assert len(smtp.ledger) == 1


def test_tomorrow_is_counted_from_the_day_on_which_it_is_chosen(log_in: Any, ana: User, case: Case) -> None:
    watched = log_in(ana)
    watched.page.clock.install(time="2026-02-27T23:50:00")
    page = reply_on(watched, case)

    page.clock.set_fixed_time("2026-02-28T00:10:00")  # a Saturday
    page.get_by_text("Send later").click()
    page.get_by_role("button", name="Tomorrow").click()
    expect(page.locator("[name=send_at]")).to_have_value("2026-03-01T08:00")
    page.get_by_text("Send later").click()
    page.get_by_role("button", name="Monday").click()
    expect(page.locator("[name=send_at]")).to_have_value("2026-03-02T08:00")


def test_button_says_whether_mail_from_the_chosen_address_has_to_be_approved(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    closed = verified_address("vip@company.example", display_name="VIP", controlled_by_permission_set=True)
    senders = grant(closed, ana)
    PermissionSet.objects.filter(pk=senders.pk).update(requires_approval=True)
    page = reply_on(log_in(ana), case)
    expect(primary(page)).to_have_text("Reply to 1 person as Gold Support")
    expect(page.locator("[data-approval]")).to_be_hidden()

    page.get_by_label("From").select_option(str(closed.pk))

    expect(primary(page)).to_have_text("Ask for approval to write to 1 person as VIP")
    expect(page.locator("[data-approval]")).to_contain_text("by the permission set “Senders” needs approval.")
    page.get_by_label("From").select_option(label="Gold Support <gold@company.example>")
    expect(primary(page)).to_have_text("Reply to 1 person as Gold Support")
    expect(page.locator("[data-approval]")).to_be_hidden()
    primary(page).click()
    expect(page.locator(".sending")).to_contain_text("Not sent yet")


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

    expect(page.get_by_role("alert")).to_contain_text("This draft was changed in another tab.")
    expect(editor(page)).to_have_text("First tab goes on")
    assert_accessible(page)
    page.get_by_role("link", name="Take the text of the other tab").click()

    expect(editor(page)).to_have_text("Of another tab")
    assert Draft.objects.get().text == "Of another tab"
