"""Look at a mail's bytes, before anything reads them, for what could make reading expensive. Cheap: a few searches."""

from __future__ import annotations

from cases.inbound.reader.limits import Limits

__all__ = ["looks_empty", "why_bounded"]


def why_bounded(raw: bytes, limits: Limits) -> str:
    """Why this mail is to be read in a process of its own, as a sentence; "" for a mail that can be read here."""
    if len(raw) > limits.in_process_size:
        return f"The mail has {len(raw)} bytes."
    header_end = _header_end(raw)
    if header_end > limits.in_process_header_block:
        return f"The header has {header_end} bytes."
    if header_end > 8 * limits.in_process_encoded_words:
        words = raw.count(b"=?", 0, header_end) // 2
        if words > limits.in_process_encoded_words:
            return f"The header has {words} encoded words."
    if header_end > limits.in_process_parameters:
        parameters = raw.count(b";", 0, header_end)
        if parameters > limits.in_process_parameters:
            return f"The header has {parameters} parameters."
    parts = raw.count(b"\n--", header_end)
    if parts > limits.in_process_parts:
        return f"The mail has {parts} lines that may begin a part."
    if parts:
        boundaries = raw.count(b"oundary=") + raw.count(b"OUNDARY=")
        if boundaries > limits.in_process_boundaries:
            return f"The mail has {boundaries} multiparts."
    return ""


def _header_end(raw: bytes) -> int:
    ends = [end for end in (raw.find(b"\n\r\n"), raw.find(b"\n\n", 0, 1_000_000)) if end >= 0]
    return min(ends, default=len(raw))


def looks_empty(raw: bytes) -> bool:
    """Whether there is no mail in these bytes: nothing, or nothing but blanks, NULs and line ends."""
    return not raw.strip(b" \t\r\n\x00")
