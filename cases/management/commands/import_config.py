"""Merge a YAML file into the configuration of this instance. Source of the format: docs/config-yaml.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from cases.configuration import import_configuration
from cases.management.base import ContractCommand
from routing.configuration.errors import ConfigurationError
from routing.configuration.importing import ImportRun


class Command(ContractCommand):
    help = "Merge a configuration file by natural keys. The changes are printed first, all are made or none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a YAML file, or - for stdin")
        parser.add_argument("--dry-run", action="store_true", help="print the changes and make none")
        parser.add_argument(
            "--delete", action="store_true", help="also remove what the sections of the file do not list"
        )

    def handle(self, *args: Any, file: str, dry_run: bool, delete: bool, **options: Any) -> None:
        text = self._read(file)
        try:
            run = import_configuration(text, dry_run=dry_run, delete=delete, announce=self._print_changes)
        except ConfigurationError as error:
            line = f"{file}, line {error.line}" if error.line and not error.where.startswith("line ") else file
            raise CommandError(f"{line}: {error} Nothing was changed.") from error
        if dry_run:
            self.stdout.write("Dry run: nothing was changed.")
            return
        for note in run.notes:
            self.stdout.write(f"To do: {note}")

    def _print_changes(self, run: ImportRun) -> None:
        for line in run.changes or ["No changes."]:
            self.stdout.write(line)
        self.stdout.flush()

    def _read(self, file: str) -> str:
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            return raw.decode("utf-8-sig")
        except OSError as error:
            raise CommandError(f"{file}: cannot be read ({error.strerror}).") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start}).") from error
