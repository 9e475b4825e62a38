"""A mail server on this machine that does as it is told and keeps a ledger of what it took."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Taken:
    """One mail whose last dot the server has seen."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> Message:
        return message_from_bytes(self.content)


@dataclass
class FakeSmtpServer:
    """`answers` scripts replies, one for each time, then "250": {"mail": ["451 later"], "rcpt": ..., "data": ...}.

    "hang" for data keeps the mail and never answers; "drop" keeps it and hangs up. "connect" scripts greetings.
    `refused_recipients` maps an address to its reply.
    """

    host: str = "127.0.0.1"
    port: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    refused_recipients: dict[str, str] = field(default_factory=dict)
    ledger: list[Taken] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    took_one: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def next_answer(self, command: str) -> str:
        self.calls.append(command)
        scripted = self.answers.get(command)
        return scripted.pop(0) if scripted else "250 OK"


class _Handler:
    def __init__(self, fake: FakeSmtpServer) -> None:
        self.fake = fake

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        answer = self.fake.next_answer("mail")
        if answer == "drop":
            server.transport.abort()
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        answer = self.fake.refused_recipients.get(address) or self.fake.next_answer("rcpt")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.fake.next_answer("data")
        if answer.startswith("250") or answer in ("hang", "drop"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.fake.ledger.append(Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        self.fake.took_one.set()
        if answer == "drop":
            server.transport.abort()
        while answer == "hang" and not self.fake.let_go.is_set():
            await asyncio.sleep(0.05)
        return answer if answer[0].isdigit() else "250 OK"


class _Controller(Controller):
    def factory(self) -> SMTP:
        greeting = self.handler.fake.answers.get("connect")
        if greeting:
            return _Unwilling(self.handler, greeting.pop(0))
        return SMTP(self.handler, hostname="mail.example", enable_SMTPUTF8=True)


class _Unwilling(SMTP):
    """Greets with a refusal."""

    def __init__(self, handler: _Handler, greeting: str) -> None:
        self.greeting = greeting
        super().__init__(handler, hostname="mail.example")

    async def push(self, status: str | bytes) -> None:
        await super().push(self.greeting)
        self.transport.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def fake_smtp_server() -> Iterator[FakeSmtpServer]:
    fake = FakeSmtpServer()
    fake.port = _free_port()
    controller = _Controller(_Handler(fake), hostname=fake.host, port=fake.port, ready_timeout=10)
    controller.start()
    try:
        yield fake
    finally:
        fake.let_go.set()
        controller.stop()
