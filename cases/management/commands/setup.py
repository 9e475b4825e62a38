"""Make an empty instance ready for its first mail. Safe to run again: nothing that is there is changed."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from cases.management.base import ContractCommand
from cases.setup import set_up_instance


class Command(ContractCommand):
    help = "Apply migrations, then make the default queue, case statuses, record type and settings where missing."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=max(0, options["verbosity"] - 1), stdout=self.stdout)
        settings_row = set_up_instance()
        owner = settings_row.default_case_owner_queue or settings_row.default_case_owner_user
        self.stdout.write(f"This instance is set up. Default case owner: {owner}.")
        self.stdout.write("Next: manage.py create_routing_address EMAIL --name NAME, then manage.py check_setup.")
