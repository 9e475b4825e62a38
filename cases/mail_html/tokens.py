"""Split the HTML of a mail into text and allowed tags, bounded and in time linear in its length.

HTML parsers follow the HTML standard and swallow everything after an unclosed comment or style; here text after a
broken tag is still shown. Safety does not rest on this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

MAX_CHARACTERS = 2_000_000
MAX_TAGS = 40_000  # opening and closing ones together; a long newsletter has 5,000
MAX_ATTRIBUTES = 120_000  # of the whole mail, kept or not
MAX_ATTRIBUTES_PER_TAG = 64
MAX_TAIL = 200_000  # characters shown of what follows a tag that never ends

VOID_TAGS = frozenset({"br", "col", "hr", "img", "wbr"})
FORMATTING_TAGS = frozenset({"a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"})
CELL_TAGS = frozenset({"caption", "td", "th"})
ROW_TAGS = frozenset({"tr"})
TABLE_PARTS = frozenset({"caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"})
BLOCK_TAGS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "details",
        "dir",
        "div",
        "dl",
        "figcaption",
        "figure",
        "footer",
    }
    | {
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "ul",
    }
)
INLINE_TAGS = frozenset(
    {
        "abbr",
        "acronym",
        "bdi",
        "bdo",
        "br",
        "cite",
        "del",
        "dfn",
        "img",
        "ins",
        "kbd",
        "mark",
        "q",
        "samp",
        "span",
        "sub",
    }
    | {"sup", "time", "var", "wbr"}
)
LIST_PARTS = frozenset({"dd", "dt", "li"})
ALLOWED_TAGS = FORMATTING_TAGS | TABLE_PARTS | BLOCK_TAGS | INLINE_TAGS | LIST_PARTS

ALLOWED_ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"align", "class", "dir", "lang", "style"}),
    "a": frozenset({"href"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "table": frozenset({"bgcolor", "border", "cellpadding", "cellspacing", "height", "width"}),
    "td": frozenset({"bgcolor", "colspan", "height", "nowrap", "rowspan", "valign", "width"}),
    "th": frozenset({"bgcolor", "colspan", "height", "nowrap", "rowspan", "valign", "width"}),
    "tr": frozenset({"bgcolor", "height", "valign"}),
    "tbody": frozenset({"valign"}),
    "col": frozenset({"span", "width"}),
    "colgroup": frozenset({"span", "width"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"color", "noshade", "size", "width"}),
    "ol": frozenset({"start", "type"}),
    "ul": frozenset({"type"}),
    "li": frozenset({"value"}),
}

# Elements whose content is not mail: dropped whole when closed; without a closing tag only the opening one goes.
DROPPED_WITH_CONTENT = frozenset({"iframe", "noembed", "noframes", "script", "style", "title"})
QUOTE_CLASSES = frozenset(
    {"gmail_quote", "gmail_quote_container", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix"}
)

MARKUP_START = re.compile(r"<(?=[a-zA-Z/!?])")
TAG_START = re.compile(r"(/?)([a-zA-Z][^\s/>]*+)")
SKIPPED = re.compile(r"[\s/]*+")
ATTRIBUTE = re.compile(r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?)?""")
CLOSERS = {tag: re.compile(rf"</{tag}(?=[\s/>])[^>]*+>", re.IGNORECASE | re.ASCII) for tag in DROPPED_WITH_CONTENT}
SHORT_TAG = re.compile(r"<[^<>]{0,2000}+>")


class TooMuchHtml(ValueError):
    """Over a cap: the mail is shown as text."""


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    is_closing: bool
    attributes: tuple[tuple[str, str], ...] = ()  # allowed ones, values as written (character references not decoded)


@dataclass(frozen=True, slots=True)
class Text:
    """Text between tags, character references not decoded."""

    text: str


def tokens_of(html: str) -> Iterator[Tag | Text]:
    """Split into text and allowed tags. Comments, scripts, other tags are left out; text after a broken tag is kept.

    Raises TooMuchHtml as soon as a cap is passed.
    """
    if len(html) > MAX_CHARACTERS:
        raise TooMuchHtml(f"{len(html)} characters")
    position, tags, attributes_seen = 0, 0, 0
    never_closed: set[str] = set()  # what was sought once to the end in vain; keeps the whole linear
    while (markup := MARKUP_START.search(html, position)) is not None:
        start = markup.start()
        if start > position:
            yield Text(html[position:start].replace("<", "&lt;"))
        if html.startswith("<!--", start):
            end = -1 if "<!--" in never_closed else html.find("-->", start + 2)
            if end < 0:
                never_closed.add("<!--")
                position = start + 4
            else:
                position = end + 3
            continue
        found = TAG_START.match(html, start + 1)
        if found is None:
            # "<!DOCTYPE", "<?xml", "</ x>": nothing to show.
            end = -1 if ">" in never_closed else html.find(">", start)
            if end < 0:
                never_closed.add(">")
            position = end + 1 if end >= 0 else start + 2
            continue
        tags += 1
        if tags > MAX_TAGS:
            raise TooMuchHtml(f"more than {MAX_TAGS} tags")
        attributes, end, count = _attributes_at(html, found.end())
        attributes_seen += count
        if attributes_seen > MAX_ATTRIBUTES:
            raise TooMuchHtml(f"more than {MAX_ATTRIBUTES} attributes")
        if end < 0:  # the mail ends inside a tag: show what text there is
            yield Text(escape(SHORT_TAG.sub(" ", html[start : start + MAX_TAIL])))
            return
        position = end
        name, is_closing = found[2].lower(), bool(found[1])
        if name in DROPPED_WITH_CONTENT and not is_closing and name not in never_closed:
            closer = CLOSERS[name].search(html, position)
            if closer is None:
                never_closed.add(name)
            else:
                position = closer.end()
        elif name in ALLOWED_TAGS:
            yield Tag(name, is_closing, () if is_closing else _allowed(name, attributes))
    if position < len(html):
        yield Text(html[position:].replace("<", "&lt;"))


def _attributes_at(html: str, position: int) -> tuple[list[tuple[str, str]], int, int]:
    """(attributes, position after ">" or -1 when there is none, how many attributes were passed)."""
    attributes: list[tuple[str, str]] = []
    count = 0
    while True:
        position = SKIPPED.match(html, position).end()  # type: ignore[union-attr]  # matches the empty string too
        if html.startswith(">", position):
            return attributes, position + 1, count
        found = ATTRIBUTE.match(html, position)
        if found is None:
            return attributes, -1, count
        count += 1
        if count > MAX_ATTRIBUTES:
            raise TooMuchHtml(f"more than {MAX_ATTRIBUTES} attributes")
        position = found.end()
        if len(attributes) < MAX_ATTRIBUTES_PER_TAG:
            value = found[2] or ""
            attributes.append((found[1].lower(), value[1:-1] if value[:1] in ('"', "'") else value))


def _allowed(tag: str, attributes: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    names = ALLOWED_ATTRIBUTES["*"] | ALLOWED_ATTRIBUTES.get(tag, frozenset())
    kept: dict[str, str] = {}
    for name, value in attributes:
        if name in names:
            kept.setdefault(name, value)  # of two with one name the first counts, as in browsers
    return tuple(kept.items())
