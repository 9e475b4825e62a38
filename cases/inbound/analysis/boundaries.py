"""Where the earlier mail begins in a body: separators, header blocks and attribution lines. Pure.

Every check looks a fixed number of lines ahead or back and at a fixed number of characters, so a body costs time in
proportion to its length whatever it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cases.inbound.analysis.lines import MARK_ATTRIBUTION, MARK_CUT, Line
from cases.inbound.analysis.words.attributions import ATTRIBUTION_OPENERS, WEEKDAYS, WROTE
from cases.inbound.analysis.words.folding import fold
from cases.inbound.analysis.words.headers import LABEL_KIND, MAX_LABEL
from cases.inbound.analysis.words.separators import FORWARDED_BY, FORWARDED_MESSAGE, ORIGINAL_MESSAGE

ATTRIBUTION = "attribution"
HEADERS = "headers"
ORIGINAL = "original"
FORWARD = "forward"

# A header block may be longer than this through a long To; its first labels come sooner.
_HEADER_LINES = 14
_ATTRIBUTION_LINES = 4
_LONGEST_LINE = 600
_RULE = re.compile(r"[-_=*~–—―─━ \t\u00a0]{3,}\Z")
_DASHES = " -_=*<>~–—―─━\t\u00a0"
_TIME = re.compile(r"\d{1,2}\s?[:.h]\s?\d{2}(?!\d)|\d{1,2}\s?[時时點点시]")
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}|\d{1,2}\s?[月월]"
    r"|\d{1,2}\.? [^\W\d]{3,12}|[^\W\d]{3,12}\.? \d{1,2}\b"
)
_ADDRESS = re.compile(r"[^\s<>\[\]()\"',;:@]@[^\s<>\[\]()\"',;:@]")
_LEADING_DATE = re.compile(r"[\W_]{0,4}\d")


@dataclass(frozen=True, slots=True)
class Boundary:
    """One place where earlier mail begins. `start` is the first line that is not the sender's own."""

    kind: str
    start: int
    end: int  # first line after separator, header block or attribution
    depth: int
    headers: dict[str, str] = field(default_factory=dict)  # kind of label -> value as written
    subject_label: str = ""  # the word for "Subject", folded: it tells languages apart


def is_rule(line: Line) -> bool:
    """A line of dashes, underscores or equals signs only."""
    return len(line.text) <= _LONGEST_LINE and bool(_RULE.match(line.text))


def find_boundaries(lines: list[Line]) -> list[Boundary]:
    """All boundaries from top to bottom; those inside a header block or attribution already found are left out."""
    found: list[Boundary] = []
    free_from = 0
    for index, line in enumerate(lines):
        if index < free_from or line.is_blank:
            continue
        boundary = _boundary_at(lines, index, free_from)
        if boundary:
            found.append(boundary)
            free_from = boundary.end
    return found


def next_text(lines: list[Line], index: int, within: int = 4) -> int | None:
    """Index of the first line with text from `index` on, if it comes within that many lines."""
    for position in range(index, min(index + within, len(lines))):
        if not lines[position].is_blank:
            return position
    return None


def _boundary_at(lines: list[Line], index: int, free_from: int) -> Boundary | None:
    line = lines[index]
    separator = _separator(lines, index)
    if separator:
        first = next_text(lines, index + 1)
        block = _header_block(lines, first, least=1) if first is not None else None
        if block:
            return Boundary(separator, index, block.end, line.depth, block.headers, block.subject_label)
        return Boundary(separator, index, index + 1, line.depth)
    if line.mark == MARK_CUT:
        block = _header_block(lines, index, least=1)
        return block or Boundary(HEADERS, index, index, line.depth)
    block = _header_block(lines, index, least=3)
    if block:
        return block
    start = _attribution_start(lines, index, free_from)
    if start is None:
        return None
    return Boundary(ATTRIBUTION, start, index + 1, line.depth)


# --- separators -----------------------------------------------------------------------------------------------------
def _separator(lines: list[Line], index: int) -> str:
    """FORWARD or ORIGINAL for a line such as "-----Original Message-----" or "Begin forwarded message:"; else ""."""
    text = lines[index].text
    if len(text) > 160:
        return ""
    bare = text.strip(_DASHES)
    if not bare:
        return ""
    folded = fold(bare.rstrip(":：").rstrip())
    dashed = text.lstrip()[:2] in ("--", "—-", "——", "==", "__", "- ") or text.strip()[:3] in ("***", "━━━", "---")
    colon = bare.endswith((":", "："))
    if folded in FORWARDED_MESSAGE:
        return FORWARD if dashed or colon or _label_follows(lines, index) else ""
    if folded in ORIGINAL_MESSAGE:
        return ORIGINAL if (dashed and len(bare) < len(text.strip()) - 3) or _label_follows(lines, index) else ""
    if dashed and folded.startswith(FORWARDED_BY):
        return FORWARD
    return ""


def _label_follows(lines: list[Line], index: int) -> bool:
    following = next_text(lines, index + 1)
    return following is not None and _label(lines[following].text)[0] not in ("", "other")


