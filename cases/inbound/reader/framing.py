"""A ParsedEmail as bytes and back, for the pipe between two processes. No pickle: whoever breaks the reading process
by a mail must not be able to make ours do more than read a mail.

A frame is b"E2CM", eight bytes of length (big-endian), that many bytes of JSON, then the files' bytes in their order.
"""

from __future__ import annotations

import json
import struct
from datetime import datetime
from typing import Any, BinaryIO

from cases.inbound.parsed import MailAddress, ParsedAttachment, ParsedEmail
from cases.inbound.reader.limits import TooComplex, UnreadableMail

__all__ = ["read_frame", "write_email", "write_error"]

_MAGIC = b"E2CM"
_HEAD = struct.Struct(">4sQ")
_ADDRESS_LISTS = ("senders", "reply_to", "to", "cc", "bcc", "resent_to")
_TEXT_LISTS = ("delivered_to", "in_reply_to", "references", "defects")
_PLAIN = ("sender_is_ambiguous", "subject", "message_id", "thread_index", "text_body", "html_body", "size")


def write_email(stream: BinaryIO, email: ParsedEmail) -> None:
    """Write one mail as a frame."""
    described: dict[str, Any] = {name: getattr(email, name) for name in _PLAIN + _TEXT_LISTS}
    described |= {name: [(each.name, each.address) for each in getattr(email, name)] for name in _ADDRESS_LISTS}
    described["sender"] = (email.sender.name, email.sender.address) if email.sender else None
    described["date"] = email.date.isoformat() if email.date else None
    described["headers"] = email.headers
    described["attachments"] = [
        (each.file_name, each.content_type, each.inline, each.content_id, len(each.content))
        for each in email.attachments
    ]
    _write_json(stream, described)
    for attachment in email.attachments:
        stream.write(attachment.content)


def write_error(stream: BinaryIO, error: TooComplex | UnreadableMail) -> None:
    """Write the reason why there is no mail as a frame."""
    _write_json(stream, {"error": type(error).__name__, "reason": error.reason})


def _write_json(stream: BinaryIO, value: dict[str, Any]) -> None:
    encoded = json.dumps(value).encode("ascii")
    stream.write(_HEAD.pack(_MAGIC, len(encoded)))
    stream.write(encoded)


def read_frame(frame: bytes) -> ParsedEmail:
    """The mail of a frame. Raises the frame's TooComplex or UnreadableMail; ValueError for what is no frame."""
    if len(frame) < _HEAD.size:
        raise ValueError("The frame is cut.")
    magic, length = _HEAD.unpack_from(frame)
    if magic != _MAGIC or len(frame) < _HEAD.size + length:
        raise ValueError("The frame is cut.")
    described = json.loads(frame[_HEAD.size : _HEAD.size + length])
    if "error" in described:
        raise (TooComplex if described["error"] == "TooComplex" else UnreadableMail)(str(described["reason"]))
    position = _HEAD.size + length
    attachments = []
    for file_name, content_type, inline, content_id, size in described["attachments"]:
        attachments.append(
            ParsedAttachment(file_name, content_type, frame[position : position + size], inline, content_id)
        )
        position += size
    if position != len(frame):
        raise ValueError("The frame is cut.")
    values: dict[str, Any] = {name: described[name] for name in _PLAIN}
    values |= {name: tuple(described[name]) for name in _TEXT_LISTS}
    values |= {name: tuple(MailAddress(*each) for each in described[name]) for name in _ADDRESS_LISTS}
    return ParsedEmail(
        sender=MailAddress(*described["sender"]) if described["sender"] else None,
        date=datetime.fromisoformat(described["date"]) if described["date"] else None,
        headers=tuple((name, value) for name, value in described["headers"]),
        attachments=tuple(attachments),
        **values,
    )
