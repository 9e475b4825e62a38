"""What Anymail's views get instead of its own message class: it keeps what it is given and parses nothing.

Anymail parses a mail with the standard library while it reads the request; a mail of 50 kB can make that cost seconds
and gigabytes. The reader does it later, within limits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from cases.inbound.exact_text import exact_bytes
from cases.inbound.parsed import ParsedAttachment
from cases.inbound.reader.charsets import decode_header_bytes
from cases.inbound.reader.headers import Parameters, read_parameters

__all__ = ["CapturedMessage", "MailPieces"]

HEADER_BYTES = 256 * 1024  # of a raw mail in which a header is looked for
DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class MailPieces:
    """A mail that a provider took apart; reader.read_pieces puts it together."""

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[ParsedAttachment, ...]


class UploadedContent(Protocol):
    def read(self) -> bytes: ...


class CapturedMessage:
    """Has of anymail.inbound.AnymailInboundMessage what the views of anymail.webhooks use; a test compares the two.

    Either `raw` is set (the mail's exact bytes), or the pieces are.
    """

    def __init__(self) -> None:
        self.raw: bytes | None = None
        self.headers: list[tuple[str, str]] = []  # besides those in `raw`
        self._raw_headers: list[tuple[str, str]] | None = None
        self.text_part: str | None = None
        self.html_part: str | None = None
        self.files: list[ParsedAttachment] = []
        self.file: ParsedAttachment | None = None  # of a message that is itself an attachment
        self.envelope_sender: str | None = None
        self.envelope_recipient: str | None = None
        self.stripped_text: str | None = None
        self.stripped_html: str | None = None
        self.spam_detected: bool | None = None
        self.spam_score: float | None = None

    # What the views build ------------------------------------------------------------------------------------------

    @classmethod
    def parse_raw_mime(cls, s: str) -> Self:
        return cls.parse_raw_mime_bytes(exact_bytes(s))

    @classmethod
    def parse_raw_mime_bytes(cls, b: bytes) -> Self:
        message = cls()
        message.raw = b
        return message

    @classmethod
    def parse_raw_mime_chunks(cls, chunks: Iterable[bytes]) -> Self:
        return cls.parse_raw_mime_bytes(b"".join(chunks))

    @classmethod
    def construct(
        cls,
        raw_headers: str | None = None,
        from_email: str | None = None,
        to: str | None = None,
        cc: str | None = None,
        bcc: str | None = None,
        subject: str | None = None,
        headers: Iterable[tuple[str, str]] | Mapping[str, str] | None = None,
        text: str | None = None,
        text_charset: str = "utf-8",
        html: str | None = None,
        html_charset: str = "utf-8",
        attachments: Iterable[CapturedMessage] | None = None,
    ) -> Self:
        """Anymail's arguments. A header given by itself comes first, and stands before the same one in `headers`."""
        message = cls()
        given = {"From": from_email, "To": to, "Cc": cc, "Bcc": bcc, "Subject": subject}
        message.headers = [(name, str(value)) for name, value in given.items() if value]
        own = {name.lower() for name, _value in message.headers}
        listed = [*header_lines(raw_headers or ""), *pairs_of(headers)]
        message.headers += [(name, value) for name, value in listed if name.lower() not in own]
        message.text_part = text_or_none(text, "text")
        message.html_part = text_or_none(html, "HTML")
        message.files = [attachment.file for attachment in attachments or () if attachment.file is not None]
        return message

    @classmethod
    def construct_attachment(
        cls,
        content_type: str | None,
        content: bytes | str | None,
        charset: str | None = None,
        filename: str | None = None,
        content_id: str | None = None,
        base64: bool = False,
    ) -> Self:
        message = cls()
        message.file = ParsedAttachment(
            file_name=str(filename or ""),
            content_type=str(content_type or DEFAULT_TYPE),
            content=decode_base64(content) if base64 else as_bytes(content),
            inline=content_id is not None,
            content_id=str(content_id or "").strip("<> "),
        )
        return message

    @classmethod
    def construct_attachment_from_uploaded_file(cls, file: UploadedContent, content_id: str | None = None) -> Self:
        return cls.construct_attachment(
            getattr(file, "content_type", None),
            file.read(),
            filename=getattr(file, "name", None),
            content_id=content_id,
        )

    # What the views look up ----------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> str | None:
        return self.get(name)

    def __setitem__(self, name: str, value: str) -> None:
        self.add_header(name, value)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def add_header(self, name: str, value: str) -> None:
        self.headers.append((name, str(value)))

    def get(self, name: str, default: Any = None) -> Any:
        """The first header of that name, unfolded and still encoded."""
        wanted = name.lower()
        return next((value for key, value in self.all_headers() if key.lower() == wanted), default)

    def all_headers(self) -> list[tuple[str, str]]:
        """Headers in the order of the mail; of a raw mail those in its first bytes."""
        if self.raw is not None and self._raw_headers is None:
            head = self.raw[:HEADER_BYTES]
            end = re.search(rb"\r?\n\r?\n", head)
            self._raw_headers = header_lines(decode_header_bytes(head[: end.start()] if end else head))
        return [*self.headers, *(self._raw_headers or ())]

    def get_content_type(self) -> str:
        return self._parameters("Content-Type").value or DEFAULT_TYPE

    def get_filename(self, failobj: Any = None) -> Any:
        name = self._parameters("Content-Disposition").named.get("filename")
        return name or self._parameters("Content-Type").named.get("name") or failobj

    def is_inline(self) -> bool:
        return self.file is not None and self.file.inline

    def _parameters(self, header: str) -> Parameters:
        return read_parameters(str(self.get(header, "")))

    # What the worker takes -----------------------------------------------------------------------------------------

    @property
    def pieces(self) -> MailPieces | None:
        if self.raw is not None:
            return None
        return MailPieces(tuple(self.headers), self.text_part, self.html_part, tuple(self.files))


def text_or_none(value: object, what: str) -> str | None:
    """Raises TypeError for what JSON can hold beside text: then a person must look."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"the {what} of the mail is no text")


def pairs_of(headers: Iterable[tuple[str, str]] | Mapping[str, str] | None) -> list[tuple[str, str]]:
    if headers is None:
        return []
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(str(name), "" if value is None else str(value)) for name, value in pairs]


def header_lines(text: str) -> list[tuple[str, str]]:
    """Headers that come as one text."""
    pairs = []
    for line in re.sub(r"\r?\n(?=[ \t])", "", text).split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip():
            pairs.append((name.strip(), value.strip()))
    return pairs


def as_bytes(content: bytes | str | None) -> bytes:
    if content is None:
        return b""
    return content if isinstance(content, bytes) else exact_bytes(content)


def decode_base64(content: bytes | str | None) -> bytes:
    """What decodes: a cut attachment is worth more than none."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", as_bytes(content))
    try:
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:  # one letter too many
        return base64.b64decode(letters[: len(letters) // 4 * 4])
