"""Who can send, for pages: how many people for each address, and the answer of every user for one address.

The answers are those of routing.permission_sets, over rows that are read at once. What does not count (a grant to the
user alone, a permission for all addresses, superuser status) is named, so that nobody has to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission as StoredPermission
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from guardian.models import UserObjectPermission

from routing.models import PermissionSet, PermissionSetMember, RoutingAddress
from routing.permission_sets import (
    REPLY_PERMISSION,
    SEND_CODENAME,
    memberships_in_groups,
    permission_sets_granting,
    sending_grants,
)
from routing.sending_rules import Permission, judge, open_to_all, refusal_by_state

__all__ = ["PAGE", "UserAnswer", "count_senders", "explain_users", "notes_on_user"]

PAGE = 50  # users


@dataclass(frozen=True, slots=True)
class UserAnswer:
    """Whether one user may send from the address. `notes`: what one might think counts, and does not. `sets`: those
    that grant the address and have the user as a member, in force or not.
    """

    user: User
    allowed: bool
    because: str
    notes: list[str] = field(default_factory=list)
    sets: list[PermissionSet] = field(default_factory=list)
    needs_approval: bool = False


def count_senders(addresses: Iterable[RoutingAddress], at: datetime | None = None) -> dict[int, int]:
    """For each address the number of people who may reply from it now. Three queries for any number of addresses."""
    moment = at or timezone.now()
    users = get_user_model().objects.with_perm(REPLY_PERMISSION, backend="django.contrib.auth.backends.ModelBackend")
    may_reply = set(users.values_list("pk", flat=True))
    in_force = memberships_in_groups().filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=moment), permission_set__is_active=True
    )
    members: dict[int, set[int]] = {}
    for membership in in_force:
        if membership.is_in_group:  # type: ignore[attr-defined]
            members.setdefault(membership.permission_set.group_id, set()).add(membership.user_id)
    holders: dict[int, set[int]] = {}
    for address_id, group_id in sending_grants().values_list("content_object_id", "group_id"):
        holders.setdefault(address_id, set()).update(members.get(group_id, ()))
    counts = {}
    for address in addresses:
        people = holders.get(address.pk, set()) & may_reply if address.controlled_by_permission_set else may_reply
        counts[address.pk] = 0 if refusal_by_state(address) else len(people)
    return counts


def explain_users(
    address: RoutingAddress, *, after: str = "", starts_with: str = "", at: datetime | None = None
) -> tuple[list[UserAnswer], str]:
    """(the answers of up to PAGE users in the order of their names after `after`, the name to go on from or "").

    Everybody is listed, people who left too. Four queries for any number of users.
    """
    found = _users().filter(username__gt=after) if after else _users()
    if starts_with:
        found = found.filter(username__istartswith=starts_with)
    users = list(found.order_by("username")[: PAGE + 1])
    rest = users[PAGE - 1].username if len(users) > PAGE else ""
    users = users[:PAGE]
    sets = list(permission_sets_granting(address))
    memberships: dict[int, list[PermissionSetMember]] = {}
    for membership in memberships_in_groups().filter(user__in=users, permission_set__in=sets):
        memberships.setdefault(membership.user_id, []).append(membership)
    direct = _granted_directly(users, address)
    moment = at or timezone.now()
    answers = []
    for user in users:
        of_user = memberships.get(user.pk, [])
        answer = _answer(user, address, of_user, moment)
        answers.append(
            UserAnswer(
                user=user,
                allowed=answer.allowed,
                because=answer.because,
                notes=notes_on_user(user, granted_directly=user.pk in direct),
                sets=[each.permission_set for each in of_user],
                needs_approval=answer.allowed and any(each.permission_set.requires_approval for each in of_user),
            )
        )
    return answers, rest


def _users():  # type: ignore[no-untyped-def]
    def holds(app_label: str, codename: str) -> Exists:
        return Exists(
            StoredPermission.objects.filter(
                Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")),
                content_type__app_label=app_label,
                codename=codename,
            )
        )

    return get_user_model().objects.annotate(
        may_reply=holds(*REPLY_PERMISSION.split(".")), holds_for_all=holds("routing", SEND_CODENAME)
    )


def _answer(
    user: User, address: RoutingAddress, memberships: Sequence[PermissionSetMember], moment: datetime
) -> Permission:
    """In the order in which the sending rules ask."""
    if not user.is_active:
        return Permission(False, _("Not an active user."))
    if not (user.is_superuser or user.may_reply):  # type: ignore[attr-defined]
        return Permission(False, _("Does not have the permission to reply to cases."))
    if refusal := refusal_by_state(address):
        return refusal
    return judge(memberships, moment) if address.controlled_by_permission_set else open_to_all()


def _granted_directly(users: Sequence[User], address: RoutingAddress) -> set[int]:
    rows = UserObjectPermission.objects.filter(
        user__in=users,
        object_pk=str(address.pk),
        permission__codename=SEND_CODENAME,
        permission__content_type__app_label="routing",
    )
    return set(rows.values_list("user_id", flat=True))


def notes_on_user(user: User, *, granted_directly: bool = False) -> list[str]:
    """What this user has that is no permission to send."""
    notes = []
    if user.is_superuser:
        notes.append(_("Being a superuser does not count."))
    if granted_directly:
        notes.append(_("A grant to the user alone does not count."))
    if getattr(user, "holds_for_all", False):
        notes.append(_("The permission for all addresses does not count."))
    return notes
