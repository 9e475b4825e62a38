"""A mail's text as lines that know how deep they are quoted; what the reply and forward rules work on. Pure.

A body is cut to MAX_CHARACTERS and MAX_LINES before any rule looks at it, and every rule reads a line a fixed number
of times, so the work grows with the size of the mail and not with its shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_CHARACTERS = 400_000
MAX_LINES = 12_000
# Quotes deeper than this are one quote: a line of 100,000 ">" is not 100,000 levels.
MAX_DEPTH = 12

# What the HTML of a mail program says about the line that follows.
MARK_CUT = "cut"  # from here on everything is the earlier mail (Outlook's header block)
MARK_ATTRIBUTION = "attribution"  # "On ... wrote:", in an element that holds nothing else
MARK_SIGNATURE = "signature"  # the program's own signature element

# "> > text", ">>text", " > text"; bounded so that it cannot be made to look at one character twice.
_QUOTE_PREFIX = re.compile(r"[ \t\u00a0]{0,3}((?:>[ \t\u00a0]?){1,200})")
_INVISIBLE = str.maketrans(
    "", "", "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its quote prefix. `depth` 0 is the sender's own; `mark` is one of the MARK_ values or ""."""

    text: str
    depth: int = 0
    mark: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.text

    def rendered(self) -> str:
        """The line as plain text shows it, with its quote prefix."""
        if not self.depth:
            return self.text
        return ("> " * self.depth + self.text).rstrip()


def text_lines(text: str) -> list[Line]:
    """The lines of a plain text body. Trailing white space goes; the "-- " of a signature is kept as "--"."""
    lines = []
    for raw in text[:MAX_CHARACTERS].split("\n", MAX_LINES)[:MAX_LINES]:
        clean = raw.rstrip("\r").translate(_INVISIBLE)
        prefix = _QUOTE_PREFIX.match(clean)
        if prefix:
            depth = min(prefix.group(1).count(">"), MAX_DEPTH)
            rest = clean[prefix.end() :]
            lines.append(Line((rest.lstrip("> \t") if depth == MAX_DEPTH else rest).rstrip(), depth))
        else:
            lines.append(Line(clean.rstrip()))
    return lines


def join_lines(lines: list[Line]) -> str:
    """Plain text of lines: blank lines at both ends go, more than two in a row become two."""
    out: list[str] = []
    blank = 0
    for line in lines:
        rendered = line.rendered()
        if rendered.strip():
            out.append(rendered)
            blank = 0
        elif out and blank < 2:
            out.append("")
            blank += 1
    while out and not out[-1]:
        out.pop()
    return "\n".join(out)
