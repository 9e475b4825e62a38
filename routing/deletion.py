"""Delete a routing address: the row stays, cases keep their history and its services address is never reused."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from routing import audit, permission_sets
from routing.models import RoutingAddress


@transaction.atomic
def delete_routing_address(address: RoutingAddress, by: User | None) -> None:
    """Mark the address as deleted and revoke its grants. Deleting it again does nothing.

    Mail to it is quarantined from then on. Sends that wait are refused when their turn comes: `may_send_from` is asked
    again.
    """
    stored = RoutingAddress.objects.select_for_update().get(pk=address.pk)
    if stored.is_deleted:
        return
    permission_sets.set_permission_sets_of(stored, [], by=by)
    stored.deleted_at = address.deleted_at = timezone.now()
    stored.save(update_fields=["deleted_at"])
    audit.record("address-deleted", stored, by=by, services_address=stored.services_address)
