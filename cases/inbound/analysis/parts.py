"""Which part of a stored body a page shows first, and what it may fold below. Pure.

The same rules as at receipt, run over the body that is shown: what they find is there, letter for letter.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.inbound.analysis.boundaries import find_boundaries
from cases.inbound.analysis.html_text import html_lines
from cases.inbound.analysis.lines import Line, join_lines, text_lines
from cases.inbound.analysis.replies import new_lines

__all__ = ["NewPart", "holds_quote", "new_part_of_html"]


@dataclass(frozen=True, slots=True)
class NewPart:
    text: str  # "" when all of it is an earlier mail
    letters_above: int  # letters and digits of what stands above it
    letters_below: int
    quote_follows: bool  # else a signature is all that follows


def new_part_of_html(html: str) -> NewPart:
    lines = html_lines(html)
    boundaries = find_boundaries(lines)
    new = new_lines(lines, boundaries)
    if not new:
        return NewPart("", letters_above=0, letters_below=0, quote_follows=False)
    first = next(index for index, line in enumerate(lines) if line is new[0])
    last = next(index for index in range(len(lines) - 1, -1, -1) if lines[index] is new[-1])
    is_cut = any(boundary.start > last for boundary in boundaries)
    return NewPart(
        join_lines(new),
        letters_above=_letters_in(lines[:first]),
        letters_below=_letters_in(lines[last + 1 :]),
        quote_follows=is_cut or _has_depth(lines[last + 1 :]),
    )


def holds_quote(text: str) -> bool:
    """Whether plain text that stands below the new part is an earlier mail; else it is a signature."""
    lines = text_lines(text)
    return _has_depth(lines) or bool(find_boundaries(lines))


def _has_depth(lines: list[Line]) -> bool:
    return any(line.depth for line in lines)


def _letters_in(lines: list[Line]) -> int:
    return sum(sum(map(str.isalnum, line.text)) for line in lines)
