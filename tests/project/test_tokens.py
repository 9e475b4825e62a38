"""The colours of every page: each pair of words and ground that is used has the contrast that WCAG 2 AA asks for."""

from __future__ import annotations

import re

import pytest

from tests.project.processes import ROOT

STYLES = ROOT / "static" / "cases"
OF_ADMIN = ("admin.css", "first_steps.css")  # pages of the back office have its colours
TEXT, CONTROL = 4.5, 3.0  # WCAG 2.2: 1.4.3 and 1.4.11
GROUNDS = ("ground", "paper", "raised", "paper-ours", "hover", "selected", "note")
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "ink-soft") for ground in (*GROUNDS, "accent-soft")),
    *(("accent", ground, TEXT) for ground in (*GROUNDS, "accent-soft")),
    *(("error-ink", ground, TEXT) for ground in (*GROUNDS, "error")),
    *(("warning-ink", ground, TEXT) for ground in ("warning", "paper", "ground")),
    *(("good-ink", ground, TEXT) for ground in ("good", "paper", "ground")),
    ("accent-ink", "accent", TEXT),
    ("accent-ink", "accent-hover", TEXT),
    ("toast-ink", "toast", TEXT),
    ("toast-action", "toast", TEXT),
    *(("line-strong", ground, CONTROL) for ground in ("ground", "paper", "raised", "paper-ours")),
    ("error-line", "paper", CONTROL),
]


def colours(scheme: str) -> dict[str, str]:
    found = re.findall(
        r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (STYLES / "tokens.css").read_text()
    )
    return {name: light if scheme == "light" else dark for name, light, dark in found}


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_wcag_does() -> None:
    assert round(contrast("#ffffff", "#000000"), 2) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_grounds(scheme: str) -> None:
    found = colours(scheme)

    weak = {
        f"{ink} on {ground}": round(ratio, 2)
        for ink, ground, least in PAIRS
        if (ratio := contrast(found[ink], found[ground])) < least
    }

    assert weak == {}


def test_styles_use_only_tokens_that_exist_and_no_colour_of_their_own() -> None:
    """What a mail shows is its sender's; print is black on white."""
    defined = set(re.findall(r"^\s*(--[a-z0-9-]+):", (STYLES / "tokens.css").read_text(), re.MULTILINE))
    wrong: list[str] = []

    for path in sorted(STYLES.glob("*.css")):
        if path.name in ("tokens.css", *OF_ADMIN):
            continue
        style = path.read_text()
        # With a value to fall back on it is one that a script sets.
        wrong += [f"{path.name}: {name}" for name in set(re.findall(r"var\((--[a-z0-9-]+)\)", style)) - defined]
        screen = re.sub(r"@media print \{.*?\n\}", "", style, flags=re.DOTALL)
        colours = re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", screen)
        wrong += [f"{path.name}: {each}" for each in colours if each != "#fff"]

    assert wrong == []


def test_styles_ask_no_system_for_its_colours_but_the_tokens() -> None:
    asking = [path.name for path in STYLES.glob("*.css") if "prefers-color-scheme" in path.read_text()]

    assert [name for name in asking if name not in OF_ADMIN] == []
