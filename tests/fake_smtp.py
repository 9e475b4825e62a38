"""A mail server on this machine that does as it is told and keeps a ledger of what it took."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


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
    `refused_recipients` maps an address to its reply. `passwords` (user: password) and `tokens` (user: access tokens)
    make a login necessary; `logins` are those that came.
    """

    host: str = "127.0.0.1"
    port: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    refused_recipients: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, set[str]] = field(default_factory=dict)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)  # user, secret, over TLS
    ledger: list[Taken] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    took_one: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None
    let_go: threading.Event = field(default_factory=threading.Event)

    def next_answer(self, command: str) -> str:
        self.calls.append(command)
        scripted = self.answers.get(command)
        return scripted.pop(0) if scripted else "250 OK"


class _Handler:
    def __init__(self, fake: FakeSmtpServer) -> None:
        self.fake = fake

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:
        """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol: a refusal is first told as JSON."""
        response = base64.b64decode(arguments[1]).decode()
        fields = dict(part.partition("=")[::2] for part in response.strip("\x01").split("\x01"))
        user, token = fields["user"], fields["auth"].removeprefix("Bearer ")
        self.fake.logins.append((user, token, _is_tls(server)))
        if token in self.fake.tokens.get(user, ()):
            return AuthResult(success=True, auth_data=user)
        refusal = {"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}
        assert await server.challenge_auth(json.dumps(refusal)) == b""
        await server.push("535 5.7.8 Username and Password not accepted.")
        return AuthResult(success=False, handled=True)

    def check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.fake.logins.append((user, password, _is_tls(server)))
        return AuthResult(success=self.fake.passwords.get(user) == password, handled=False)

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
        fake = self.handler.fake
        needs_login = bool(fake.passwords or fake.tokens)
        return SMTP(
            self.handler,
            hostname="mail.example",
            enable_SMTPUTF8=True,
            authenticator=self.handler.check,
            auth_required=needs_login,
            auth_require_tls=False,
            auth_exclude_mechanism=[] if fake.passwords else ["LOGIN", "PLAIN"],
            tls_context=fake.tls,
        )


class _Unwilling(SMTP):
    """Greets with a refusal."""

    def __init__(self, handler: _Handler, greeting: str) -> None:
        self.greeting = greeting
        super().__init__(handler, hostname="mail.example")

    async def push(self, status: str | bytes) -> None:
        await super().push(self.greeting)
        self.transport.close()


def _is_tls(server: SMTP) -> bool:
    return server.transport.get_extra_info("sslcontext") is not None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def fake_smtp_server(*, tls: ssl.SSLContext | None = None) -> Iterator[FakeSmtpServer]:
    """`tls`: STARTTLS is offered with it."""
    fake = FakeSmtpServer(tls=tls)
    fake.port = _free_port()
    controller = _Controller(_Handler(fake), hostname=fake.host, port=fake.port, ready_timeout=60)
    controller.start()
    try:
        yield fake
    finally:
        fake.let_go.set()
        controller.stop()
