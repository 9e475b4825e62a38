"""Who may send from which address, and why. Every answer comes from the database, not from the rows a page holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from routing.models import PermissionSetMember, RoutingAddress
from routing.permission_sets.grants import (
    live_grants,
    memberships_in_groups,
    permission_sets_granting,
    sending_grants,
)
from routing.sending_rules import Permission, judge, open_to_all, refusal_by_state

# Who may answer cases at all is another application's permission; here it only completes the answer to "who can send".
REPLY_PERMISSION = "cases.reply_case"


@dataclass(frozen=True, slots=True)
class Sender:
    """A user who may send from an address. `may_reply`: also holds the permission to reply to cases, without which the
    first is of no use."""

    user: User
    because: str
    may_reply: bool


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


def counting_memberships(
    user: User, addresses: Iterable[RoutingAddress], at: datetime
) -> dict[int, list[PermissionSetMember]]:
    """Those by which `user` holds each of the addresses at that moment, by key of the address. One query."""
    grant = "permission_set__group__routingaddressgrant"
    rows = memberships_in_groups().filter(
        **{f"{grant}__in": sending_grants().filter(content_object__in=list(addresses))}, user=user
    )
    held: dict[int, list[PermissionSetMember]] = {}
    for membership in rows.annotate(address_id=F(f"{grant}__content_object")).order_by("pk"):
        if judge([membership], at).allowed:
            held.setdefault(membership.address_id, []).append(membership)
    return held


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
    return addresses.filter(Exists(live_grants(at or timezone.now(), Q(user=user))))


def sendable_addresses(user: User | AnonymousUser, at: datetime | None = None) -> QuerySet[RoutingAddress]:
    """The query of `may_send_from` for an active user, without its reasons: what a page may offer."""
    addresses = RoutingAddress.objects.not_deleted().verified().filter(is_active=True)
    granted = Exists(live_grants(at or timezone.now(), Q(user=user.pk)))
    return addresses.filter(Q(controlled_by_permission_set=False) | granted)


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
        ~Exists(live_grants(at or timezone.now(), Q(user__is_active=True))), controlled_by_permission_set=True
    )


def _stored_user(user: User | AnonymousUser) -> User | Permission:
    """The user as stored now, or the refusal that he or she is not an active one."""
    if not user.is_authenticated:
        return Permission(False, _("Nobody is signed in."))
    stored = get_user_model().objects.filter(pk=user.pk, is_active=True).first()
    return stored or Permission(False, _("%(user)s is not an active user.") % {"user": user.get_username()})
