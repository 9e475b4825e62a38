"""Write the configuration of this instance as one YAML file. Source of the format: docs/config-yaml.md."""

from __future__ import annotations

from typing import Any

from cases.configuration import export_configuration
from cases.management.base import ContractCommand


class Command(ContractCommand):
    help = "Print the configuration (users without passwords, queues, addresses, ...) as YAML."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(export_configuration(), ending="")
