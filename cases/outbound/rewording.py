"""Other words for a mail that is written already: what changed, and formatting that stays where the words stayed.

Pure over texts and cleaned HTML; asks nothing of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cases.mail_html.plain import plain_text_of
from cases.mail_html.tokens import BLOCK_TAGS

__all__ = ["differences", "reworded_html"]

Piece = tuple[str, str]  # ("same" | "out" | "in", words)
BLOCKS = BLOCK_TAGS | {"hr", "ol", "table", "ul"}
# With the space after it: one that stays between two changed words would tear their sentence apart.
_WORD = re.compile(r"\S+\s*|\s+")


def differences(before: str, after: str) -> list[Piece]:
    """Both texts in one: what stayed, what was taken out and what was put in. By lines first, then by words within
    what changed, so that a long text costs little.
    """
    pieces: list[Piece] = []
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        out, put = "".join(old[i:j]), "".join(new[k:m])
        pieces += [("same", out)] if kind == "equal" else _of_words(out, put)
    return list(_joined(pieces))


def _of_words(before: str, after: str) -> Iterator[Piece]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    for kind, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield "same", "".join(old[i:j])
            continue
        yield "out", "".join(old[i:j])
        yield "in", "".join(new[k:m])


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one piece, empty ones left out."""
    kind, words = "", ""
    for next_kind, more in pieces:
        if not more:
            continue
        if next_kind != kind and words:
            yield kind, words
            words = ""
        kind, words = next_kind, words + more
    if words:
        yield kind, words


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the mail that stands on its own. A blank line has no lines; `is_shown`: a picture or a rule has none
    either, but must not get lost.
    """

    html: str
    lines: tuple[str, ...]
    is_shown: bool


def reworded_html(html: str, text: str) -> str:
    """Cleaned HTML with the words of `text`: a paragraph whose words stayed keeps its formatting, one that was changed
    is plain. Pictures stay.
    """
    blocks = list(_blocks_of(html))
    new = [line.strip() for line in text.split("\n")]
    filled = [number for number, line in enumerate(new) if line]
    kept = _kept(blocks, [new[each] for each in filled])
    written: list[str] = []
    last_block, last_line = -1, -1
    for key, first in [*kept, (len(blocks), len(filled))]:
        lines = new[last_line + 1 : filled[first] if first < len(filled) else len(new)]
        between = blocks[last_block + 1 : key]
        if any(lines):
            written += [f"<div>{escape(line) or '<br>'}</div>" for line in lines]
            written += [block.html for block in between if block.is_shown]
        else:
            written += [block.html for block in between if not block.lines]
        if key < len(blocks):
            written.append(blocks[key].html)
            last_block, last_line = key, filled[first + len(blocks[key].lines) - 1]
    return "".join(written)


def _kept(blocks: Sequence[_Block], new: Sequence[str]) -> list[tuple[int, int]]:
    """(block, number of its first line among the new ones that are not blank) of each block all of whose lines stayed
    together.
    """
    old = [line for block in blocks for line in block.lines]
    where: dict[int, int] = {}
    for match in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        where |= {match.a + each: match.b + each for each in range(match.size)}
    kept, begin = [], 0
    for key, block in enumerate(blocks):
        size = len(block.lines)
        first = where.get(begin)
        if size and first is not None and all(where.get(begin + each) == first + each for each in range(size)):
            kept.append((key, first))
        begin += size
    return kept


def _blocks_of(html: str) -> Iterator[_Block]:
    body = LexborHTMLParser(html).body
    running = ""  # words and line breaks that stand in no block of their own
    for node in body.iter(include_text=True) if body is not None else ():
        if node.tag in BLOCKS:
            if running:
                yield _block(running)
                running = ""
            yield _block(_html_of(node))
        elif node.tag == "br":
            yield _block(f"<div>{running or '<br>'}</div>")
            running = ""
        else:
            running += _html_of(node)
    if running:
        yield _block(running)


def _html_of(node: LexborNode) -> str:
    return escape(node.text_content or "", quote=False) if node.tag == "-text" else node.html or ""


def _block(html: str) -> _Block:
    lines = tuple(stripped for line in plain_text_of(html).split("\n") if (stripped := line.strip()))
    return _Block(html, lines, is_shown="<img" in html or "<hr" in html)
