"""Read header lines and their values from raw text: folding, encoded words, parameters, message ids, dates."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from cases.inbound.reader.charsets import clean_text, decode_words_bytes, one_line

__all__ = [
    "Parameters",
    "decode_words",
    "header_text",
    "read_date",
    "read_message_id",
    "read_message_ids",
    "read_parameters",
]

# RFC 2047 section 2, with what programs really write: blanks in the text, a language (RFC 2231 section 5).
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*(?:\?(?!=)[^?\s]*){0,3})\?=")
_BROKEN_WORD = re.compile(r"=\?([^?*\s]{1,60})\?([bBqQ])\?([^?\s]*)$")
_Q_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")
MAX_ID_LENGTH = 998  # one line of RFC 5322


@dataclass(slots=True)
class _Word:
    charset: str
    encoding: str
    text: str

    def decoded(self) -> bytes:
        raw = self.text.encode("utf-8", "surrogateescape" if self.text.isascii() else "replace")
        if self.encoding == "q":
            return _Q_ESCAPE.sub(lambda match: binascii.unhexlify(match.group(1)), raw.replace(b"_", b" "))
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.replace(b"-", b"+").replace(b"_", b"/"))
        rest = len(letters) % 4
        if rest == 1:
            letters, rest = letters[:-1], 0
        return binascii.a2b_base64(letters + b"=" * (-rest % 4))


def decode_words(text: str) -> str:
    """A header's text with its encoded words read (RFC 2047). Linear; what cannot be read stays as it is written.

    Neighbours in one charset are joined before they are decoded: many programs cut a character between two words.
    """
    if "=?" not in text:
        return text
    parts: list[str] = []
    words: list[_Word] = []
    position = 0
    for match in _ENCODED_WORD.finditer(text):
        between = text[position : match.start()]
        if between and not (words and between.isspace()):
            parts.append(_join_words(words))
            words = []
            parts.append(between)
        charset, encoding, encoded = match.group(1).lower(), match.group(2).lower(), match.group(3)
        last = words[-1] if words else None
        if (
            last
            and encoding == "b" == last.encoding
            and last.charset == charset
            and len(last.text) % 4
            and "=" not in last.text
        ):
            last.text += encoded  # base64 itself was cut in two, not only the text
        else:
            words.append(_Word(charset, encoding, encoded))
        position = match.end()
    parts.append(_join_words(words))
    rest = text[position:]
    if "=?" in rest and (broken := _BROKEN_WORD.search(rest)):
        parts.append(rest[: broken.start()])
        parts.append(_join_words([_Word(broken.group(1).lower(), broken.group(2).lower(), broken.group(3))]))
    else:
        parts.append(rest)
    return "".join(parts)


def _join_words(words: list[_Word]) -> str:
    parts: list[str] = []
    start = 0
    for end in range(1, len(words) + 1):
        if end == len(words) or words[end].charset != words[start].charset:
            parts.append(
                decode_words_bytes(b"".join(word.decoded() for word in words[start:end]), words[start].charset)
            )
            start = end
    return "".join(parts)


# --- Content-Type and Content-Disposition ----------------------------------------------------------------------------

_PARAMETER = re.compile(
    r"""\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))""",
    re.DOTALL,
)
_CONTINUED = re.compile(r"(.+?)\*(?:(\d{1,4})(\*)?)?")
MAX_PARAMETERS = 200


@dataclass(frozen=True, slots=True)
class Parameters:
    """The value of a header such as Content-Type: `text/plain; charset=utf-8`."""

    value: str  # lower case
    named: dict[str, str]  # names lower case, values decoded


def read_parameters(text: str) -> Parameters:
    """Read a value and at most 200 parameters (RFC 2045 section 5.1; RFC 2231 pieces and charsets; encoded words)."""
    value, semicolon, rest = text.partition(";")
    raw: dict[str, str] = {}
    position, count = 0, 0
    while semicolon and position < len(rest) and count < MAX_PARAMETERS:
        count += 1
        match = _PARAMETER.match(rest, position)
        if match is None:
            next_semicolon = rest.find(";", position)
            position = next_semicolon + 1 if next_semicolon >= 0 else len(rest)
            continue
        name, quoted, plain = match.groups()
        if quoted is None:
            plain = plain.strip()
            raw.setdefault(name.lower(), plain[1:] if plain.startswith('"') else plain)
        else:
            # A backslash is a quote sign only where it has to be one: Windows paths come unescaped.
            raw.setdefault(name.lower(), re.sub(r'\\(["\\])', r"\1", quoted))
        next_semicolon = rest.find(";", match.end())
        position = next_semicolon + 1 if next_semicolon >= 0 else len(rest)
    return Parameters(value.strip().strip("\"'").lower(), _join_continued(raw))


def _join_continued(raw: dict[str, str]) -> dict[str, str]:
    named: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in raw.items():
        match = _CONTINUED.fullmatch(name)
        if match is None:
            named[name] = decode_words(value) if "=?" in value else value
        else:
            is_encoded = match.group(2) is None or match.group(3) is not None
            pieces.setdefault(match.group(1), {})[int(match.group(2) or 0)] = (value, is_encoded)
    for name, numbered in pieces.items():
        charset, joined = "", bytearray()
        for order, (_, (value, is_encoded)) in enumerate(sorted(numbered.items())):
            if is_encoded:
                if order == 0 and value.count("'") >= 2:
                    charset, _, value = value.split("'", 2)
                joined += unquote_to_bytes(value.encode("utf-8", "replace"))
            else:
                joined += value.encode("utf-8", "replace")
        decoded = decode_words_bytes(bytes(joined), charset)
        named[name] = decode_words(decoded) if "=?" in decoded else decoded
    return named


# --- message ids and dates -------------------------------------------------------------------------------------------

_BRACKETED = re.compile(r"<([^<>]*)>")
_BLANKS = re.compile(r"\s+")
_UNUSABLE_IN_ID = re.compile(r"[\x00-\x1f\x7f<>\ud800-\udfff\ufffd]")


def read_message_id(text: str) -> str:
    """A Message-ID without its brackets; "" when the header has none that another mail could refer to."""
    return next(_ids_in(text), "")


def read_message_ids(text: str, *, newest: int) -> tuple[str, ...]:
    """The ids of In-Reply-To or References in their order, each once; the `newest` (last) of them."""
    ids = list(dict.fromkeys(_ids_in(text[-64_000:])))
    return tuple(ids[-newest:])


def _ids_in(text: str) -> Iterator[str]:
    bracketed = [match.group(1) for match in _BRACKETED.finditer(text)]
    # Without brackets every word with an "@" counts, or the only word there is.
    words = text.replace(",", " ").replace("<", " ").replace(">", " ").split()
    candidates = bracketed or [word for word in words if "@" in word] or (words if len(words) == 1 else [])
    for candidate in candidates:
        identifier = _BLANKS.sub("", candidate)
        if _is_usable_id(identifier):
            yield identifier


def _is_usable_id(identifier: str) -> bool:
    if len(identifier) > MAX_ID_LENGTH or _UNUSABLE_IN_ID.search(identifier):
        return False
    if identifier.count("[") != identifier.count("]") or identifier.startswith("@") or identifier.endswith("@"):
        return False
    # Without an "@" only a long one can be meant to be unique.
    return "@" in identifier or len(identifier) >= 6


_COMMENT = re.compile(r"\([^()]*\)")
_DIGIT = re.compile(r"\d")


def read_date(text: str) -> datetime | None:
    """An RFC 5322 (obsolete forms as well) or ISO 8601 date in UTC; None if unreadable or not in 1980-2099."""
    text = _COMMENT.sub(" ", clean_text(text[:200])).strip().strip("\"'")
    if not _DIGIT.search(text):
        return None
    try:
        parts = parsedate_tz(text)
        moment = _moment_of(parts) if parts else _read_iso_date(text)
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        moment = _read_iso_date(text)
    return moment if moment and 1980 <= moment.year < 2100 else None


def _moment_of(parts: tuple[int | None, ...]) -> datetime:
    """Of the ten numbers that `parsedate_tz` gives. Raises ValueError for a 99th of January, and TypeError."""
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    zone = timezone(timedelta(seconds=int(parts[9] or 0)))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)


def _read_iso_date(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text[:40])
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def header_text(text: str) -> str:
    """One header value as people read it: encoded words decoded, on one line, clean."""
    return one_line(decode_words(text))
