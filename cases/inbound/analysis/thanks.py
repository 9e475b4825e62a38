"""Whether a mail says nothing but thanks, so that it need not open a closed case again. Pure.

Every word must be one of thanks, greeting or farewell; one other word ("thanks, but it still fails") and it is news.
Names are allowed only where a greeting or a farewell has them: behind "Hi" and on lines below the thanks.
"""

from __future__ import annotations

import re

from cases.inbound.analysis.words.courtesies import FAREWELLS, GREETINGS, TAILS
from cases.inbound.analysis.words.folding import bare, fold
from cases.inbound.analysis.words.thanks import REAL_THANKS, THANKS

_MAX_LENGTH = 300
_MAX_LINES = 12


_KNOWN = THANKS | FAREWELLS | GREETINGS
_COVERING = _KNOWN | TAILS


def is_thanks(reply_text: str, *, has_attachments: bool = False) -> bool:
    """Whether the new text of a mail is nothing but thanks. False for no text, a question or a file sent along."""
    if has_attachments or not reply_text or len(reply_text) > _MAX_LENGTH or "?" in reply_text or "？" in reply_text:
        return False
    lines = [line for line in reply_text.split("\n") if line.strip()]
    if not lines or len(lines) > _MAX_LINES:
        return False
    thanked = farewell = False
    for index, line in enumerate(lines):
        words = bare(line)
        if not words:
            continue  # an emoji or "---"
        if not thanked and index == 0 and _is_greeting(words):
            continue
        if _all_known(line):
            thanked = thanked or any(sign in words for sign in REAL_THANKS)
            farewell = farewell or words in FAREWELLS
            continue
        # Below the thanks stands a name, a company, a telephone number at most.
        if not thanked or not (farewell or index == len(lines) - 1) or len(words.split()) > 5 or _is_sentence(line):
            return False
    return thanked


def _is_greeting(words: str) -> bool:
    """ "Hi", "Dear Ms Doe", "Hallo zusammen": a greeting and at most three words of a name."""
    if words in GREETINGS:
        return True
    parts = words.split()
    return any(
        " ".join(parts[:size]) in GREETINGS for size in range(1, min(len(parts), 5) + 1) if len(parts) - size <= 3
    )


def _all_known(line: str) -> bool:
    """Whether a line holds only phrases of thanks, greeting and farewell, and at most one name at its end."""
    whole = bare(line)
    if whole in _KNOWN:
        return True
    phrases = [phrase for part in _PHRASE_ENDS.split(fold(line)) if (phrase := bare(part))]
    if all(_is_made_of_phrases(phrase) for phrase in phrases):
        return True
    # "Thanks, Jane" and "Thank you Jane".
    head, _, _name = whole.rpartition(" ")
    written = line.rstrip(" .!,").rpartition(" ")[2]
    return (
        bool(head)
        and written[:1].isupper()
        and _is_made_of_phrases(head)
        and any(sign in head for sign in REAL_THANKS)
    )


def _is_made_of_phrases(text: str) -> bool:
    """Whether known phrases, longest first, cover all words: "thank you very much" + "for your help"."""
    words = text.split()[:30]
    position = 0
    while position < len(words):
        for end in range(min(len(words), position + 9), position, -1):
            if " ".join(words[position:end]) in _COVERING:
                position = end
                break
        else:
            return False
    return True


_PHRASE_ENDS = re.compile(r"[.!,;:…。！，、~–—()]+|\s-\s")


def _is_sentence(line: str) -> bool:
    """Whether a line under the thanks is more than a name: it ends like a sentence or begins in lower case."""
    stripped = line.strip()
    return stripped.endswith((".", "!", "。", "！", ":")) or stripped[:1].islower()
