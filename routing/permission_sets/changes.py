"""Change permission sets, members and grants: each leaves its line in the audit log. The only caller of guardian."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from routing import audit
from routing.models import PermissionSet, PermissionSetMember, RoutingAddress
from routing.permission_sets.grants import (
    SEND_CODENAME,
    addresses_granted_by,
    permission_sets_granting,
    sending_grants,
)


@transaction.atomic
def create_permission_set(
    label: str,
    *,
    by: User | None,
    description: str = "",
    is_active: bool = True,
    requires_approval: bool = False,
) -> PermissionSet:
    group = Group.objects.create(name=_free_group_name(label))
    permission_set = PermissionSet.objects.create(
        label=label, description=description, is_active=is_active, requires_approval=requires_approval, group=group
    )
    audit.record("permission-set-created", permission_set, by=by, is_active=is_active)
    return permission_set


@transaction.atomic
def change_permission_set(permission_set: PermissionSet, *, by: User | None) -> None:
    """Save label, description and active as set on the row; its group is named after it."""
    changed = audit.changes(audit.stored_snapshot(permission_set), audit.snapshot(permission_set))
    if not changed:
        return
    permission_set.save()
    if "label" in changed:
        Group.objects.filter(pk=permission_set.group_id).update(
            name=_free_group_name(permission_set.label, besides=permission_set.group_id)
        )
    audit.record("permission-set-changed", permission_set, by=by, changes=changed)


@transaction.atomic
def delete_permission_set(permission_set: PermissionSet, *, by: User | None) -> None:
    """The set, its memberships, its grants and its group."""
    addresses = [address.email_address for address in addresses_granted_by(permission_set)]
    members = [member.user.get_username() for member in permission_set.memberships.select_related("user")]
    audit.record("permission-set-deleted", permission_set, by=by, addresses=addresses, members=members)
    group_id = permission_set.group_id
    permission_set.delete()
    Group.objects.filter(pk=group_id).delete()


@transaction.atomic
def add_member(
    permission_set: PermissionSet, user: User, *, by: User | None, expires_at: datetime | None = None
) -> PermissionSetMember:
    """Make `user` a member until `expires_at` (None: for good), or give a member this new end."""
    membership, is_new = PermissionSetMember.objects.get_or_create(
        permission_set=permission_set, user=user, defaults={"expires_at": expires_at}
    )
    before = membership.expires_at
    if not is_new and before != expires_at:
        membership.expires_at = expires_at
        membership.save(update_fields=["expires_at"])
    if expires_at is None or expires_at > timezone.now():
        permission_set.group.user_set.add(user)
    else:
        permission_set.group.user_set.remove(user)
    if is_new or before != expires_at:
        audit.record(
            "permission-set-member-added" if is_new else "permission-set-member-expiry-changed",
            permission_set,
            by=by,
            user=user.get_username(),
            expires_at=expires_at.isoformat() if expires_at else None,
        )
    return membership


def expire_member(permission_set: PermissionSet, user: User, *, by: User | None, at: datetime | None = None) -> None:
    """End a membership at that moment (default: now) and keep its row as history."""
    add_member(permission_set, user, by=by, expires_at=at or timezone.now())


@transaction.atomic
def remove_member(permission_set: PermissionSet, user: User, *, by: User | None) -> None:
    removed, _per_model = PermissionSetMember.objects.filter(permission_set=permission_set, user=user).delete()
    permission_set.group.user_set.remove(user)
    if removed:
        audit.record("permission-set-member-removed", permission_set, by=by, user=user.get_username())


@transaction.atomic
def grant(permission_set: PermissionSet, address: RoutingAddress, *, by: User | None) -> None:
    """Let the members of the set send from `address`. Raises ValueError for a deleted address."""
    if address.is_deleted:
        raise ValueError("A deleted routing address cannot be granted.")
    if addresses_granted_by(permission_set).filter(pk=address.pk).exists():
        return
    assign_perm(f"routing.{SEND_CODENAME}", permission_set.group, address)
    audit.record("address-granted", address, by=by, permission_set=permission_set.label)


@transaction.atomic
def revoke(permission_set: PermissionSet, address: RoutingAddress, *, by: User | None) -> None:
    if not sending_grants().filter(group=permission_set.group_id, content_object=address).exists():
        return
    remove_perm(f"routing.{SEND_CODENAME}", permission_set.group, address)
    audit.record("address-revoked", address, by=by, permission_set=permission_set.label)


def set_permission_sets_of(address: RoutingAddress, wanted: Iterable[PermissionSet], *, by: User | None) -> None:
    """Grant `address` to exactly these sets."""
    wanted_by_key = {permission_set.pk: permission_set for permission_set in wanted}
    present = {permission_set.pk: permission_set for permission_set in permission_sets_granting(address)}
    for key in wanted_by_key.keys() - present.keys():
        grant(wanted_by_key[key], address, by=by)
    for key in present.keys() - wanted_by_key.keys():
        revoke(present[key], address, by=by)


def set_addresses_of(permission_set: PermissionSet, wanted: Iterable[RoutingAddress], *, by: User | None) -> None:
    """Let the set grant exactly these addresses."""
    wanted_by_key = {address.pk: address for address in wanted}
    present = {address.pk: address for address in addresses_granted_by(permission_set)}
    for key in wanted_by_key.keys() - present.keys():
        grant(permission_set, wanted_by_key[key], by=by)
    for key in present.keys() - wanted_by_key.keys():
        revoke(permission_set, present[key], by=by)


def _free_group_name(label: str, besides: int = 0) -> str:
    """A group name after the label; a group that somebody made by that name is never taken over."""
    plain = f"permission set: {label}"
    taken = set(Group.objects.filter(name__startswith=plain).exclude(pk=besides).values_list("name", flat=True))
    names = (plain if number == 1 else f"{plain} ({number})" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
