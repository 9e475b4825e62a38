"""The analysis costs time in proportion to a mail's length: steps are counted, not seconds."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from cases.inbound.analysis.lines import MAX_CHARACTERS
from tests.cases.inbound.analysis.mails import analysed, mail

TEXTS = {
    "quote marks on one line": "> ",
    "quote marks without spaces": ">",
    "lines of quote": "> a\n",
    "header labels": "From: a@example.net\n",
    "blocks of headers": "From: a\nTo: b@example.net\n\n",
    "attributions": "On 5 Jan 2024 at 10:12 a <a@example.net> wrote:\n",
    "attribution openers": "On 5 Jan 2024 at 10:12,\n",
    "colons": "a:\n",
    "separators": "-----Original Message-----\n",
    "underscores": "_",
    "signature delimiters": "--\n",
    "phone signatures": "Sent from my iPhone\n",
    "at signs": "a@",
    "dots and digits": "5.1.",
    "spaces": " ",
    "interleaved": "> q\na\n",
    "mailto": "From: [mailto:",
    "brackets": '<("',
}
PAGES = {
    "unfinished tags": "<a",
    "open divs": "<div>",
    "open formatting": "<b x=1><p>",
    "open quotes": "<blockquote type=cite>",
    "comments": "<!--",
    "attributes": "<p a='",
    "tables": "<table><tr><td>",
    "entities": "&amp;",
    "bare marks": "< ",
}


def steps(**body: str) -> int:
    """Lines of Python executed in the analysis package."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if "analysis" not in frame.f_code.co_filename:
            return None
        count += 1
        return trace

    email = mail(**body)
    sys.settrace(trace)
    try:
        analysed(email)
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("unit", TEXTS.values(), ids=TEXTS)
def test_twice_the_text_costs_at_most_twice_the_steps(unit: str) -> None:
    small = steps(text=(unit * 20_000)[:6_000])
    large = steps(text=(unit * 20_000)[:12_000])

    assert large <= 2.2 * small + 500


@pytest.mark.parametrize("unit", PAGES.values(), ids=PAGES)
def test_twice_the_html_costs_at_most_twice_the_steps(unit: str) -> None:
    small = steps(html=(unit * 20_000)[:6_000])
    large = steps(html=(unit * 20_000)[:12_000])

    assert large <= 2.2 * small + 500


@pytest.mark.parametrize("unit", TEXTS.values(), ids=TEXTS)
def test_text_beyond_the_bound_costs_nothing_more(unit: str) -> None:
    text = unit * (MAX_CHARACTERS * 2 // len(unit))

    result = analysed(mail(text))

    assert len(result.reply_text) <= MAX_CHARACTERS * 2
