"""Find the header lines of a mail or of one of its parts in raw bytes, as badly as they may be written."""

from __future__ import annotations

import re
from collections.abc import MutableSet
from dataclasses import dataclass

from cases.inbound.reader.limits import Limits

__all__ = ["ADDRESS_HEADERS", "Field", "find_root_start", "read_fields", "unfold"]

ADDRESS_HEADERS = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-to", "resent-cc", "resent-bcc")
)
# Headers that are kept however many others stand before them: what the reader and the analysis read.
_ALWAYS_KEPT = ADDRESS_HEADERS | {
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "thread-index",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-location",
    "delivered-to",
    "x-original-to",
    "x-forwarded-to",
    "envelope-to",
    "return-path",
    "auto-submitted",
    "precedence",
    "list-id",
    "list-unsubscribe",
    "authentication-results",
}
_KNOWN = _ALWAYS_KEPT | {"received", "organization", "importance", "priority", "user-agent", "status", "comments"}
_KNOWN_PREFIXES = ("x-", "content-", "resent-", "list-", "dkim-", "arc-", "thread-", "auto", "received-")

_NAME = re.compile(rb"([!-9;-~\x80-\xff]{1,200})[ \t]*:")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_KEPT_REPEATS = 100  # of one always kept header: two From headers matter, ten thousand do not


@dataclass(frozen=True, slots=True)
class Field:
    """One header. `value` is as sent, still folded and encoded."""

    name: str
    value: bytes


def unfold(value: bytes) -> bytes:
    """The value on one line (RFC 5322 section 2.2.3)."""
    return value.replace(b"\r", b" ").replace(b"\n", b"").replace(b"\t", b" ").strip()


def find_root_start(raw: bytes) -> int:
    """Index of the first header line: behind a byte order mark, empty lines and an mbox "From " line."""
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw[start : start + 1] in (b"\r", b"\n"):
        start += 1
    line, following = _line_at(raw, start, len(raw))
    if _is_mbox_line(line):
        start = following
        line, _ = _line_at(raw, start, len(raw))
    return start if _is_known_header(line) else 0


def _line_at(raw: bytes, position: int, end: int) -> tuple[bytes, int]:
    """(the line without its end, index of the next). A CR inside a line ends nothing, or it could smuggle headers."""
    newline = raw.find(b"\n", position, end)
    if newline < 0:
        return raw[position:end].rstrip(b"\r"), end
    return raw[position:newline].rstrip(b"\r"), newline + 1


def _is_known_header(line: bytes) -> bool:
    match = _NAME.match(line)
    if match is None:
        return False
    name = match.group(1).decode("latin-1").lower()
    return name in _KNOWN or name.startswith(_KNOWN_PREFIXES)


def read_fields(
    raw: bytes, start: int, end: int, limits: Limits, defects: MutableSet[str], *, is_root: bool = False
) -> tuple[list[Field], int]:
    """(headers in order, index where the body begins). One pass; each line is looked at once."""
    collected: list[tuple[str, list[bytes]]] = []
    counts: dict[str, int] = {}
    value_size, value_limit = 0, 0
    position, body_start, is_kept = start, end, False
    while position < end:
        line, following = _line_at(raw, position, end)
        if not line:
            body_start = following
            break
        if following - start > limits.header_block:
            defects.add("headers_cut")
            blank = _BLANK_LINE.search(raw, position, end)
            body_start = blank.end() if blank else end
            break
        is_folded = line[0] in b" \t"
        header = None if is_folded else _NAME.match(line)
        if header is None and not (is_folded and (collected or not is_root)):
            if _is_mbox_line(line):
                position = following
                continue
            if not collected or not _is_known_header(_line_at(raw, following, end)[0]):
                defects.add("header_separator_missing")
                body_start = position
                break
            line = b" " + line
            defects.add("header_line_unreadable")  # a header that was broken without the blank that folds it
        elif is_folded and line.isspace() and not _is_header_or_folded(raw, following, end):
            body_start = following
            break
        if header is not None:
            name = header.group(1).decode("latin-1")
            lowered = name.lower()
            counts[lowered] = count = counts.get(lowered, 0) + 1
            is_kept = len(collected) < limits.headers or (lowered in _ALWAYS_KEPT and count <= _KEPT_REPEATS)
            value_limit = limits.address_header if lowered in ADDRESS_HEADERS else limits.header_value
            value_size = 0
            line = line[header.end() :]
            if is_kept:
                collected.append((name, []))
            else:
                defects.add("headers_cut")
        if is_kept and collected:
            if value_size + len(line) > value_limit:
                line = line[: max(value_limit - value_size, 0)]
                defects.add("header_value_cut")
            value_size += len(line)
            if line and not line.isspace():
                collected[-1][1].append(line if not is_folded else b" " + line.lstrip())
        position = following
    if is_root and counts and not any(lowered in _KNOWN or lowered.startswith(_KNOWN_PREFIXES) for lowered in counts):
        return [], start  # a text whose first line has a colon
    return [Field(name, b"".join(lines).strip()) for name, lines in collected], body_start


def _is_mbox_line(line: bytes) -> bool:
    return line.startswith((b"From ", b">From "))


def _is_header_or_folded(raw: bytes, position: int, end: int) -> bool:
    line, _ = _line_at(raw, position, end)
    return _is_known_header(line) or (line[:1] in (b" ", b"\t") and not line.isspace())
