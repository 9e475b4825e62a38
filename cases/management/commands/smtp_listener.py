"""`manage.py smtp_listener`: take mail by SMTP or LMTP from a mail server of our own."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.module_loading import import_string

from cases.inbound.smtp import BadListenAddress, MailListener, allowed_networks, listen_address
from cases.management.base import ContractCommand, UsageError


class Command(ContractCommand):
    help = (
        "Take mail by SMTP (or LMTP) and store it. Only this machine may connect, and the networks of E2C_SMTP_ALLOW;"
        " there is no password and no encryption on this path."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", default=settings.E2C_SMTP_LISTEN, metavar="HOST:PORT")
        parser.add_argument("--lmtp", action="store_true", help="speak LMTP (RFC 2033) instead of SMTP")

    def handle(self, *args: Any, **options: Any) -> None:
        import_string(settings.E2C_START_GUARD)()
        # aiosmtpd logs each line of a session, addresses included.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        try:
            allowed = allowed_networks(settings.E2C_SMTP_ALLOW)
            host, port = listen_address(options["listen"], allowed=allowed)
        except BadListenAddress as error:
            raise UsageError(str(error)) from error
        listener = MailListener(host, port, is_lmtp=options["lmtp"], allowed=allowed)
        try:
            asyncio.run(self.serve(listener))
        except OSError as error:
            raise CommandError(f"E2C_SMTP_LISTEN: cannot listen on {host}:{port} ({error.strerror}).") from error
        finally:
            listener.finish()

    async def serve(self, listener: MailListener) -> None:
        server = await listener.start()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop_signal, stopped.set)
        kind = "LMTP" if listener.is_lmtp else "SMTP"
        for socket in server.sockets:
            name = socket.getsockname()
            self.stderr.write(f"Listening for {kind} on {name[0]}:{name[1]}")
        async with server:
            await stopped.wait()
