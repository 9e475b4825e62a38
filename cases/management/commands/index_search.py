"""Make the full-text index of mails anew, from the mails. Searches go on meanwhile."""

from __future__ import annotations

from typing import Any

from cases.management.base import ContractCommand
from cases.search_index import index_all


class Command(ContractCommand):
    help = "Index every mail for searches again, the newest first. Needed once after mails were restored or imported."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Mails indexed: {index_all()}.")
