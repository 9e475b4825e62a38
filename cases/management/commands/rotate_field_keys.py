"""Encrypt the secrets of connections with the first of E2C_FIELD_KEYS, so that an older one can be taken away."""

from __future__ import annotations

import sys
from typing import Any

from cases.management.base import ContractCommand
from routing.connection_changes import reseal_all
from routing.sealing import CannotSeal


class Command(ContractCommand):
    help = "Encrypt the secrets of every connection with the first key of E2C_FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done, lost = reseal_all()
        except CannotSeal as error:
            self.refuse(str(error))
        self.stdout.write(f"Connections whose secrets are under the first key now: {done}.")
        for connection in lost:
            self.stderr.write(f"{connection.name}: no key of E2C_FIELD_KEYS opens its secrets; enter them again.")
        if lost:
            sys.exit(1)
