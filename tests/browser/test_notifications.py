"""The bell, the list behind it and the choices: with a mouse, by keyboard, on a phone, and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from cases.comments import add_note
from cases.models import Case, Notification, NotificationChoice
from cases.notifications.making import make_notifications
from tests.browser.desk import again
from tests.cases.acting.people import rep
from tests.cases.notifications.told import customer_wrote
from tests.factories import CaseFactory, EmailMessageFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim", first_name="Kim", last_name="Kind")


@pytest.fixture
def case(kim: Any) -> Case:
    case: Case = CaseFactory(
        owner_queue=None, owner_user=kim, subject="The lamp flickers", last_inbound_at=timezone.now()
    )
    EmailMessageFactory(case=case, subject=case.subject)
    return case


def test_the_bell_counts_and_leads_to_the_note(log_in: Any, kim: Any, case: Case, assert_accessible: Any) -> None:
    customer_wrote(case)
    lee = rep("lee", first_name="Lee", last_name="Long", is_superuser=True)
    note = add_note(case=case, author=lee, body="@kim please look at this")
    make_notifications()
    watched = log_in(kim)
    page = watched.open("/cases/")

    bell = page.get_by_role("link", name="Notifications", exact=True)
    expect(bell.locator(".bell-count")).to_have_text("2 unread")
    bell.click()
    expect(page.get_by_role("heading", name="Notifications")).to_be_focused()
    expect(page.locator(".told.is-unread")).to_have_count(2)
    assert_accessible(page)
    page.get_by_role("link", name="Lee Long mentioned you in a note").click()
    expect(page.locator(f"#note-{note.pk}")).to_be_in_viewport()

    # Having had the case on the page reads both.
    expect(bell.locator(".bell-count")).to_have_text("")
    page.reload()
    page.get_by_role("link", name="Notifications", exact=True).click()
    expect(page.locator(".told")).to_have_count(2)
    expect(page.locator(".told.is-unread")).to_have_count(0)
    assert watched.policy_errors == []


def test_what_happens_meanwhile_comes_with_the_counts(log_in: Any, kim: Any, case: Case) -> None:
    page = log_in(kim).open("/cases/")
    expect(page.locator(".views")).to_be_visible()
    customer_wrote(case)
    again(make_notifications)

    expect(page.locator("#bell-count")).to_have_text("1 unread")


def test_one_and_all_are_marked_read_by_keyboard(log_in: Any, kim: Any, case: Case) -> None:
    for _ in range(3):
        customer_wrote(case)
    make_notifications()
    page = log_in(kim).open("/cases/notifications/")

    page.get_by_role("button", name="Mark as read: case").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".told.is-unread")).to_have_count(2)
    expect(page.locator("#bell-count")).to_have_text("2 unread")
    page.get_by_role("button", name="Mark all as read").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".told.is-unread")).to_have_count(0)
    expect(page.locator("#bell-count")).to_have_text("")

    assert not Notification.objects.filter(read_at__isnull=True).exists()


@pytest.mark.parametrize("width", [1440, 390])
def test_choices_are_made_at_every_width(log_in: Any, kim: Any, width: int, assert_accessible: Any) -> None:
    watched = log_in(kim)
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = watched.open("/cases/notifications/settings/")
    assert_accessible(page)

    page.get_by_role("combobox", name="Mentioned in a note: by mail").select_option("daily")
    page.get_by_role("checkbox", name="Task due: show in the console").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast", has_text="Saved.")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chosen = NotificationChoice.objects.order_by("kind").values_list("user", "kind", "in_app", "mail")
    assert list(chosen) == [(kim.pk, "mention", True, "daily"), (kim.pk, "task_due", False, "daily")]


def test_without_javascript_everything_is_there(
    browser: Browser, live_server: Any, kim: Any, case: Case, client: Any
) -> None:
    customer_wrote(case)
    make_notifications()
    client.force_login(kim)
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/cases/")

    page.get_by_role("link", name="Notifications", exact=True).click()
    page.get_by_role("button", name="Mark as read: case").click()
    expect(page.locator(".told.is-unread")).to_have_count(0)
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("combobox", name="New email on my case: by mail").select_option("hourly")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    assert NotificationChoice.objects.get().mail == "hourly"
    context.close()
