"""The back office of sending in a real browser: the preview follows what is typed, the Email action is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from cases.setup import set_up_instance
from routing.models import EmailTemplate, EmailToCaseSettings
from tests.cases.outbound.people import case_with_mail, verified_address
from tests.factories import UserFactory


@pytest.fixture
def admin(transactional_db: Any) -> User:
    set_up_instance()
    user: User = UserFactory(username="root", superuser=True)
    return user


def test_the_preview_of_a_template_follows_the_text_and_the_case(log_in: Any, admin: User) -> None:
    case = case_with_mail(admin)
    watched = log_in(admin)
    page = watched.open("/admin/routing/emailtemplate/add/")
    preview = page.locator("#e2c-preview")

    page.get_by_label("Name").fill("Hello")
    page.locator("#id_html_body").fill("<p>Dear </p>")
    page.locator("#id_html_body").press("End")
    for _letter in "</p>":
        page.locator("#id_html_body").press("ArrowLeft")
    page.locator(".e2c-fields summary").click()
    page.locator("[data-insert='customer.name']").click()
    expect(preview).to_contain_text("Dear Casey Customer")
    page.locator("#e2c-preview-case").fill(case.number_text)
    expect(preview).to_contain_text(f"Dear {case.supplied_name}")
    page.locator("#id_subject").fill("{{ case.colour }}")
    expect(preview.get_by_role("alert")).to_contain_text("No merge field: case.colour.")
    page.locator("#id_subject").fill("Case {{ case.number }}")
    expect(preview).to_contain_text(f"Case {case.number_text}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()

    template = EmailTemplate.objects.get()
    assert (template.subject, template.html_body) == ("Case {{ case.number }}", "<p>Dear {{ customer.name }}</p>")
    assert (watched.foreign, watched.policy_errors) == ([], [])


def test_the_email_action_is_saved_and_says_what_it_means(log_in: Any, admin: User) -> None:
    address = verified_address("support@company.example", routing_name="Support")
    page = log_in(admin).open("/admin/routing/recordtype/email-action/")

    page.get_by_label("From").first.select_option(str(address.pk))
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()

    assert EmailToCaseSettings.load().default_from == address
    expect(page.get_by_text("Active and verified").first).to_be_visible()
    page.get_by_role("link", name="1 person can send").first.click()
    expect(page.get_by_role("row", name="root")).to_contain_text("yes")