# --- header blocks --------------------------------------------------------------------------------------------------
def _label(text: str) -> tuple[str, str]:
    """(kind, value) of a line such as "*From:* Jane"; ("", "") of any other line."""
    head = text[: MAX_LABEL + 12].lstrip(" \t\u00a0*_|")
    colon = min((position for position in (head.find(":"), head.find("：")) if position >= 0), default=-1)
    if colon < 1:
        return "", ""
    kind = LABEL_KIND.get(fold(head[:colon].rstrip(" \u00a0*_")), "")
    if not kind:
        return "", ""
    skipped = len(text[: MAX_LABEL + 12]) - len(head)
    return kind, text[skipped + colon + 1 : skipped + colon + 1 + 2000].strip(" \t\u00a0*_|")


def _header_block(lines: list[Line], index: int, *, least: int) -> Boundary | None:
    """The header block that begins at that line, if at least `least` different labels of a mail header stand there.

    Without a separator above it (least 3) a block must name a sender and show that it is a mail's: a subject, or an
    address. "From: Berlin, To: Paris, Date: 5 May" is a person's question about a journey.
    """
    kind, value = _label(lines[index].text)
    if kind not in ("from", "date", "to", "subject"):
        return None
    depth = lines[index].depth
    headers = {kind: value}
    last_kind = kind
    subject_label = _folded_label(lines[index].text) if kind == "subject" else ""
    end = index + 1
    blanks = continued = 0
    for position in range(index + 1, min(index + 1 + _HEADER_LINES * 2, len(lines))):
        line = lines[position]
        if line.depth != depth:
            break
        if line.is_blank:
            blanks += 1
            if blanks > 1:
                break
            continue
        kind, value = _label(line.text)
        if kind:
            if kind in headers and kind != "other":
                break
            headers[kind] = value
            if kind == "subject":
                subject_label = _folded_label(line.text)
            last_kind, blanks, continued = kind, 0, 0
            end = position + 1
        elif blanks or continued >= 3 or not _continues(lines, position, headers, last_kind):
            break
        else:
            # A folded To or a sender's address on its own line.
            headers[last_kind] = f"{headers[last_kind]} {line.text.strip()}"[:2000]
            continued += 1
            end = position + 1
    known = headers.keys() - {"other"}
    if len(known) < least:
        return None
    if least > 1 and not ("from" in known and ("subject" in known or "@" in headers["from"] + headers.get("to", ""))):
        return None
    return Boundary(HEADERS, index, end, depth, headers, subject_label)


def _folded_label(text: str) -> str:
    return fold(text[: MAX_LABEL + 12].replace("：", ":").partition(":")[0].strip(" \t\u00a0*_|"))


def _continues(lines: list[Line], position: int, headers: dict[str, str], last_kind: str) -> bool:
    """Whether an unlabelled line belongs to the header above it: another label must still follow."""
    if last_kind == "subject" and len(headers) >= 4:
        return False
    for following in range(position + 1, min(position + 4, len(lines))):
        if lines[following].is_blank:
            return False
        kind = _label(lines[following].text)[0]
        if kind:
            return kind == "other" or kind not in headers
    return False


# --- "On ..., X wrote:" ---------------------------------------------------------------------------------------------
def _attribution_start(lines: list[Line], index: int, free_from: int) -> int | None:
    """First line of the attribution that ends at this line (programs wrap it over up to four); None without one."""
    line = lines[index]
    if len(line.text) > _LONGEST_LINE:
        return None
    following = next_text(lines, index + 1)
    quoted = following is not None and lines[following].depth > line.depth
    if line.mark == MARK_ATTRIBUTION and quoted:
        return index  # its program says what it is, in whatever language
    last = line.text.rstrip(" *_\u00a0")
    if not last.endswith((":", "：")) and not fold(last).endswith(("wrote", "----")):
        return None
    window = ""
    plain: int | None = None
    for start in range(index, max(index - _ATTRIBUTION_LINES, free_from - 1), -1):
        part = lines[start]
        if part.is_blank or part.depth != line.depth or len(window) + len(part.text) > _LONGEST_LINE:
            break
        window = f"{part.text} {window}"
        if _is_attribution(fold(window), quoted=quoted, marked=part.mark == MARK_ATTRIBUTION):
            if _opens(fold(part.text)):
                return start
            if plain is None:
                plain = start
    return plain


def _opens(folded: str) -> bool:
    """Whether a line begins as programs begin an attribution: "On ", a weekday or a date, with a digit near."""
    near = folded[:60]
    if not any(character.isdigit() for character in near):
        return False
    return near.startswith(ATTRIBUTION_OPENERS + WEEKDAYS) or bool(_LEADING_DATE.match(near))


def _is_attribution(folded: str, *, quoted: bool, marked: bool) -> bool:
    verb = any(word in folded for word in WROTE)
    address = bool(_ADDRESS.search(folded))
    time = bool(_TIME.search(folded))
    date = bool(_DATE.search(folded))
    if marked:
        return verb or address or date
    if verb:
        if quoted:
            return address or time or date or len(folded) <= 80
        # Nothing shows that what follows is a quote: only the full form counts.
        return (address and (time or date or len(folded) <= 160)) or (time and date and _opens(folded))
    # Gmail in Russian or Japanese and Yandex write "5 Jan 2024, 10:00, Name <address>:" without a verb.
    return address and date and time and len(folded) <= 260 and (_opens(folded) or quoted)
