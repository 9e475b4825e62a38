"""Who owns a new case of a routing address: strategy "owner". Pure over loaded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routing.named_settings import NamedSetting, of_address, of_organisation

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
    setting: NamedSetting | None = None  # that named this owner; None: a person did

    @property
    def label(self) -> str:
        return f"queue {self.queue.name}" if self.queue else f"{self.user}"


def choose_owner(address: RoutingAddress | None, settings_row: EmailToCaseSettings) -> OwnerChoice:
    """The owner the routing address names; the default case owner when it names none or one who is not active."""
    fallback = "the mail reached no routing address"
    if address is not None:
        if address.owner_queue is not None:
            because = f"case owner of {address.email_address}"
            return OwnerChoice(None, address.owner_queue, because, of_address(address.pk, "owner_queue"))
        if address.owner_user is not None and address.owner_user.is_active:
            because = f"case owner of {address.email_address}"
            return OwnerChoice(address.owner_user, None, because, of_address(address.pk, "owner_user"))
        fallback = (
            f"{address.email_address} names no case owner"
            if address.owner_user is None
            else f"{address.owner_user}, case owner of {address.email_address}, is not active"
        )
    because = f"default case owner, because {fallback}"
    if settings_row.default_case_owner_queue is not None:
        setting = of_organisation("default_case_owner_queue")
        return OwnerChoice(None, settings_row.default_case_owner_queue, because, setting)
    user = settings_row.default_case_owner_user
    if user is not None and user.is_active:
        return OwnerChoice(user, None, because, of_organisation("default_case_owner_user"))
    raise NoOwner("There is no default case owner. Run `manage.py setup` or choose one in the Email-to-Case settings.")
