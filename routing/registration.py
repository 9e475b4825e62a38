"""Save a routing address: the one way pages, commands and imports write its settings."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from routing import audit, permission_sets
from routing.models import PermissionSet, RoutingAddress

VOIDED = ("verified_at", "verified_email", "forwarding_seen_at")


def _settings() -> list[str]:
    """The fields that people edit."""
    fields = RoutingAddress._meta.concrete_fields
    return [field.name for field in fields if field.editable and not field.primary_key]


@transaction.atomic
def save_routing_address(
    address: RoutingAddress, *, by: User | None, permission_sets_to_grant: Iterable[PermissionSet] | None = None
) -> bool:
    """Save a validated address; True when a verification mail is due: call `send_verification` after the commit.

    Another email address voids the verification and the evidence that forwarding works: both were about the former.
    What is no setting (verification, evidence, the breaker, deletion) is written by others, perhaps in this moment:
    what the caller read of it earlier is not written back.
    `permission_sets_to_grant` None leaves the grants as they are.
    """
    before = audit.stored_snapshot(address)
    is_new = not before
    has_new_email = is_new or before["email_address"] != address.email_address
    if has_new_email and not is_new:
        address.verified_at, address.verified_email = None, ""
        address.forwarding_seen_at = None
    after = audit.snapshot(address)
    if is_new:
        address.save()
    else:
        written = [*_settings(), *(VOIDED if has_new_email else ())]
        before, after = ({name: values[name] for name in written} for values in (before, after))
        address.save(update_fields=written)
    changed = audit.changes(before, after)
    if changed:
        audit.record("address-created" if is_new else "address-changed", address, by=by, changes=changed)
    if permission_sets_to_grant is not None:
        permission_sets.set_permission_sets_of(address, permission_sets_to_grant, by=by)
    return has_new_email and not address.is_verified
