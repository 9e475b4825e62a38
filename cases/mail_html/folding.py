"""Where the new part of a mail ends, so that what follows can be folded. Nothing is folded on a guess.

The new part is known as text (cases.inbound.analysis); the body has tags, spaces and signs around the same letters.
So letters and digits are compared and all else is passed over: either they are all there, in order, or nothing folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from cases.mail_html.tokens import VOID_TAGS, Tag, Text

Token = Tag | Text


@dataclass(frozen=True, slots=True)
class Fold:
    """What a page asks for: `new_text` stays open, what stands below is folded under `label`; a quote above it is
    folded under `quote_label`.
    """

    new_text: str
    letters_above: int  # letters and digits before the new part
    letters_below: int
    label: str
    quote_label: str


def letters_of(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def split_text(text: str, new_text: str) -> tuple[str, str, str]:
    """(what stands above the new part, the new part, what stands below). ("", text, "") when that is not certain."""
    if not new_text:
        return "", text, ""
    if text.startswith(new_text):
        start, end = 0, len(new_text)
    else:
        places = [index for index, character in enumerate(text) if character.isalnum()]
        written, wanted = "".join(text[index] for index in places), letters_of(new_text)
        if not wanted or written.count(wanted) != 1:
            return "", text, ""
        found = written.find(wanted)
        start, end = places[found], places[found + len(wanted) - 1] + 1
    # Signs at both ends of a line belong to it.
    line_end = text.find("\n", end)
    end = len(text) if line_end < 0 else line_end
    start = text.rfind("\n", 0, start) + 1
    return text[:start].strip("\n"), text[start:end], text[end:].strip("\n")


def find_tail(tokens: Sequence[Token], fold: Fold) -> tuple[list[Token], int | None]:
    """The tokens (a text of several lines, as in <pre>, cut in two where the new part ends in it), and the first one
    that is folded. None: nothing follows the new part, or this is not, letter by letter, the mail that was analysed.
    """
    wanted = letters_of(fold.new_text)
    counts = [len(letters_of(unescape(token.text))) if isinstance(token, Text) else 0 for token in tokens]
    written = "".join(letters_of(unescape(token.text)) for token in tokens if isinstance(token, Text))
    out: list[Token] = []
    end = fold.letters_above + len(wanted)
    if not wanted or not written.startswith(wanted, fold.letters_above) or len(written) != end + fold.letters_below:
        return list(tokens), None
    seen = 0
    for index, (token, count) in enumerate(zip(tokens, counts, strict=True)):
        if isinstance(token, Text) and seen >= end and unescape(token.text).strip():
            return [*out, *tokens[index:]], _with_the_tags_above(tokens, index)
        if isinstance(token, Text) and seen < end < seen + count:
            cut = _line_end(token.text, end - seen)
            if cut is None:
                return list(tokens), None
            return [*out, Text(token.text[:cut]), Text(token.text[cut:]), *tokens[index + 1 :]], index + 1
        out.append(token)
        seen += count
    return out, None


def _line_end(text: str, letters: int) -> int | None:
    """Where the line ends that holds the last of so many letters; None when more of them stand on that line."""
    position = seen = 0
    while seen < letters and (end := text.find("\n", position)) >= 0:
        seen += len(letters_of(unescape(text[position:end])))
        position = end + 1
    return position if seen == letters else None


def _with_the_tags_above(tokens: Sequence[Token], index: int) -> int:
    """From the first folded words back over what only opens around them. A picture above them is not passed: it may
    belong to the new part.
    """
    while index:
        above = tokens[index - 1]
        is_blank = isinstance(above, Text) and not unescape(above.text).strip()
        opens = isinstance(above, Tag) and not above.is_closing and (above.name not in VOID_TAGS - {"br", "hr"})
        if not (is_blank or opens):
            break
        index -= 1
    return index
