"""The dashboard in a real browser: charts are drawn, by nothing from elsewhere, and everybody can read the figures."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from cases.setup import set_up_instance
from tests.cases.outbound.people import case_with_mail
from tests.factories import UserFactory

DRAWN = """() => [...document.querySelectorAll("canvas.chart")].map(canvas =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean))"""


@pytest.mark.parametrize("width", [1440, 390])
def test_the_charts_are_drawn_and_the_page_is_accessible(
    log_in: Any, assert_accessible: Any, transactional_db: Any, width: int
) -> None:
    set_up_instance()
    root = UserFactory(username="root", superuser=True)
    case_with_mail(root)
    watched = log_in(root)
    watched.page.set_viewport_size({"width": width, "height": 900})
    page = watched.open("/admin/")
    page.get_by_role("link", name="Dashboard: volume, speed, backlog and health").click()
    page.wait_for_load_state("networkidle")

    assert page.evaluate(DRAWN) == [True] * 4
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Period").select_option("7")
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state("networkidle")
    page.get_by_text("Each day in figures").click()
    expect(page.locator("#e2c-volume ~ details tbody tr")).to_have_count(8)
    assert_accessible(page)
    assert (watched.foreign, watched.policy_errors) == ([], [])
