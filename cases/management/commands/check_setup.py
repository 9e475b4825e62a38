"""Say what still stands between a mail and a case. Exit code 1 if anything is wrong."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from cases.management.base import ContractCommand
from cases.setup_checks import Finding, check_setup


class Command(ContractCommand):
    help = "Check settings, services, routing addresses and permissions; a line each, with what to do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text", dest="output_format")

    def handle(self, *args: Any, output_format: str, **options: Any) -> None:
        findings = check_setup()
        faults = [finding for finding in findings if not finding.is_ok]
        if output_format == "json":
            self.write_json([_represent(finding) for finding in findings])
        else:
            for finding in findings:
                self.stdout.write(_line(finding))
            self.stdout.write(f"{len(faults)} of {len(findings)} checks are wrong." if faults else "All is well.")
        if faults:
            sys.exit(1)


def _represent(finding: Finding) -> dict[str, Any]:
    return {"name": finding.name, "ok": finding.is_ok, "message": finding.message, "remedy": finding.remedy or None}


def _line(finding: Finding) -> str:
    state = "ok   " if finding.is_ok else "wrong"
    return f"{state}  {finding.name}: {finding.message} {finding.remedy}".rstrip()
