"""Print one case as JSON (docs/json.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from cases.management.base import ContractCommand
from cases.management.cases_by_number import find_case
from cases.representation import case_json


class Command(ContractCommand):
    help = "Print one case with its messages, decisions and events as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the case number, with or without leading zeros")

    def handle(self, *args: Any, **options: Any) -> None:
        case = find_case(
            options["number"],
            "status",
            "record_type",
            "owner_user",
            "owner_queue",
            "contact",
            "merged_into",
            "possibly_belongs_to",
            "follows",
        )
        if case is None:
            self.refuse(f"There is no case {options['number']}.")
        self.write_json(case_json(case))
