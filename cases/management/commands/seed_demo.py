"""Fill an instance with a demonstration: addresses, queues, users, and cases made of mails. Never in production."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from cases.demo import DEMO_PASSWORDS
from cases.demo_data.bulk import write_cases
from cases.demo_data.lived_in import live_in
from cases.demo_data.seeding import seed
from cases.demo_data.threads import FIRST_THREADS
from cases.management.base import ContractCommand, UsageError

SHOW_PROGRESS_EVERY = 500  # mails


class Command(ContractCommand):
    help = "Add demonstration data: N cases in all. Running it again adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--cases", type=int, default=len(FIRST_THREADS), metavar="N", help="default: %(default)s")
        parser.add_argument(
            "--fast", action="store_true", help="write cases straight into the tables, without mails; for benchmarks"
        )
        parser.add_argument(
            "--lived-in", action="store_true", help="add what reps did since: notes, tags, links, mail sent and failed"
        )

    def handle(self, *args: Any, cases: int, fast: bool, lived_in: bool, **options: Any) -> None:
        if settings.E2C_MODE == "production":
            raise CommandError("E2C_MODE is production: demonstration data is for other instances.")
        if cases < 0:
            raise UsageError("--cases must not be negative.")
        self._mails = 0
        missing = write_cases(cases) if fast else seed(cases, progress=self._count_mail)
        if lived_in:
            live_in()
        self.stdout.write(f"Demonstration cases added: {missing}." if missing else "The demonstration data is there.")
        if settings.E2C_MODE == "demo":
            for username, password in DEMO_PASSWORDS.items():
                self.stdout.write(f"Sign in as {username} with the password {password}")
        else:
            self.stdout.write("The users admin and rep have no password: manage.py changepassword gives them one.")

    def _count_mail(self) -> None:
        self._mails += 1
        if self._mails % SHOW_PROGRESS_EVERY == 0:
            self.stderr.write(f"{self._mails} mails")
