"""The plain loop that settles, sends and tidies without a broker (docs/commands.md)."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.db import DatabaseError, close_old_connections

from cases.management.base import ContractCommand
from cases.sweeping import all_jobs, sweep_round

logger = logging.getLogger(__name__)


class Command(ContractCommand):
    help = "Settle mail that no worker took, send what is due, tidy up; for ever, or --once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then stop")
        parser.add_argument("--interval", type=float, default=2.0, metavar="SECONDS", help="pause between rounds (2)")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = all_jobs()
        if options["once"]:
            self.stderr.write(f"{sweep_round(jobs)} done")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                sweep_round(jobs)
            except DatabaseError as fault:
                # The heartbeat could not be written: /healthz turns red by itself. Reconnect and go on.
                logger.error("sweep: the database is away: %s", fault)
                close_old_connections()
            stop.wait(options["interval"])
