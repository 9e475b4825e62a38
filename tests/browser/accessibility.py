"""axe-core over an open page, by the rules of WCAG 2 A and AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What the colours of a page decide; everything else is the same in light and dark.
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
# What fades in is measured when it is there; what stands still half way or turns for ever is not waited for.
FADED_IN = """() => Promise.race([
    Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => null))),
    new Promise(resolve => setTimeout(resolve, 300)),
])"""


@cache
def axe_source() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations_of(page: Page, within: str, only: Literal["colour"] | None = None) -> list[str]:
    """One line for each rule that is broken, with the first places. Mails in their frames are their senders'."""
    page.evaluate(FADED_IN)
    # Not a <script>: the policy of the page would stop it, as it should.
    page.evaluate(f"window.axe || (() => {{ {axe_source()} }})()")
    kind, rules = ("rule", RULES_OF_COLOUR) if only else ("tag", RULES)
    found: dict[str, Any] = page.evaluate(
        "([within, runOnly]) => axe.run(within, {runOnly, iframes: false, resultTypes: ['violations']})",
        [within, {"type": kind, "values": rules}],
    )
    return [
        f"{each['id']}: {each['help']}: "
        + " | ".join(f"{node['html'][:200]} ({node['failureSummary'][:200]})" for node in each["nodes"][:3])
        for each in found["violations"]
    ]


def assert_accessible(page: Page, within: str = "html") -> None:
    """By every rule in light, and by those of colour in dark. `within`: a selector of what has changed in a page that
    was measured whole elsewhere.
    """
    page.emulate_media(color_scheme="light")
    found = violations_of(page, within)
    assert not found, f"{page.url} in light: {found}"
    page.emulate_media(color_scheme="dark")
    found = violations_of(page, within, only="colour")
    assert not found, f"{page.url} in dark: {found}"
