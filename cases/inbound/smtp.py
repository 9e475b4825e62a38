"""Mail by SMTP or LMTP from a mail server of our own: stored and committed before the 250, read later like any other.

It takes mail for every recipient and sends none, so it is no relay; but it asks for no password, so only this machine
and the networks of E2C_SMTP_ALLOW may connect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP
from django.conf import settings
from django.db import close_old_connections

from cases.inbound import wake
from cases.inbound.accept import store_raw_mail

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

__all__ = ["BadListenAddress", "MailListener", "allowed_networks", "listen_address"]

logger = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
STORING_THREADS = 4
MOST_CONNECTIONS = 20  # each may hold a mail of E2C_MAX_BODY bytes in memory
MOST_RECIPIENTS = 1000  # RFC 5321 section 4.5.3.1.8 asks for 100 at least
IDLE_SECONDS = 300  # RFC 5321 section 4.5.3.2.7
# RFC 5321 allows 1000 bytes; real mail does not keep to it, and refusing a line loses the mail.
LONGEST_LINE = 4 * 1024 * 1024


class BadListenAddress(ValueError):
    """Where to listen is unreadable, or not safe."""


def allowed_networks(written: Sequence[str]) -> list[Network]:
    """Raises BadListenAddress naming the setting."""
    try:
        return [ipaddress.ip_network(text, strict=False) for text in written]
    except ValueError as error:
        raise BadListenAddress(f"E2C_SMTP_ALLOW must list networks such as 10.0.0.0/8: {error}.") from None


def listen_address(written: str, *, allowed: Sequence[Network]) -> tuple[str, int]:
    """ "127.0.0.1:2525" or "[::1]:2525". Beyond this machine only when E2C_SMTP_ALLOW says who may connect."""
    host, colon, port = written.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise BadListenAddress(f"E2C_SMTP_LISTEN must have the form host:port, not {written!r}.")
    if not allowed and not is_loopback(host):
        raise BadListenAddress(
            f"E2C_SMTP_LISTEN: listening on {host or 'every address'} needs E2C_SMTP_ALLOW,"
            " the networks that may hand in mail."
        )
    return host, int(port)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class MailListener:
    """One listening socket and its bounds."""

    host: str
    port: int
    is_lmtp: bool = False
    allowed: Sequence[Network] = ()
    most_connections: int = MOST_CONNECTIONS
    open_connections: int = 0
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(STORING_THREADS, thread_name_prefix="smtp-store")
    )

    async def start(self) -> asyncio.Server:
        """Listen; the caller serves and closes. Mail that is being stored is finished by `finish`."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._protocol, self.host, self.port)

    def finish(self) -> None:
        """Wait until everything that was being stored is."""
        self._threads.shutdown(wait=True)

    def _protocol(self) -> SMTP:
        return (LmtpSession if self.is_lmtp else SmtpSession)(self)

    def refusal_of(self, peer: Any) -> str:
        """Why a client may not connect, as an SMTP reply; "" when it may."""
        if self.open_connections >= self.most_connections:
            return "421 4.3.2 Too many connections, try again later"
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback or any(address in network for network in self.allowed):
            return ""
        logger.warning("SMTP: refused a connection of %s; E2C_SMTP_ALLOW does not list it", address)
        return "554 5.7.1 You may not hand in mail here"

    # Called by aiosmtpd -------------------------------------------------------------------------------------------

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, store, envelope.original_content or b"", envelope.mail_from or "", list(envelope.rcpt_tos)
        )

    async def handle_exception(self, error: Exception) -> str:
        logger.error("SMTP: a session failed: %s", type(error).__name__)
        return "451 4.3.0 Local error, try again later"


def store(raw: bytes, sender: str, recipients: Sequence[str]) -> str:
    """Store one mail, in a thread. The reply: 250 once it is committed, else 451, so that the other side keeps it."""
    close_old_connections()
    try:
        inbound = store_raw_mail(
            provider="smtp", raw=raw, envelope_sender=sender or "<>", envelope_recipients=recipients
        )
    except Exception as error:  # noqa: BLE001 - whatever hinders storing: the other side keeps the mail
        logger.error("SMTP: a mail was not stored, the other side will try again: %s", type(error).__name__)
        return "451 4.3.0 Cannot store the mail now, try again later"
    finally:
        close_old_connections()
    wake.ring()
    return f"250 2.0.0 Stored as {inbound.pk}"


class SmtpSession(SMTP):
    """One connection."""

    line_length_limit = LONGEST_LINE

    def __init__(self, listener: MailListener) -> None:
        self._listener = listener
        self._is_open = False
        super().__init__(
            listener,
            data_size_limit=settings.E2C_MAX_BODY,
            enable_SMTPUTF8=True,
            hostname=settings.E2C_INBOUND_DOMAIN,
            ident="ESMTP",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: Any) -> None:
        refusal = self._listener.refusal_of(transport.get_extra_info("peername"))
        if refusal:
            transport.write(refusal.encode("ascii") + b"\r\n")
            transport.close()
            return
        self._is_open = True
        self._listener.open_connections += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_open:
            self._is_open = False
            self._listener.open_connections -= 1
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._is_open else None


class LmtpSession(SmtpSession, LMTP):
    """RFC 2033: after the data there is one reply for each accepted recipient."""

    _replies_due = 0

    async def push(self, status: Any) -> None:
        await super().push(status)
        if str(status).startswith("354"):
            self._replies_due = len(self.envelope.rcpt_tos) if self.envelope else 0
            return
        for _ in range(self._replies_due - 1):
            await super().push(status)
        self._replies_due = 0
