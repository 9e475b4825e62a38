"""Make RFC 5322 mails for tests, and mint the signs of a thread that only we can make."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cases.inbound.ingesting import Ingest
from cases.inbound.settled import Settled
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id, reply_address, token_mark

_numbers = itertools.count(1)


def raw_mail(
    *,
    sender: str = "Casey Customer <casey@example.net>",
    to: str = "support@company.example",
    subject: str | None = None,
    message_id: str | None = None,
    date: str = "Tue, 03 Nov 2026 10:11:12 +0000",
    headers: Sequence[str] = (),
    body: str = "Hello, my order has not come.",
    content_type: str = "text/plain; charset=utf-8",
) -> bytes:
    """One mail; Message-ID and subject are new each time unless given. `message_id` "" leaves the header out."""
    number = next(_numbers)
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject if subject is not None else f'Help with order {number}'}",
        f"Date: {date}",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
        *headers,
    ]
    if message_id != "":
        lines.insert(0, f"Message-ID: {message_id or f'<m{number}.abcdefghij@mail.example.net>'}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def ingest(raw: bytes, *, to: Sequence[str] = (), envelope_from: str = "", dry_run: bool = False) -> Settled:
    return Ingest(envelope_recipients=to, envelope_sender=envelope_from, dry_run=dry_run).ingest(raw)


def ingest_mail(**parts: object) -> Settled:
    return ingest(raw_mail(**parts))  # type: ignore[arg-type]


def mint_message_id(case_id: int, domain: str = "company.example") -> str:
    """A Message-ID as we sign it, in angle brackets."""
    return f"<{new_message_id(case_id, domain, signing_keys())}>"


def mint_token(case_id: int) -> str:
    """The thread token as it stands in a subject or a body."""
    return token_mark(case_id, signing_keys())


def mint_reply_address(case_id: int, public_address: str = "support@company.example") -> str:
    return reply_address(public_address, case_id, signing_keys())
