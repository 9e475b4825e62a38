"""In which language a mail is written: what its text shows, else what its program says. Pure."""

from __future__ import annotations

import re
from threading import Lock

from gcld3 import NNetLanguageIdentifier

__all__ = ["language_of"]

MOST_TEXT = 4_000  # characters; more tells nothing new
# What CLD3 says of fewer letters is chance: of "Hello" it is sure, and wrong.
FEWEST_LETTERS = 20
# Addresses and paths are in no language, and look like Latin ones.
_ADDRESSES = re.compile(r"\S*[@/\\]\S*")
# A sign of kana, hangul or han says as much as some letters do.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSE_WEIGHT = 3
# ISO 639-1 withdrew the first three in 1989; both kinds of written Norwegian are told apart by few programs.
_SAME = {"iw": "he", "in": "id", "ji": "yi", "nb": "no", "nn": "no"}
_TAG = re.compile(r"([a-z]{2,3})(-[a-z0-9-]+)?\Z")


def language_of(text: str, *, stated: str = "") -> str:
    """The language by its ISO 639 code ("de"), "" when neither tells.

    `stated` is the mail's Content-Language (RFC 3282). It is asked second: mail programs write the language of their
    menus there.
    """
    return _shown_by(text) or _said_by(stated)


def _shown_by(text: str) -> str:
    # A lone surrogate stands for a byte that no charset knew; the library takes none.
    words = _ADDRESSES.sub(" ", text[:MOST_TEXT]).encode("utf-8", "ignore").decode("utf-8")
    letters = sum(letter.isalpha() for letter in words) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(words))
    if letters < FEWEST_LETTERS:
        return ""
    with _ONE_AT_A_TIME:
        found = _IDENTIFIER.FindLanguage(text=words)
    return _said_by(found.language) if found.is_reliable else ""


def _said_by(tags: str) -> str:
    """One tag names a language; a list of them names none."""
    tag = _TAG.match(tags.strip().lower())
    return _SAME.get(tag[1], tag[1]) if tag else ""


# It works outside of Python's lock, and says nothing about threads.
_ONE_AT_A_TIME = Lock()
_IDENTIFIER = NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=MOST_TEXT)
