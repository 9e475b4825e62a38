"""The words of a text, as they are indexed and as they are searched for. Pure.

Both databases are given these words and search them as they stand, so they find the same. Neither PostgreSQL's parsers
nor SQLite's tokenizers cut the text: they disagree about addresses, numbers, accents and every script without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

MAX_TEXT = 100_000  # characters of a text that are indexed
# PostgreSQL counts positions up to 16,383 and keeps 256 of a word; beyond that a phrase would be found there no more.
MAX_WORDS = 16_000
MAX_REPEATS = 255
MAX_WORD = 64  # characters; longer ones are found by their beginning
MAX_BYTES = 500_000  # of all words: one character may become eighteen, and PostgreSQL takes a megabyte
MAX_PART_BYTES = 60_000  # of the subject, the sender or the recipients, whose words are stored twice

# Scripts written without spaces, and Hangul, whose endings cling to words: every two neighbouring letters are a word.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"  # Jamo, Kana
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"  # Han, Hangul
    "\U00020000-\U0003ffff"  # Han, rarer
)
# Signs that stand for vowels are a part of their word, though no letters by themselves.
_INDIC = (*range(0x0900, 0x1100), *range(0x1780, 0x17D4))
_SIGNS = "".join(chr(code) for code in _INDIC if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_WORD = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
# A word as it is written, with its accents and points.
WRITTEN_WORD = re.compile(
    rf"[^\W_](?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0640\u0670{_SIGNS}])*"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def words_of(text: str) -> list[str]:
    """The words of a text in order, without case and accents. A run of an unspaced script becomes its pairs of letters
    and its last letter: so each letter begins a word, and a single one is found as the beginning of one.
    """
    text = text[:MAX_TEXT]
    if text.isascii():
        return [word[:MAX_WORD] for word in _ASCII_WORD.findall(text.lower())]
    return [word for found in _WORD.findall(_folded(text)) for word in _cut(found)]


def indexed_words(text: str, *, most_bytes: int = MAX_BYTES) -> Iterator[str]:
    """words_of, up to the limits of the index."""
    counts: dict[str, int] = {}
    size = 0
    for number, word in enumerate(words_of(text)):
        counts[word] = counts.get(word, 0) + 1
        size += len(word.encode()) + 8
        if number >= MAX_WORDS or size > most_bytes:
            return
        if counts[word] <= MAX_REPEATS:
            yield word


def searched_words(term: str) -> tuple[list[str], bool]:
    """The words to look for one after the other, and whether the last of them is only the beginning of one."""
    words = words_of(term)
    if not words or not _IS_UNSPACED.match(words[-1]):
        return words, False
    # The text may go on where the term ends: the last letter of a run is a word of its own only where the run ends.
    before = words[-2] if len(words) > 1 else ""
    if len(before) == 2 and before[1] == words[-1]:
        return words[:-1], False
    return words, True


def _folded(text: str) -> str:
    """One form for what readers take for the same: width, case, accents, Arabic and Hebrew points and stretches."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in apart if letter != "\u0640" and not _is_accent(letter))
    return unicodedata.normalize("NFKC", kept).casefold()


def _is_accent(letter: str) -> bool:
    # Classes 10-35: Hebrew and Arabic points; from 200: accents. Others are letters to their readers (kana, Indic).
    return (place := unicodedata.combining(letter)) >= 200 or 10 <= place <= 35


def _cut(word: str) -> Iterable[str]:
    if not _IS_UNSPACED.search(word):
        return (word[:MAX_WORD],)
    cut: list[str] = []
    for run in _RUN.findall(word):
        if _IS_UNSPACED.match(run):
            cut += [run[at : at + 2] for at in range(len(run))]
        else:
            cut.append(run[:MAX_WORD])
    return cut


def is_unspaced(letter: str) -> bool:
    """Whether it belongs to a script whose words are not set apart."""
    return bool(_IS_UNSPACED.match(letter))
