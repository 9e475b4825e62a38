"""An approver changes a mail before it leaves: in a browser, with and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from cases.models import Case, EmailMessage, Outbox
from routing.models import QueueMember, RecordType
from tests.browser.desk import reply_on
from tests.cases.outbound.people import rep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(case: Case) -> User:
    user = rep("boss")
    user.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    QueueMember.objects.create(queue=case.owner_queue, user=user)
    RecordType.objects.update(requires_approval=True)
    return user


def test_approver_changes_words_and_both_see_what_was_changed(
    log_in: Any, log_in_elsewhere: Any, ana: User, boss: User, case: Case, assert_accessible: Any
) -> None:
    page = reply_on(log_in(ana), case, "Pay now or else.")
    page.locator("[data-composer] button.primary").click()
    expect(page.locator(".sending")).to_contain_text("it waits for approval")

    theirs = log_in_elsewhere(boss).open(f"/cases/{case.number}/")
    theirs.locator(".sending summary", has_text="Change").click()
    expect(theirs.get_by_label("Text, without signature and quote")).to_have_value("Pay now or else.")
    assert_accessible(theirs)
    theirs.get_by_label("Text, without signature and quote").fill("Please pay by Friday.")
    theirs.get_by_role("button", name="Approve with these changes").click()

    changes = theirs.locator(".changes")
    expect(changes).to_contain_text("boss changed this mail before approving it")
    changes.locator("summary").click()
    expect(changes.locator("del").first).to_have_text("Pay now or else.")
    assert_accessible(theirs)
    assert EmailMessage.objects.get(incoming=False).reply_text == "Please pay by Friday."
    assert Outbox.objects.get().state == "queued"
    page.reload()
    expect(page.locator(".changes")).to_contain_text("boss changed this mail before approving it")


def test_approver_changes_words_without_javascript(
    browser: Any, log_in: Any, ana: User, boss: User, case: Case, live_server: Any, context: Any
) -> None:
    page = reply_on(log_in(ana), case, "Pay now or else.")
    page.locator("[data-composer] button.primary").click()
    expect(page.locator(".sending")).to_contain_text("it waits for approval")
    log_in(boss)
    plain = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    plain.add_cookies(context.cookies())
    theirs = plain.new_page()
    theirs.goto(f"{live_server.url}/cases/{case.number}/")

    theirs.locator(".sending summary", has_text="Change").click()
    form = theirs.locator(".menu-body.change")
    box = form.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    form.locator("textarea").fill("Pay soon or else.")
    theirs.get_by_role("button", name="Approve with these changes").click()

    expect(theirs.locator(".changes")).to_contain_text("boss changed this mail")
    assert EmailMessage.objects.get(incoming=False).reply_text == "Pay soon or else."
    plain.close()
