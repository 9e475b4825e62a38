"""Try a connection as its page does: connect and log in, send nothing."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from cases.management.base import ContractCommand
from routing.connection_trial import try_connection
from routing.models import Connection


class Command(ContractCommand):
    help = "Connect and log in through a connection, and say what failed and what to do. Sends no mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the connection")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        connection = Connection.objects.filter(name=name).first()
        if connection is None:
            self.refuse(f"There is no connection {name}.")
        result = try_connection(connection, by=None)
        self.stdout.write(f"{connection.name}: {result}")
        if not result.works:
            sys.exit(1)
