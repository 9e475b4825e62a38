"""Print what a user may send from, and why (docs/commands.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model

from cases.management.base import ContractCommand
from cases.management.cases_by_number import find_case
from cases.outbound.allowed_senders import allowed_senders
from routing.models import RoutingAddress


class Command(ContractCommand):
    help = "Print from which routing addresses a user may send, and from which not, each with the reason, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="user name")
        parser.add_argument("--case", help="a case number: whether the user may reply to this case")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            self.refuse(f"There is no user {options['user']}.")
        case = None
        if options["case"] is not None and (case := find_case(options["case"])) is None:
            self.refuse(f"There is no case {options['case']}.")
        senders = allowed_senders(user, case)
        self.write_json({"allowed": rows_of(senders.allowed), "refused": rows_of(senders.refused)})


def rows_of(answers: list[tuple[RoutingAddress, str]]) -> list[dict[str, str]]:
    return [{"address": address.email_address, "because": because} for address, because in answers]
