"""The form in which text and phrases are compared. Pure."""

from __future__ import annotations

import re

_SPACES = re.compile(r"[\s\u00a0\u202f\u3000]+")
_TAG = re.compile(r"\s{0,4}(?:\[[^\[\]]{1,40}\]|\{[^{}]{1,40}\}|\*{2,5}[^*]{1,40}\*{2,5})\s{0,4}(?::\s{1,4})?")
_NOT_WORDS = re.compile(r"[^\w' ]+|_")


def fold(text: str) -> str:
    """Case-folded text (Turkish dotted I too), runs of white space as one space."""
    return _SPACES.sub(" ", text.casefold().replace("i\u0307", "i")).strip()


def bare(text: str) -> str:
    """Folded text with its words only: punctuation and emoji become spaces."""
    return " ".join(_NOT_WORDS.sub(" ", fold(text)).split())


def phrases(text: str) -> tuple[str, ...]:
    """Folded phrases of a list written "a|b|c", in order, each once."""
    return tuple(dict.fromkeys(fold(part) for part in text.split("|") if part.strip()))


def phrase_set(text: str) -> frozenset[str]:
    return frozenset(phrases(text))


def bare_phrase_set(text: str) -> frozenset[str]:
    return frozenset(bare(part) for part in text.split("|") if part.strip())


def without_tags(subject: str) -> str:
    """A subject without what filters and lists put before it: "[EXTERNAL] ", "***SPAM*** ", "{Spam?} "."""
    for _ in range(3):
        tag = _TAG.match(subject)
        if tag is None or tag.end() == len(subject):
            break
        subject = subject[tag.end() :]
    return subject


def contains_phrase(folded: str, wanted: tuple[str, ...]) -> bool:
    """Whether folded text holds a phrase, beginning at the beginning of a word (scripts without spaces: anywhere)."""
    for phrase in wanted:
        position = folded.find(phrase)
        while position >= 0:
            if position == 0 or not folded[position - 1].isalnum() or writes_without_spaces(phrase[0]):
                return True
            position = folded.find(phrase, position + len(phrase))
    return False


def starts_with_phrase(folded: str, wanted: tuple[str, ...]) -> bool:
    """Whether folded text, without opening brackets, begins with a phrase as whole words."""
    bracketless = folded.lstrip("[(*【 ")
    for phrase in wanted:
        for candidate in (folded, bracketless):
            if candidate.startswith(phrase):
                rest = candidate[len(phrase) :]
                if not rest or not rest[0].isalnum() or writes_without_spaces(phrase[-1]):
                    return True
    return False


def writes_without_spaces(character: str) -> bool:
    """Chinese, Japanese and Korean: a phrase may stand inside what looks like one word."""
    return ord(character) > 0x2E80
