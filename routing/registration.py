"""Save a routing address: the one way pages, commands and imports write its settings."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from routing import audit, permission_sets
from routing.models import PermissionSet, RoutingAddress


@transaction.atomic
def save_routing_address(
    address: RoutingAddress, *, by: User | None, permission_sets_to_grant: Iterable[PermissionSet] | None = None
) -> bool:
    """Save a validated address; True when a verification mail is due: call `send_verification` after the commit.

    Another email address voids the verification and the evidence that forwarding works: both were about the former.
    `permission_sets_to_grant` None leaves the grants as they are.
    """
    before = audit.stored_snapshot(address)
    is_new = not before
    has_new_email = is_new or before["email_address"] != address.email_address
    if has_new_email and not is_new:
        address.verified_at, address.verified_email = None, ""
        address.forwarding_seen_at = None
    changed = audit.changes(before, audit.snapshot(address))
    address.save()
    if changed:
        audit.record("address-created" if is_new else "address-changed", address, by=by, changes=changed)
    if permission_sets_to_grant is not None:
        permission_sets.set_permission_sets_of(address, permission_sets_to_grant, by=by)
    return has_new_email and not address.is_verified
