"""Who may send from which routing address, and why. The only caller of guardian.

A grant counts on one path alone: an active permission set grants the address to its group, and the user is a member of
the set (not expired) and of the group. Grants to a user, permissions for all addresses and superuser status never
count: `user.has_perm` is not asked. Every answer comes from the database, not from the rows a page holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from guardian.shortcuts import assign_perm, remove_perm

from routing import audit
from routing.models import PermissionSet, PermissionSetMember, RoutingAddress, RoutingAddressGrant
from routing.sending_rules import Permission, judge, open_to_all, refusal_by_state

SEND_CODENAME = "send_from_routingaddress"
# Who may answer cases at all is another application's permission; here it only completes the answer to "who can send".
REPLY_PERMISSION = "cases.reply_case"


@dataclass(frozen=True, slots=True)
class Sender:
    """A user who may send from an address. `may_reply`: also holds the permission to reply to cases, without which the
    first is of no use."""

    user: User
    because: str
    may_reply: bool


# --- questions -------------------------------------------------------------------------------------------------------


def may_send_from(user: User | AnonymousUser, address: RoutingAddress, at: datetime | None = None) -> Permission:
    """Whether `user` may send from `address` at that moment (default: now). At most three queries."""
    stored_user = _stored_user(user)
    if isinstance(stored_user, Permission):
        return stored_user
    stored_address = RoutingAddress.objects.filter(pk=address.pk).first()
    if stored_address is None:
        return Permission(False, _("The routing address does not exist."))
    if refusal := refusal_by_state(stored_address):
        return refusal
    if not stored_address.controlled_by_permission_set:
        return open_to_all()
    memberships = memberships_in_groups().filter(
        user=stored_user, permission_set__in=permission_sets_granting(stored_address)
    )
    return judge(list(memberships), at or timezone.now())


def counting_memberships(user: User, address: RoutingAddress, at: datetime) -> list[PermissionSetMember]:
    """Those by which `user` holds a controlled address at that moment. One query."""
    memberships = memberships_in_groups().filter(user=user, permission_set__in=permission_sets_granting(address))
    return [membership for membership in memberships if judge([membership], at).allowed]


def explain_addresses(
    user: User | AnonymousUser, at: datetime | None = None
) -> list[tuple[RoutingAddress, Permission]]:
    """Every address that is not deleted, with the answer for `user`. Four queries for any number of addresses."""
    addresses = list(RoutingAddress.objects.not_deleted())
    stored_user = _stored_user(user)
    if isinstance(stored_user, Permission):
        return [(address, stored_user) for address in addresses]
    by_group = {
        membership.permission_set.group_id: membership
        for membership in memberships_in_groups().filter(user=stored_user)
    }
    granted: dict[int, list[PermissionSetMember]] = {}
    for address_id, group_id in (
        sending_grants().filter(group__in=by_group).values_list("content_object_id", "group_id")
    ):
        granted.setdefault(address_id, []).append(by_group[group_id])
    moment = at or timezone.now()
    answers = []
    for address in addresses:
        answer = refusal_by_state(address)
        if answer is None:
            is_controlled = address.controlled_by_permission_set
            answer = judge(granted.get(address.pk, []), moment) if is_controlled else open_to_all()
        answers.append((address, answer))
    return answers


def granted_addresses(user: User | AnonymousUser, at: datetime | None = None) -> QuerySet[RoutingAddress]:
    """The addresses that permission sets grant to `user` at that moment: the grants alone, verified or not."""
    addresses = RoutingAddress.objects.not_deleted()
    if not user.is_authenticated:
        return addresses.none()
    return addresses.filter(Exists(_live_grants(at or timezone.now(), Q(user=user))))


def who_can_send(address: RoutingAddress, at: datetime | None = None) -> list[Sender]:
    """Everybody who may send from `address`, by user name. Two queries."""
    if not (address.is_active and address.is_verified) or address.is_deleted:
        return []
    # Superusers hold every permission of this kind, so they may reply; to send they need a grant like everybody.
    repliers = get_user_model().objects.with_perm(
        REPLY_PERMISSION, backend="django.contrib.auth.backends.ModelBackend"
    )
    if not address.controlled_by_permission_set:
        return [Sender(user, open_to_all().because, True) for user in repliers.order_by("username")]
    replier_ids = set(repliers.values_list("pk", flat=True))
    return [Sender(user, because, user.pk in replier_ids) for user, because in holders_of(address, at)]


def holders_of(address: RoutingAddress, at: datetime | None = None) -> list[tuple[User, str]]:
    """Active users whom permission sets grant the address at that moment, with the reason. One query."""
    moment = at or timezone.now()
    memberships = (
        memberships_in_groups().filter(permission_set__in=permission_sets_granting(address)).order_by("user__username")
    )
    by_user: dict[User, list[PermissionSetMember]] = {}
    for membership in memberships:
        by_user.setdefault(membership.user, []).append(membership)
    answers = ((user, judge(of_user, moment)) for user, of_user in by_user.items() if user.is_active)
    return [(user, answer.because) for user, answer in answers if answer.allowed]


def addresses_without_senders(at: datetime | None = None) -> QuerySet[RoutingAddress]:
    """Controlled addresses from which nobody can send, because no permission set grants them to an active member."""
    return RoutingAddress.objects.not_deleted().filter(
        ~Exists(_live_grants(at or timezone.now(), Q(user__is_active=True))), controlled_by_permission_set=True
    )


def permission_sets_granting(address: RoutingAddress) -> QuerySet[PermissionSet]:
    """Active or not."""
    return PermissionSet.objects.filter(
        Exists(sending_grants().filter(group=OuterRef("group"), content_object=address))
    )


def addresses_granted_by(permission_set: PermissionSet) -> QuerySet[RoutingAddress]:
    return RoutingAddress.objects.not_deleted().filter(
        Exists(sending_grants().filter(content_object=OuterRef("pk"), group=permission_set.group_id))
    )


# --- changes: each leaves its line in the audit log ------------------------------------------------------------------


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


# --- parts of the answers --------------------------------------------------------------------------------------------


def sending_grants() -> QuerySet[RoutingAddressGrant]:
    """Which groups were granted which addresses, in force or not."""
    return RoutingAddressGrant.objects.filter(
        permission__codename=SEND_CODENAME, permission__content_type__app_label="routing"
    )


def _is_in_group() -> Exists:
    """Over memberships: whether the user is in the set's group as well."""
    through = get_user_model().groups.through
    return Exists(through.objects.filter(group_id=OuterRef("permission_set__group_id"), user_id=OuterRef("user_id")))


def memberships_in_groups() -> QuerySet[PermissionSetMember]:
    """Every membership; `is_in_group`: whether its user is in the set's group as well, without which it is void."""
    return PermissionSetMember.objects.select_related("permission_set", "user").annotate(is_in_group=_is_in_group())


def _live_grants(at: datetime, whose: Q) -> QuerySet[RoutingAddressGrant]:
    """For Exists over addresses: grants of an active set with a member in its group, not expired, who fits `whose`."""
    members = PermissionSetMember.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at),
        _is_in_group(),
        whose,
        permission_set__group=OuterRef("group"),
        permission_set__is_active=True,
    )
    return sending_grants().filter(Exists(members), content_object=OuterRef("pk"))


def _stored_user(user: User | AnonymousUser) -> User | Permission:
    """The user as stored now, or the refusal that he or she is not an active one."""
    if not user.is_authenticated:
        return Permission(False, _("Nobody is signed in."))
    stored = get_user_model().objects.filter(pk=user.pk, is_active=True).first()
    return stored or Permission(False, _("%(user)s is not an active user.") % {"user": user.get_username()})
