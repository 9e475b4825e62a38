"""Reply to a case from the command line: the same use case as the page (docs/commands.md)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from cases.management.base import ContractCommand
from cases.management.cases_by_number import find_case
from cases.models import EmailMessage
from cases.outbound.recipients import offered_recipients, split_recipients
from cases.outbound.replies import CannotReply, SendingNotAllowed, reply_to_case
from cases.representation import message_json
from routing.addresses import normalise_address
from routing.models import RoutingAddress


class Command(ContractCommand):
    help = "Reply to a case as a user; prints the queued message as JSON. It leaves after the undo window."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the case number, with or without leading zeros")
        parser.add_argument("--user", required=True, help="user name of the author")
        parser.add_argument("--from", required=True, dest="send_from", help="email address of a routing address")
        parser.add_argument("--body-file", required=True, help="a file with the text (UTF-8); - for standard input")
        parser.add_argument("--to", action="append", default=[], help="a recipient; without one, the customer")
        parser.add_argument("--cc", action="append", default=[], help="gets a copy")
        parser.add_argument("--subject", help="without one, the subject of the case")
        parser.add_argument("--close", action="store_true", help="close the case when the reply sets out")

    def handle(self, *args: Any, **options: Any) -> None:
        case = find_case(options["number"])
        if case is None:
            self.refuse(f"There is no case {options['number']}.")
        author = get_user_model().objects.filter(username=options["user"]).first()
        if author is None:
            self.refuse(f"There is no user {options['user']}.")
        send_from = find_address(options["send_from"])
        if send_from is None:
            self.refuse(f"There is no routing address {options['send_from']}.")
        to = [entry for text in options["to"] for entry in split_recipients(text)]
        cc = [entry for text in options["cc"] for entry in split_recipients(text)]
        try:
            message = reply_to_case(
                case=case,
                author=author,
                send_from=send_from,
                to=to or [person.address for person in offered_recipients(case, to_all=False).to],
                cc=cc,
                subject=options["subject"],
                text=self.read_text(options["body_file"]),
                now=timezone.now(),
                closes=options["close"],
            )
        except (SendingNotAllowed, CannotReply) as refusal:
            self.refuse(str(refusal))
        written = EmailMessage.objects.select_related("created_by")
        self.write_json(
            message_json(written.prefetch_related("addresses", "attachments__blob", "deliveries").get(pk=message.pk))
        )

    def read_text(self, name: str) -> str:
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            return content.decode("utf-8-sig")
        except OSError as error:
            self.refuse(f"{name} could not be read: {error.strerror}.")
        except UnicodeDecodeError:
            self.refuse(f"{name} is not UTF-8 text.")


def find_address(text: str) -> RoutingAddress | None:
    address = normalise_address(text)
    return RoutingAddress.objects.not_deleted().filter(email_address__iexact=address).first() if address else None
