"""When mail has to be approved by a second person before it leaves. Decides who needs it, not who gives it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from routing.models import RecordType, RoutingAddress
from routing.permission_sets import counting_memberships

__all__ = ["approval_required_because", "approvals_required"]


def approval_required_because(
    user: User, address: RoutingAddress, record_type: RecordType | None, *, at: datetime | None = None
) -> str:
    """The permission set or record type that requires it, in words; "" when the mail may leave at once. At most one
    query.
    """
    return approvals_required(user, [(address, record_type)], at=at).get(address.pk, "")


def approvals_required(
    user: User, wanted: Iterable[tuple[RoutingAddress, RecordType | None]], *, at: datetime | None = None
) -> dict[int, str]:
    """The same for many addresses, each with the type of the case, by key of the address; one whose mail may leave at
    once is missing. At most one query.

    Of several permission sets by which the user holds a controlled address the most generous one counts: whoever was
    granted it without approval somewhere has it without approval. An address that every rep may use is held by none.
    """
    because: dict[int, str] = {}
    controlled: list[RoutingAddress] = []
    for address, record_type in wanted:
        if record_type is not None and record_type.requires_approval:
            words = _("Mail on cases of the type “%(name)s” needs approval.")
            because[address.pk] = words % {"name": record_type.name}
        elif address.controlled_by_permission_set:
            controlled.append(address)
    held = counting_memberships(user, controlled, at or timezone.now()) if controlled else {}
    for address_id, memberships in held.items():
        demanding = [each.permission_set for each in memberships if each.permission_set.requires_approval]
        if demanding and len(demanding) == len(memberships):
            words = _("Mail sent by the permission set “%(label)s” needs approval.")
            because[address_id] = words % {"label": demanding[0].label}
    return because
