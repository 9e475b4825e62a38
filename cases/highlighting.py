"""Where in a text the words stand that were looked for. Pure; the pieces are text, not HTML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cases.search_query import Field, SearchQuery
from cases.search_words import WRITTEN_WORD, is_unspaced, words_of

Piece = tuple[str, bool]  # a part of the text, and whether it was looked for
LENGTH = 160
BEFORE = 16  # characters shown before the first match


class Wanted:
    """The words of a search that may be found in one part of a mail."""

    def __init__(self, search: SearchQuery, *fields: Field) -> None:
        terms = [term for term in search.terms if term.field in ("", *fields)]
        self.words = {word for term in terms for word in term.words}
        self.beginnings = tuple(term.words[-1] for term in terms if term.goes_on)

    def has(self, text: str) -> bool:
        return any(self.has_word(word) for word in words_of(text))

    def has_word(self, word: str) -> bool:
        return word in self.words or word.startswith(self.beginnings)


def pieces_of(text: str, wanted: Wanted) -> list[Piece]:
    """The whole text, cut where it matches."""
    pieces: list[Piece] = []
    at = 0
    for start, end in _spans(text, wanted):
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start:end], True))
        at = end
    if at < len(text):
        pieces.append((text[at:], False))
    return pieces


def snippet_of_match(text: str, wanted: Wanted) -> list[Piece]:
    """One line around the first match; [] when there is none."""
    line = " ".join(text.split())
    first = next(_spans(line, wanted), None)
    if first is None:
        return []
    start = max(0, first[0] - BEFORE)
    if start:
        start = line.find(" ", start, first[0]) + 1 or start
    shown = pieces_of(line[start : start + LENGTH], wanted)
    return [("… ", False), *shown] if start else shown


def _spans(text: str, wanted: Wanted) -> Iterator[tuple[int, int]]:
    yield from _joined(_matches(text, wanted))


def _matches(text: str, wanted: Wanted) -> Iterator[tuple[int, int]]:
    for found in WRITTEN_WORD.finditer(text):
        word, start = found[0], found.start()
        if not any(is_unspaced(letter) for letter in word):
            if wanted.has(word):
                yield found.span()
            continue
        for at in range(len(word)):  # every pair of letters is a word
            pair = word[at : at + 2]
            if (folded := words_of(pair)[:1]) and wanted.has_word(folded[0]):
                yield start + at, start + at + (len(pair) if folded[0] in wanted.words else 1)


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that touch or overlap become one."""
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last is not None and start <= last[1]:
            last = (last[0], max(last[1], end))
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last
