"""Bring the HTML of a mail into a bounded, well-nested form, in time linear in its length.

HTML parsers follow the HTML standard, whose repairs cost quadratic time on hostile nesting. What comes out here has
few levels, closes what it opens and holds allowed tags only, so the sanitizer after it is fast. Safety does not rest
on this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape, unescape

from cases.mail_html.pixels import is_tracking_pixel
from cases.mail_html.tokens import (
    BLOCK_TAGS,
    CELL_TAGS,
    FORMATTING_TAGS,
    INLINE_TAGS,
    LIST_PARTS,
    QUOTE_CLASSES,
    ROW_TAGS,
    TABLE_PARTS,
    VOID_TAGS,
    Tag,
    Text,
)

MAX_DEPTH = 120  # elements inside each other; deeper ones lose their tags and keep their text
# Formatting elements are opened again by parsers in every block that follows (HTML standard 13.2.4.3), so few may
# be open at once.
MAX_FORMATTING_DEPTH = 16
# A part of the mail that is shown while the fold before it is open (the style sheet of the frame).
FOLDED_REST_CLASS = "folded-rest"
FOLDED_REST = f'<div class="{FOLDED_REST_CLASS}">'

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
# What a fold may stand in directly; a fold that begins inside of anything else waits for the next of these.
FOLD_HOLDERS = (
    (
        BLOCK_TAGS
        - frozenset({"details", "dir", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "hr"})
        - frozenset({"ol", "p", "pre", "summary", "table", "ul"})
    )
    | CELL_TAGS
    | frozenset({"dd", "li"})
)
# What is closed before a fold and opened again in it.
SPLIT_BY_FOLDS = (
    FORMATTING_TAGS | INLINE_TAGS | frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "p", "pre"})
) - VOID_TAGS


@dataclass(frozen=True, slots=True)
class Folding:
    """`tail`: index of the first token under `label`, None for none. The first quote within the first `lead` letters
    of the mail is folded under `quote_label`.
    """

    tail: int | None
    label: str
    lead: int
    quote_label: str


NOTHING_FOLDED = Folding(tail=None, label="", lead=0, quote_label="")


@dataclass(slots=True)
class TidyHtml:
    html: str
    was_cut: bool  # a cap cut tags
    pixels: int  # pictures of other hosts that only tell that a mail was read; left out


@dataclass(slots=True)
class _Balancer:
    """Writes tags so that each is closed inside the one that holds it."""

    folding: Folding
    written: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # beside open_tags: each as it was written
    formatting: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # opened past a cap: as many closing tags are passed over
    letters: int = 0
    quote_at: int = -1  # index in open_tags of the quote above the new part; -1 = none yet, -2 = done
    quote_written: int = 0  # where its fold stands in `written`
    is_tail: bool = False
    tail_level: int = -1  # how many tags were open when the fold began; -1 = none is open
    has_tail: bool = False
    was_cut: bool = False
    pixels: int = 0

    def text(self, text: str) -> None:
        if self.folding.lead and self.letters <= self.folding.lead:
            self.letters += sum(map(str.isalnum, unescape(text)))
        if self.is_tail and not text.isspace():
            self._begin_fold()
        self.written.append(text)

    def open(self, tag: Tag) -> None:
        if tag.name in TABLE_PARTS and "table" not in self.open_tags:
            return
        if tag.name == "img" and is_tracking_pixel(tag):
            self.pixels += 1
            return
        self._close_implied(tag.name)
        if self.is_tail and tag.name != "br":
            self._begin_fold()
        if len(self.open_tags) >= MAX_DEPTH or (
            tag.name in FORMATTING_TAGS and self.formatting >= MAX_FORMATTING_DEPTH
        ):
            self.was_cut = True
            if tag.name not in VOID_TAGS:
                self.dropped[tag.name] = self.dropped.get(tag.name, 0) + 1
                return
        attributes = "".join(f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in tag.attributes)
        opening = f"<{tag.name}{attributes}>"
        if tag.name in VOID_TAGS:
            self.written.append(opening)
            return
        if self.quote_at == -1 and self.letters < self.folding.lead and _is_quote(tag):
            self.quote_at, self.quote_written = len(self.open_tags), len(self.written)
            self.written.append(_fold_opening(self.folding.quote_label))
        self._push(tag.name, opening)

    def _push(self, name: str, opening: str) -> None:
        self.open_tags.append(name)
        self.opened.append(opening)
        self.formatting += name in FORMATTING_TAGS
        self.written.append(opening)

    def _begin_fold(self) -> None:
        """Fold what follows in the element that is open, unless it is folded or cannot be.

        The first fold has the words to click on; where its element ends before the mail does, the others follow it
        by the style sheet of the frame.
        """
        if self.tail_level >= 0:
            return
        level = len(self.open_tags)
        while level and self.open_tags[level - 1] in SPLIT_BY_FOLDS:
            level -= 1
        if level and self.open_tags[level - 1] not in FOLD_HOLDERS:
            return
        again = list(zip(self.open_tags[level:], self.opened[level:], strict=True))
        self._pop_to(level)
        self.written.append(FOLDED_REST if self.has_tail else _fold_opening(self.folding.label))
        self.tail_level = level
        for name, opening in again:
            self._push(name, opening)

    def _end_fold(self) -> None:
        self.written.append("</div>" if self.has_tail else "</details>")
        self.tail_level, self.has_tail = -1, True

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
            if self.tail_level == len(self.open_tags):
                self._end_fold()
            name = self.open_tags.pop()
            self.opened.pop()
            self.formatting -= name in FORMATTING_TAGS
            self.written.append(f"</{name}>")
            if self.quote_at == len(self.open_tags):
                self._end_quote()

    def _end_quote(self) -> None:
        self.quote_at = -2
        if self.letters <= self.folding.lead:
            self.written.append("</details>")
        else:
            self.written[self.quote_written] = ""  # the new part stands in it

    def finish(self) -> str:
        self._pop_to(0)
        if self.tail_level == 0:
            self._end_fold()
        return "".join(self.written)


def _fold_opening(label: str) -> str:
    return f'<details class="quote"><summary>{escape(label)}</summary>'


def _is_quote(tag: Tag) -> bool:
    if tag.name == "blockquote":
        return True
    return tag.name == "div" and any(
        name == "class" and not QUOTE_CLASSES.isdisjoint(value.split()) for name, value in tag.attributes
    )


def tidy_tokens(tokens: Iterable[Tag | Text], folding: Folding = NOTHING_FOLDED) -> TidyHtml:
    balancer = _Balancer(folding)
    for index, token in enumerate(tokens):
        if index == folding.tail:
            balancer.is_tail = True
        if isinstance(token, Text):
            balancer.text(token.text)
        elif token.is_closing:
            balancer.close(token.name)
        else:
            balancer.open(token)
    return TidyHtml(balancer.finish(), balancer.was_cut, balancer.pixels)
