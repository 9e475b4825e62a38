"""Cut a mail into its MIME parts (RFC 2046): bytes in, a tree out; without recursion and without copying bodies.

The standard library's parser is not used: it recurses, so that 56 kB of nested multiparts end it, takes quadratic time
for parameters, and copies each attachment three times as text. A mail needs little more of it than `bytes.find`.
"""

from __future__ import annotations

import re
from collections.abc import MutableSet
from dataclasses import dataclass, field

from cases.inbound.reader.charsets import decode_header_bytes, one_line
from cases.inbound.reader.fields import Field, find_root_start, read_fields, unfold
from cases.inbound.reader.headers import Parameters, decode_words, read_parameters
from cases.inbound.reader.limits import Limits
from cases.inbound.reader.transfer import KNOWN_PRIVATE_ENCODINGS, decode_transfer

__all__ = ["Part", "split_mail"]

_NO_PARAMETERS = Parameters("", {})
_TYPE = re.compile(r"([a-z0-9!#$&^_.+-]{1,127})\s*/\s*([a-z0-9!#$&^_.+-]{1,127})")
_GUESSED_BOUNDARY = re.compile(rb"(?:\A|[\r\n])--([^\r\n]{1,200}?)[ \t]*[\r\n]+content-", re.IGNORECASE)
_GUESS_WITHIN = 10_000


@dataclass(slots=True)
class Part:
    """One part: where it lies in the mail (`start`, `body_start`, `end`) and what its headers say of it."""

    raw: bytes
    start: int
    body_start: int
    end: int
    fields: list[Field]
    content_type: str = "text/plain"
    is_type_declared: bool = False
    type_parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_parameters: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    content_id: str = ""
    depth: int = 0
    children: list[Part] = field(default_factory=list)
    preamble_end: int = 0  # of a multipart: index where its first part begins

    @property
    def main_type(self) -> str:
        return self.content_type.partition("/")[0]

    @property
    def file_name(self) -> str:
        """The name as the sender gave it, on one line; "" without one. Never a path to write to."""
        for parameters, name in ((self.disposition_parameters, "filename"), (self.type_parameters, "name")):
            if value := one_line(parameters.get(name, "")):
                return value[:1000]
        return ""

    @property
    def is_encoding_unknown(self) -> bool:
        """RFC 2045 section 6.4: a part in a private encoding that we do not know is a file, whatever its type."""
        return self.encoding.startswith("x-") and self.encoding not in KNOWN_PRIVATE_ENCODINGS

    @property
    def charset(self) -> str:
        return self.type_parameters.get("charset", "").split("(")[0].strip()

    def first(self, name: str) -> bytes:
        """The first header of that (lower case) name as sent; b"" when absent."""
        return next((each.value for each in self.fields if each.name.lower() == name), b"")

    def entity(self) -> bytes:
        """The part with its headers, as sent."""
        return self.raw[self.start : self.end]

    def content(self, defects: MutableSet[str]) -> bytes:
        """The body with its transfer encoding undone."""
        return decode_transfer(self.raw[self.body_start : self.end], self.encoding, defects)


def split_mail(raw: bytes, limits: Limits, defects: MutableSet[str]) -> Part:
    """The tree of parts. A multipart without parts to find has become text; one too deep is a leaf."""
    if b"\n" not in raw[:4096] and b"\r" in raw[:4096]:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # line ends of an old Mac
    start = find_root_start(raw)
    fields, body_start = read_fields(raw, start, len(raw), limits, defects, is_root=True)
    root = _describe(Part(raw, start, body_start, len(raw), fields))
    waiting, count = [root], 1
    while waiting:
        part = waiting.pop()
        if part.main_type != "multipart" or part.disposition == "attachment":
            continue
        if part.depth >= limits.depth:
            defects.add("nesting_cut")
            continue
        spans = _find_spans(part, limits.parts - count, defects)
        for start, end in spans:
            fields, body_start = read_fields(raw, start, end, limits, defects)
            child = Part(raw, start, body_start, end, fields, depth=part.depth + 1)
            if part.content_type == "multipart/digest":
                child.content_type = "message/rfc822"
            part.children.append(_describe(child))
        count += len(spans)
        waiting.extend(reversed(part.children))
        if not part.children:
            _read_as_text(part)
    return root


