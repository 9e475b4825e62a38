"""A demonstration mail and its bytes. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

SUPPORT = "support@demo.example"
BILLING = "billing@demo.example"
SALES = "sales@demo.example"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str
    company: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; with a content id an image of the HTML text."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class DemoMail:
    sender: Person
    text: str
    subject: str = ""  # empty: "Re:" and the subject of the thread's first mail
    html: str = ""
    to: str = ""  # empty: the thread's address
    cc: Sequence[Person] = ()
    files: Sequence[File] = ()
    headers: Sequence[tuple[str, str]] = ()
    after: timedelta = timedelta()  # the mail before it, or for a first one: before now
    is_answer: bool = True  # names the mails before it in In-Reply-To and References
    raw: bytes = b""  # a mail that no composer writes, such as a bounce


@dataclass(frozen=True, slots=True)
class Thread:
    """Mails of one conversation in order. `key` makes their Message-IDs."""

    key: str
    address: str
    mails: Sequence[DemoMail]


def message_id(thread: Thread, index: int) -> str:
    domain = thread.mails[index].sender.address.partition("@")[2]
    return f"<{thread.key}.{index}@mail.{domain}>"


def compose(thread: Thread, index: int, *, sent_at: datetime) -> bytes:
    """The mail as a server would hand it over (RFC 5322)."""
    mail = thread.mails[index]
    if mail.raw:
        return mail.raw
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(mail.sender)
    message["To"] = mail.to or thread.address
    if mail.cc:
        message["Cc"] = [_mailbox(person) for person in mail.cc]
    message["Subject"] = mail.subject or f"Re: {thread.mails[0].subject}"
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id(thread, index)
    if index and mail.is_answer:
        message["In-Reply-To"] = message_id(thread, index - 1)
        message["References"] = " ".join(message_id(thread, earlier) for earlier in range(index))
    for name, value in mail.headers:
        message[name] = value
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
        body = message.get_body(("html",))
        for file in mail.files:
            if file.content_id and isinstance(body, EmailMessage):
                _attach(body, file)
    for file in mail.files:
        if not (mail.html and file.content_id):
            _attach(message, file)
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"demo-{thread.key}-{index}-{number}")
    return message.as_bytes()


def _mailbox(person: Person) -> Address:
    return Address(display_name=person.name, addr_spec=person.address)


def _attach(message: EmailMessage, file: File) -> None:
    main_type, _slash, subtype = file.content_type.partition("/")
    if file.content_id:
        message.add_related(
            file.content,
            maintype=main_type,
            subtype=subtype,
            cid=f"<{file.content_id}>",
            filename=file.name,
            disposition="inline",
        )
    else:
        message.add_attachment(file.content, maintype=main_type, subtype=subtype, filename=file.name)


def picture(width: int, height: int, *, bars: Sequence[int]) -> bytes:
    """A PNG of a bar chart; `bars` are heights in pixels."""
    rows = []
    for y in range(height):
        row = bytearray(b"\x00")  # filter type "none"
        for x in range(width):
            bar = bars[x * len(bars) // width]
            row += bytes((58, 110, 165)) if height - y <= bar else bytes((244, 246, 248))
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a colour, true colour
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def one_page_pdf(line: str) -> bytes:
    """A PDF with one line of ASCII text."""
    stream = f"BT /F1 18 Tf 72 720 Td ({line}) Tj ET".encode("ascii")
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    document, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(document)
    size = len(bodies) + 1
    return document + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, start)
    )
