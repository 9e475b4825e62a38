"""axe-core over an open page, by the rules of WCAG 2 A and AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@cache
def axe_source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations_of(page: Page) -> list[str]:
    """One line for each rule that is broken, with the first places. Mails in their frames are their senders'."""
    page.wait_for_timeout(300)  # what fades in is measured when it is there
    # Not a <script>: the policy of the page would stop it, as it should.
    page.evaluate(axe_source())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, iframes: false})", RULES
    )
    return [
        f"{each['id']}: {each['help']}: "
        + " | ".join(f"{node['html'][:200]} ({node['failureSummary'][:200]})" for node in each["nodes"][:3])
        for each in found["violations"]
    ]


def assert_accessible(page: Page) -> None:
    """In light and in dark: contrast is another in each."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a Literal of the library
        found = violations_of(page)
        assert not found, f"{page.url} in {scheme}: {found}"