def _describe(part: Part) -> Part:
    """Fill in what the Content-* headers say."""
    for each in part.fields:
        name = each.name.lower()
        if not name.startswith("content-") or not each.value:
            continue
        if name == "content-type" and not part.is_type_declared:
            declared = _parameters(each.value)
            part.type_parameters = declared.named
            part.content_type, part.is_type_declared = _read_type(declared.value, part.content_type), True
        elif name == "content-disposition" and not part.disposition:
            declared = _parameters(each.value)
            part.disposition = declared.value.split("(")[0].strip() or "attachment"
            part.disposition_parameters = declared.named
        elif name == "content-transfer-encoding" and not part.encoding:
            part.encoding = (
                each.value[:100].decode("latin-1").lower().partition(";")[0].partition("(")[0].strip(" \t\"'")
            )
        elif name == "content-id" and not part.content_id:
            part.content_id = one_line(decode_words(decode_header_bytes(each.value[:1000]))).strip('<> "')
    if part.content_type == "application/octet-stream" and not part.is_type_declared:
        part.content_type = "text/plain"
    return part


def _parameters(value: bytes) -> Parameters:
    return read_parameters(decode_header_bytes(unfold(value)))


def _read_type(declared: str, default: str) -> str:
    match = _TYPE.match(declared)
    if match:
        return f"{match.group(1)}/{match.group(2)}"
    if declared in ("text", "plain"):
        return "text/plain"
    if declared in ("html", "text/"):
        return "text/html" if declared == "html" else "text/plain"
    # RFC 2045 section 5.2: what has no readable type is plain text.
    return default


def _find_spans(part: Part, limit: int, defects: MutableSet[str]) -> list[tuple[int, int]]:
    boundary = part.type_parameters.get("boundary", "").rstrip()
    spans: list[tuple[int, int]] = []
    if boundary:
        spans = _spans_between(part, boundary.encode("utf-8", "surrogateescape"), limit, defects)
        if not spans and (bare := boundary.split("(")[0].split()) and bare[0] != boundary:
            spans = _spans_between(part, bare[0].encode("utf-8", "surrogateescape"), limit, defects)
    if not spans:
        defects.add("boundary_missing")
        head = part.raw[max(part.body_start - 1, 0) : min(part.end, part.body_start + _GUESS_WITHIN)]
        guessed = _GUESSED_BOUNDARY.search(head)
        if guessed:
            spans = _spans_between(part, guessed.group(1), limit, defects)
    return spans


def _spans_between(part: Part, boundary: bytes, limit: int, defects: MutableSet[str]) -> list[tuple[int, int]]:
    """(start, end) of the parts between lines of `--boundary`, at most `limit` of them."""
    raw, end = part.raw, part.end
    delimiter = b"--" + boundary
    spans: list[tuple[int, int]] = []
    open_at = -1
    position = raw.find(delimiter, part.body_start, end)
    while position >= 0:
        after = position + len(delimiter)
        line_end = _end_of_line(raw, after, end)
        tail = raw[after : min(line_end, after + 1000)].rstrip(b" \t\r\n")
        is_line_start = position == part.body_start or raw[position - 1] == 10
        if is_line_start and tail in (b"", b"--"):
            if open_at >= 0:
                spans.append((open_at, _before_line_break(raw, position, open_at)))
            else:
                part.preamble_end = position
            open_at = -1 if tail else line_end
            if tail:
                return spans
            if len(spans) >= limit:
                defects.add("parts_cut")
                return spans
            position = raw.find(delimiter, line_end, end)
        else:
            position = raw.find(delimiter, after, end)
    if open_at >= 0:
        defects.add("boundary_not_closed")
        spans.append((open_at, end))
    return spans


def _end_of_line(raw: bytes, position: int, end: int) -> int:
    """Index behind the line break at or after `position`, which is near: a boundary's line is short."""
    near = min(end, position + 1000)
    newline = raw.find(b"\n", position, near)
    return newline + 1 if newline >= 0 else near


def _before_line_break(raw: bytes, position: int, start: int) -> int:
    """RFC 2046 section 5.1.1: the line break before a boundary belongs to the boundary."""
    if position - 2 >= start and raw[position - 2 : position] == b"\r\n":
        return position - 2
    return max(position - 1, start) if raw[position - 1 : position] == b"\n" else position


def _read_as_text(part: Part) -> None:
    """A multipart in which no part can be found is shown as the text it is."""
    head = part.raw[part.body_start : part.body_start + 1000].lower()
    part.content_type = "text/html" if b"<html" in head or b"<body" in head or b"<div" in head else "text/plain"
