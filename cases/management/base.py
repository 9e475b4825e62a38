"""What every command of this project shares: the exit codes and the JSON that scripts rely on (docs/commands.md)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

EXIT_USAGE = 64  # EX_USAGE of sysexits.h
EXIT_TEMPORARY = 75  # EX_TEMPFAIL: a mail server that runs the command keeps the mail and tries again
ARGPARSE_EXIT_USAGE = 2


def is_missing_table(error: OperationalError | ProgrammingError) -> bool:
    """Whether the database lacks a table or a column that a migration makes (SQLite by words, PostgreSQL by code)."""
    # PostgreSQL, appendix A: 42P01 undefined_table, 42703 undefined_column.
    is_undefined = getattr(error.__cause__, "sqlstate", None) in ("42P01", "42703")
    return is_undefined or "no such table" in str(error) or "no such column" in str(error)


class UsageError(CommandError):
    """The arguments do not fit together. Exit code 64, like the errors argparse finds by itself."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=EXIT_USAGE)


class ContractCommand(BaseCommand):
    """A command whose exit codes and stdout are a contract.

    Usage errors exit 64; a command that answers in JSON writes nothing else to stdout.
    """

    # Django's checks cover pages and settings that a command may not use; the server and the test suite run them.
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except SystemExit as stop:
            if stop.code == ARGPARSE_EXIT_USAGE:
                raise SystemExit(EXIT_USAGE) from stop
            raise

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, ProgrammingError) as error:
            if is_missing_table(error):
                raise CommandError("This instance is not set up, or not up to date: run manage.py setup.") from error
            raise

    def write_json(self, value: Any) -> None:
        """One line of ASCII-only JSON on stdout: it survives every locale, and mail that holds lone surrogates."""
        self.stdout.write(json.dumps(value))
        self.stdout.flush()

    def refuse(self, message: str) -> NoReturn:
        """For commands that answer in JSON: {"error": ...} on stdout, the sentence on stderr, exit code 1."""
        self.write_json({"error": message})
        raise CommandError(message)
