"""Print one case as JSON (docs/json.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from cases.management.base import ContractCommand
from cases.models import Case
from cases.representation import case_json


class Command(ContractCommand):
    help = "Print one case with its messages, decisions and events as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the case number, with or without leading zeros")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            number = int(options["number"])
        except ValueError:
            self.refuse(f"{options['number']!r} is not a case number.")
        case = (
            Case.objects.with_number(number)
            .select_related(
                "status",
                "record_type",
                "owner_user",
                "owner_queue",
                "contact",
                "routing_address",
                "merged_into",
                "possibly_belongs_to",
                "follows",
            )
            .first()
        )
        if case is None:
            self.refuse(f"There is no case {number}.")
        self.write_json(case_json(case))
