"""Bring the HTML of a mail into a bounded, well-nested form, in time linear in its length.

HTML parsers follow the HTML standard, whose repairs cost quadratic time on hostile nesting, and they swallow
everything after an unclosed comment or style. Here both end: what comes out has few levels, closes what it opens
and holds allowed tags only, so the sanitizer after it is fast, and text after a broken tag is still shown. Safety
does not rest on this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

MAX_CHARACTERS = 2_000_000
MAX_TAGS = 40_000  # opening and closing ones together; a long newsletter has 5,000
MAX_ATTRIBUTES = 120_000  # of the whole mail, kept or not
MAX_ATTRIBUTES_PER_TAG = 64
MAX_TAIL = 200_000  # characters shown of what follows a tag that never ends
MAX_DEPTH = 120  # elements inside each other; deeper ones lose their tags and keep their text
# Formatting elements are opened again by parsers in every block that follows (HTML standard 13.2.4.3), so few may
# be open at once.
MAX_FORMATTING_DEPTH = 16

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

# What an opening tag closes by itself, and what that search may not leave.
CLOSES = (
    {tag: frozenset({"p"}) for tag in BLOCK_TAGS}
    | {"li": frozenset({"li", "p"}), "dt": frozenset({"dt", "dd", "p"}), "dd": frozenset({"dt", "dd", "p"})}
    | {tag: CELL_TAGS | {"colgroup"} for tag in CELL_TAGS}
    | {"tr": CELL_TAGS | ROW_TAGS | {"colgroup"}}
    | {
        tag: CELL_TAGS | ROW_TAGS | {"tbody", "thead", "tfoot", "colgroup"}
        for tag in ("tbody", "thead", "tfoot", "colgroup")
    }
)
LIST_ENDS = frozenset({"ol", "ul", "dl", "dir", "table"}) | CELL_TAGS
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


@dataclass(slots=True)
class _Balancer:
    """Writes tags so that each is closed inside the one that holds it."""

    quote_label: str
    written: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    formatting: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # opened past a cap: as many closing tags are passed over
    fold_at: int = -1  # index in open_tags of the quote that is folded; -1 = none yet, -2 = done
    was_cut: bool = False

    def open(self, tag: Tag) -> None:
        if tag.name in TABLE_PARTS and "table" not in self.open_tags:
            return
        self._close_implied(tag.name)
        if len(self.open_tags) >= MAX_DEPTH or (
            tag.name in FORMATTING_TAGS and self.formatting >= MAX_FORMATTING_DEPTH
        ):
            self.was_cut = True
            if tag.name not in VOID_TAGS:
                self.dropped[tag.name] = self.dropped.get(tag.name, 0) + 1
                return
        attributes = "".join(f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in tag.attributes)
        if tag.name not in VOID_TAGS:
            if self.fold_at == -1 and self.quote_label and _is_quote(tag):
                self.fold_at = len(self.open_tags)
                self.written.append(f'<details class="quote"><summary>{escape(self.quote_label)}</summary>')
            self.open_tags.append(tag.name)
            self.formatting += tag.name in FORMATTING_TAGS
        self.written.append(f"<{tag.name}{attributes}>")

    def _close_implied(self, name: str) -> None:
        closes = CLOSES.get(name)
        if closes is None:
            return
        ends = (
            LIST_ENDS if name in LIST_PARTS else frozenset({"table"}) if name in TABLE_PARTS else CELL_TAGS | {"table"}
        )
        lowest = None
        for index in range(len(self.open_tags) - 1, -1, -1):
            if self.open_tags[index] in closes:
                lowest = index
            elif self.open_tags[index] in ends:
                break
        if lowest is not None:
            self._pop_to(lowest)

    def close(self, name: str) -> None:
        if self.dropped.get(name):
            self.dropped[name] -= 1
            return
        for index in range(len(self.open_tags) - 1, -1, -1):
            if self.open_tags[index] == name:
                self._pop_to(index)
                return
            if self.open_tags[index] == "table" or (
                self.open_tags[index] in CELL_TAGS and name not in TABLE_PARTS | {"table"}
            ):
                return  # a closing tag does not reach out of its table cell

    def _pop_to(self, index: int) -> None:
        while len(self.open_tags) > index:
            name = self.open_tags.pop()
            self.formatting -= name in FORMATTING_TAGS
            self.written.append(f"</{name}>")
            if self.fold_at == len(self.open_tags):
                self.written.append("</details>")
                self.fold_at = -2

    def finish(self) -> str:
        self._pop_to(0)
        return "".join(self.written)


def _is_quote(tag: Tag) -> bool:
    if tag.name == "blockquote":
        return True
    return tag.name == "div" and any(
        name == "class" and not QUOTE_CLASSES.isdisjoint(value.split()) for name, value in tag.attributes
    )


def tidy_html(html: str, *, quote_label: str = "") -> tuple[str, bool]:
    """(tidy HTML, whether a cap cut tags). With a `quote_label` the first quoted mail is folded under it."""
    balancer = _Balancer(quote_label)
    for token in tokens_of(html):
        if isinstance(token, Text):
            balancer.written.append(token.text)
        elif token.is_closing:
            balancer.close(token.name)
        else:
            balancer.open(token)
    return balancer.finish(), balancer.was_cut
