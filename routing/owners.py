"""Who owns a new case of a routing address: strategy "owner". Pure over loaded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routing.models import EmailToCaseSettings, Queue, RoutingAddress


class NoOwner(RuntimeError):
    """No owner can be named: the settings row is missing or its default owner is gone. `manage.py setup` mends it."""


@dataclass(frozen=True, slots=True)
class OwnerChoice:
    """A user or a queue, and the sentence that explains it."""

    user: Any | None
    queue: Queue | None
    because: str

    @property
    def label(self) -> str:
        return f"queue {self.queue.name}" if self.queue else f"{self.user}"


def choose_owner(address: RoutingAddress | None, settings_row: EmailToCaseSettings) -> OwnerChoice:
    """The owner the routing address names; the default case owner when it names none or one who is not active."""
    fallback = "the mail reached no routing address"
    if address is not None:
        if address.owner_queue is not None:
            return OwnerChoice(None, address.owner_queue, f"case owner of {address.email_address}")
        if address.owner_user is not None and address.owner_user.is_active:
            return OwnerChoice(address.owner_user, None, f"case owner of {address.email_address}")
        fallback = (
            f"{address.email_address} names no case owner"
            if address.owner_user is None
            else f"{address.owner_user}, case owner of {address.email_address}, is not active"
        )
    if settings_row.default_case_owner_queue is not None:
        return OwnerChoice(None, settings_row.default_case_owner_queue, f"default case owner, because {fallback}")
    user = settings_row.default_case_owner_user
    if user is not None and user.is_active:
        return OwnerChoice(user, None, f"default case owner, because {fallback}")
    raise NoOwner("There is no default case owner. Run `manage.py setup` or choose one in the Email-to-Case settings.")
