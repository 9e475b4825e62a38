"""Merge fields of templates: `{{ customer.first_name|there }}`, a fixed list of words in braces. Pure.

Not a template language: nothing is evaluated, a field is looked up in FIELDS and replaced once. A value that looks
like a field stays the words it is, so a customer who is called "{{ rep.email }}" learns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape

__all__ = ["FIELDS", "Filled", "fill_in", "marks_in", "unknown_fields"]

FIELDS: Mapping[str, str] = {
    "case.number": "The number of the case, with its zeros.",
    "case.subject": "The subject of the case.",
    "customer.name": "The customer's name, from the contact or as it stood in the mail.",
    "customer.first_name": "The customer's first name. Write a default: not every mail has a name.",
    "customer.email": "The customer's email address.",
    "rep.name": "The name of the person who sends the mail. Nobody, in automatic answers.",
    "rep.first_name": "The first name of the person who sends the mail.",
    "address.name": "The display name of the address that the mail is sent from.",
    "address.email": "The address that the mail is sent from.",
    "satisfaction.link": "The page on which the customer says how it went. Only in the question after closing.",
    "today": "The date of the day, in the language of the address.",
}

LONGEST_SHOWN = 40  # characters of something unknown, for messages

# A formatted text holds no-break spaces where somebody typed two blanks.
_BLANKS = r"(?:\s|&nbsp;){0,20}"
_FIELD = re.compile(rf"\{{\{{{_BLANKS}([^{{}}|<>]{{1,80}}?){_BLANKS}(?:\|([^{{}}\n]{{0,200}}))?\}}\}}")
# What is left when every field is taken out and still looks like one: unfinished, or Django's own template language.
_UNFINISHED = re.compile(r"(?:\{\{|\}\}|\{%|%\}).{0,60}", re.DOTALL)
_TAG = re.compile(r"(<[^<>]*>)")
# A field that stands in a mail which a person is about to send (static/cases/composer/templates.js finds the same).
_MARK = re.compile(r"\{\{[^{}\n]{1,80}\}\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its fields replaced. `unknown` ones are left as typed; `empty` had neither value nor default."""

    text: str
    unknown: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.unknown and not self.empty


def fill_in(text: str, values: Mapping[str, str], *, html: bool, keeps_empty: bool = False) -> Filled:
    """Replace each field of `text` once. With `html`, `text` is HTML and the values are escaped for it; what stands
    inside a tag is no place for a value and stays. `keeps_empty`: a field without a value stays as a mark, for a
    person to write a word there; a machine leaves it out.
    """
    unknown: dict[str, None] = {}
    empty: dict[str, None] = {}

    def value_of(field: re.Match[str]) -> str:
        name = _name_in(field)
        if name not in FIELDS:
            unknown[name[:LONGEST_SHOWN]] = None
            return field[0]
        if value := values.get(name, "").strip():
            return escape(value) if html else value
        if default := (field[2] or "").strip():
            return default
        empty[name] = None
        return field[0] if keeps_empty else ""

    pieces = _TAG.split(text) if html else [text]
    written = [piece if _is_tag(position) else _FIELD.sub(value_of, piece) for position, piece in enumerate(pieces)]
    for name in _unfinished_in(pieces):
        unknown[name] = None
    return Filled("".join(written), tuple(unknown), tuple(empty))


def marks_in(text: str) -> tuple[str, ...]:
    """What still looks like a field in a mail, each once, as it stands there."""
    return tuple(dict.fromkeys(" ".join(mark.split()) for mark in _MARK.findall(text)))


def unknown_fields(text: str, *, html: bool) -> tuple[str, ...]:
    """What in a template looks like a field and is none, in the order it stands there."""
    return fill_in(text, {}, html=html).unknown


def _name_in(field: re.Match[str]) -> str:
    return " ".join(unescape(field[1]).split()).lower()


def _is_tag(position: int) -> bool:
    """The pieces of a split HTML text are text and tag by turns."""
    return position % 2 == 1


def _unfinished_in(pieces: list[str]) -> list[str]:
    found = []
    for position, piece in enumerate(pieces):
        rest = piece if _is_tag(position) else _FIELD.sub(" ", piece)
        if match := _UNFINISHED.search(rest):
            found.append(" ".join(unescape(match[0]).split())[:LONGEST_SHOWN])
    return found
