"""The configuration file and the mail lab in a real browser: from the first look to what was done."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from cases.inbound.settle import settle_batch
from cases.models import Case, InboundEmail
from cases.setup import set_up_instance
from routing.models import AssignmentRule, Queue, RoutingAddress, RuleEntry
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

FILE = """version: 1
queues:
  - name: Billing
routing_addresses:
  - email_address: support@company.example
    owner: queue:Billing
    signature: |
      Kind regards
      A long signature that says who we are and where to find us, so that the column has to wrap its words
"""


@pytest.fixture
def watched(log_in: Any, transactional_db: Any) -> Any:
    set_up_instance()
    repairs = QueueFactory(name="Repairs")
    RoutingAddressFactory(email_address="support@company.example", routing_name="Support", owner_queue=repairs)
    return log_in(UserFactory(username="root", superuser=True))


def test_a_file_is_looked_at_tried_and_merged(watched: Any, assert_accessible: Any) -> None:
    ingest_mail(subject="A lamp")
    page = watched.open("/admin/routing/emailtocasesettings/configuration/")
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the configuration").click()
    assert download.value.suggested_filename.endswith(".yaml")

    page.get_by_label("or its text").fill("version: 1\nqueues:\n  - name: A\n    colour: red\n")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 4: queues[0] (A).colour")
    assert_accessible(page)

    page.get_by_label("or its text").fill(FILE)
    page.get_by_role("button", name="See what would change").click()
    expect(page.locator(".e2c-diff ins")).to_have_count(2)
    page.get_by_role("button", name="See what mail would become").click()
    expect(page.get_by_role("status")).to_contain_text("1 mail would become something else.")
    page.get_by_text("In this instance and not in the file: not touched").click()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not Queue.objects.filter(name="Billing").exists()

    page.get_by_role("button", name="Make these 3 changes").click()
    expect(page.get_by_text("3 changes were made.")).to_be_visible()

    assert str(RoutingAddress.objects.get().owner_queue) == "Billing"
    assert (watched.foreign, watched.policy_errors) == ([], [])


def test_a_sample_is_looked_at_and_handed_in(
    watched: Any, assert_accessible: Any, settings: Any, live_server: Any
) -> None:
    settings.E2C_PROVIDERS, settings.E2C_WEBHOOK_SECRET = ["postmark"], "robot:correct horse"
    page = watched.open("/admin/cases/inboundemail/lab/")
    assert_accessible(page)
    page.get_by_role("button", name="See what would happen").click()

    expect(page.get_by_role("heading", name="It would open a case.")).to_be_visible()
    expect(page.get_by_role("row", name="Owner queue Repairs")).to_be_visible()
    page.get_by_text("The mail as it is").first.click()
    page.get_by_text("A mail of your own", exact=True).click()
    assert_accessible(page)
    for width in (768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not Case.objects.exists()

    page.get_by_role("button", name="Do it: hand this mail in").click()
    expect(page.get_by_text("The mail is in.")).to_be_visible()
    settle_batch()
    page.reload()

    case = Case.objects.get()
    expect(page.get_by_role("link", name=f"{case.number_text} My lamp does not light")).to_be_visible()
    assert (watched.foreign, watched.policy_errors, watched.dialogs) == ([], [], [])


def test_a_step_of_the_lab_leads_to_the_setting_that_decided_it(
    watched: Any, assert_accessible: Any, settings: Any, live_server: Any
) -> None:
    settings.E2C_PROVIDERS, settings.E2C_WEBHOOK_SECRET = ["postmark"], "robot:correct horse"
    rule = AssignmentRule.objects.create(name="By subject")
    for number in range(1, 6):
        # The last one holds, and stands below what a window shows.
        conditions = {} if number == 5 else {"field": "subject", "operator": "is", "value": f"nobody writes {number}"}
        RuleEntry.objects.create(
            rule=rule, label=f"Entry {number}", position=number, conditions=conditions, owner_queue=QueueFactory()
        )
    RoutingAddress.objects.update(strategy="rules", assignment_rule=rule, block_email_from="blocked.example")
    page = watched.open("/admin/cases/inboundemail/lab/")
    page.get_by_role("button", name="See what would happen").click()
    steps = page.locator(".e2c-lab-steps")
    expect(steps.get_by_role("link", name="Routing address: email address")).to_be_visible()
    assert_accessible(page)

    steps.get_by_role("link", name="Assignment rule: entry").click()

    entry = page.locator(".e2c-shown")
    expect(entry.locator("input[name$='-label']")).to_have_value("Entry 5")
    expect(entry.locator("input[name$='-label']")).to_be_in_viewport()
    assert_accessible(page)
    address = RoutingAddress.objects.get()
    page.goto(f"{watched.origin}/admin/routing/routingaddress/{address.pk}/change/#id_block_email_from")
    expect(page.locator("#id_block_email_from")).to_be_focused()
    expect(page.locator("#id_block_email_from")).to_be_in_viewport()
    page.evaluate("location.hash = '#id_case_priority'")
    expect(page.locator(".e2c-shown")).to_have_count(1)
    expect(page.locator(".e2c-shown")).to_contain_text("Case priority")
    assert (watched.foreign, watched.policy_errors, watched.dialogs) == ([], [], [])


def test_a_new_flow_begins_with_a_step_that_shows_what_its_target_reads(watched: Any, assert_accessible: Any) -> None:
    page = watched.open("/admin/routing/routingflow/add/")
    queue, choice = (page.locator(f"#steps-group .field-{name}").first for name in ("queue", "method"))
    expect(queue).to_be_visible()
    expect(choice).to_be_hidden()

    page.locator("#id_steps-0-target").select_option("skills")

    expect(choice).to_be_visible()
    expect(queue).to_be_hidden()
    assert_accessible(page)


def test_pages_of_stored_mail_are_no_wider_than_a_phone(watched: Any) -> None:
    ingest_mail(subject="A lamp")
    mail = InboundEmail.objects.get()

    page = watched.open(f"/admin/cases/inboundemail/{mail.pk}/change/")
    page.set_viewport_size({"width": 390, "height": 900})

    expect(page.get_by_text(mail.raw.sha256)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
