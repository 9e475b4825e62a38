"""Make or change one routing address from a script. Answers with JSON alone on stdout (docs/setup-commands.md)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import DatabaseError

from cases.management.base import ContractCommand, UsageError
from routing.configuration.addresses import (
    AddressOrder,
    configure_address,
    find_routing_address,
    represent_address,
    split_assignment,
)
from routing.configuration.errors import ConfigurationError
from routing.models import RoutingAddress, VerificationMail
from routing.verification import VerificationRefused, send_verification


class Command(ContractCommand):
    help = "Make a routing address, or change the one with this email address. Prints it as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the address that customers write to")
        parser.add_argument("--name", metavar="N", help="routing name; needed for a new address")
        parser.add_argument("--verified", action="store_true", help="take it as verified; the audit log keeps that")
        parser.add_argument("--controlled", action="store_true", help="only permission sets let users send from it")
        parser.add_argument("--owner", metavar="user:U|queue:Q", help="who owns its new cases")
        parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="assignments")

    def handle(self, *args: Any, email: str, assignments: list[str], **options: Any) -> None:
        try:
            order = AddressOrder(
                email_address=email,
                routing_name=options["name"],
                owner=options["owner"],
                is_verified=options["verified"],
                is_controlled=options["controlled"],
                assignments=[split_assignment(text) for text in assignments],
            )
        except ConfigurationError as error:
            raise UsageError(str(error)) from error
        names_itself = settings.E2C_TRIAL or any(name == "routing_name" for name, _value in order.assignments)
        if order.routing_name is None and not names_itself and find_routing_address(email) is None:
            raise UsageError("--name is needed: there is no routing address with this email address yet.")
        try:
            address, _is_new = configure_address(order)
        except (ConfigurationError, DatabaseError) as error:
            self.refuse(str(error))
        if not address.is_verified:
            self._send_verification(address)
        self.write_json(represent_address(address))

    def _send_verification(self, address: RoutingAddress) -> None:
        """The address stays whatever becomes of the mail; its page sends another one."""
        try:
            mail = send_verification(address, by=None)
        except VerificationRefused as refusal:
            self.stderr.write(f"No verification mail was sent: {refusal}")
            return
        if mail.state == VerificationMail.State.FAILED:
            self.stderr.write(f"The verification mail to {address.email_address} could not be sent: {mail.detail}")
