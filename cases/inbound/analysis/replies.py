"""The new text of a mail: what its sender wrote, without the quote below or above it and without the signature. Pure.

Nothing is deleted from a mail; this only says which part a page shows unfolded. Answers written between quoted lines
are kept together with those lines, for they mean nothing without them.
"""

from __future__ import annotations

from cases.inbound.analysis.boundaries import ATTRIBUTION, Boundary, find_boundaries, is_rule, next_text
from cases.inbound.analysis.html_text import html_lines
from cases.inbound.analysis.lines import MARK_ATTRIBUTION, MARK_CUT, MARK_SIGNATURE, Line, join_lines, text_lines
from cases.inbound.analysis.words.folding import fold
from cases.inbound.analysis.words.signatures import DEVICES, FOOTER_WORDS, SENT_FROM, SENT_FROM_ENDINGS
from cases.inbound.parsed import ParsedEmail

_TEXT, _QUOTE, _ATTRIBUTION, _SIGNATURE, _BLANK = "text", "quote", "attribution", "signature", "blank"
_LONGEST_SIGNATURE = 30
_LONGEST_RULED_SIGNATURE = 12
_LONGEST_FOOTER = 25


def reply_text(lines: list[Line]) -> str:
    """Plain text of the new part; "" when the mail holds nothing but an earlier mail."""
    return join_lines(new_lines(lines, find_boundaries(lines)))


def new_lines(lines: list[Line], boundaries: list[Boundary]) -> list[Line]:
    """The lines that are new, in order; quoted lines among them only where an answer stands below them."""
    cut = len(lines)
    attributions: list[Boundary] = []
    for boundary in boundaries:
        if boundary.depth:
            continue
        if boundary.kind == ATTRIBUTION:
            following = next_text(lines, boundary.end)
            if following is None or lines[following].depth:
                attributions.append(boundary)
                continue
        cut = boundary.start
        break
    own = lines[:cut]
    kinds = _kinds(own, attributions)
    texts = [index for index, kind in enumerate(kinds) if kind == _TEXT]
    if not texts:
        return []
    first, last = texts[0], texts[-1]
    if _QUOTE in kinds[first:last]:
        first = _with_the_quote_above(kinds, first)
    while last > first and (is_rule(own[last]) or own[last].is_blank):
        last -= 1
    return [
        line for line, kind in zip(own[first : last + 1], kinds[first : last + 1], strict=True) if kind != _SIGNATURE
    ]


def _kinds(lines: list[Line], attributions: list[Boundary]) -> list[str]:
    kinds = [_BLANK if line.is_blank else _QUOTE if line.depth else _TEXT for line in lines]
    for boundary in attributions:
        for index in range(boundary.start, min(boundary.end, len(lines))):
            if kinds[index] == _TEXT:
                kinds[index] = _ATTRIBUTION
    _mark_signatures(lines, kinds)
    _mark_footer(lines, kinds)
    return kinds


def _mark_signatures(lines: list[Line], kinds: list[str]) -> None:
    """Mark signatures: from "-- " (RFC 3676 section 4.3) or "Sent from my phone" to the next quote or the end."""
    # Where the stretch of own text that holds a line ends, and how much text is left in it; from the bottom up.
    end = len(lines)
    left = 0
    rules = [index for index, kind in enumerate(kinds) if kind == _TEXT and is_rule(lines[index])]
    only_rule = rules[0] if len(rules) == 1 and _is_signature_rule(lines, rules[0]) else None
    for index in range(len(lines) - 1, -1, -1):
        if kinds[index] in (_QUOTE, _ATTRIBUTION):
            end, left = index, 0
            continue
        if kinds[index] != _TEXT:
            continue
        line = lines[index]
        delimiter = line.text in ("--", "—", "– –", "__") or line.mark == MARK_SIGNATURE
        starts = (
            (delimiter and left <= _LONGEST_SIGNATURE)
            or (index == only_rule and 0 < left <= _LONGEST_RULED_SIGNATURE)
            or (left <= 2 and _is_sent_from(line.text))
        )
        if starts:
            for position in range(index, end):
                if kinds[position] == _TEXT:
                    kinds[position] = _SIGNATURE
            end, left = index, 0
            continue
        left += 1


def _is_sent_from(text: str) -> bool:
    """Whether a line is what a telephone or a mail service adds below a mail."""
    if len(text) > 160:
        return False
    folded = fold(text.lstrip("*_-•| ")).rstrip(" .*_")
    for mark in ("<", "(http", "[http", "http"):
        folded = folded.split(mark, 1)[0].rstrip(" .")
    beginning = " ".join(folded.split()[:7])
    names_program = any(name in beginning for name in DEVICES)
    if f"{folded} ".startswith(SENT_FROM):
        # "Sent from my desk, which is much easier than my phone" is a sentence.
        return len(folded.split()) <= (14 if names_program else 8)
    return len(folded) <= 60 and names_program and folded.endswith(SENT_FROM_ENDINGS)


def _is_signature_rule(lines: list[Line], index: int) -> bool:
    """A rule such as "__________" with a name and an address below; the only rule of the text."""
    text = lines[index].text
    return len(text) >= 15 and text[0] in "_=" and not text.strip(text[0]) and is_rule(lines[index])


def _mark_footer(lines: list[Line], kinds: list[str]) -> None:
    """Mark what a list or a company's server put below a quote: it is no answer to the quote."""
    last_quote = next((index for index in range(len(kinds) - 1, -1, -1) if kinds[index] == _QUOTE), None)
    if last_quote is None:
        return
    below = [index for index in range(last_quote + 1, len(kinds)) if kinds[index] == _TEXT]
    if not below or len(below) > _LONGEST_FOOTER:
        return
    top = fold(" ".join(lines[index].text[:300] for index in below[:6]))
    if is_rule(lines[below[0]]) or any(word in top for word in FOOTER_WORDS):
        for index in below:
            kinds[index] = _SIGNATURE


def _with_the_quote_above(kinds: list[str], first: int) -> int:
    """The start of the quote that the first answer answers, when a quote stands right above it."""
    index = first
    while index and kinds[index - 1] == _BLANK:
        index -= 1
    if not index or kinds[index - 1] != _QUOTE:
        return first
    while index and kinds[index - 1] in (_QUOTE, _BLANK):
        index -= 1
    return index


def body_lines(email: ParsedEmail) -> list[Line]:
    """The body to read: HTML when it marks its quotes or is all there is, else the plain text.

    A program that writes both says the same twice, but only the HTML says for certain where the quote begins.
    """
    text = text_lines(email.text_body) if email.text_body.strip() else []
    if not email.html_body.strip():
        return text
    html = html_lines(email.html_body)
    if not text or not any(not line.is_blank for line in text):
        return html
    if not _marks_quotes(html):
        return text
    # Both agree: keep the plain text, whose line breaks and lists are the sender's own.
    if _letters(reply_text(text)) == _letters(reply_text(html)):
        return text
    return html


def _marks_quotes(lines: list[Line]) -> bool:
    return any(line.depth or line.mark in (MARK_CUT, MARK_ATTRIBUTION) for line in lines)


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
