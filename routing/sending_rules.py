"""Judge whether a user may send, over rows that were read already. Asks the database nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from routing.models import PermissionSetMember, RoutingAddress


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer to "may this user send from this address", with its reason in words."""

    allowed: bool
    because: str


def refusal_by_state(address: RoutingAddress) -> Permission | None:
    if address.is_deleted:
        return Permission(False, _("The routing address was deleted."))
    if not address.is_active:
        return Permission(False, _("The routing address is switched off."))
    if not address.is_verified:
        return Permission(False, _("The routing address is not verified."))
    return None


def open_to_all() -> Permission:
    return Permission(True, _("Every rep may send from it: it is not controlled by permission set."))


def judge(memberships: Iterable[PermissionSetMember], at: datetime) -> Permission:
    """The first membership that counts allows; otherwise the refusal says how near each one came."""
    misses = []
    for membership in memberships:
        label = membership.permission_set.label
        expiry = membership.expires_at
        if not membership.permission_set.is_active:
            misses.append(_("The permission set “%(label)s” is not active.") % {"label": label})
        elif expiry is not None and expiry <= at:
            misses.append(
                _("The membership in “%(label)s” expired on %(day)s.") % {"label": label, "day": _day(expiry)}
            )
        elif not membership.is_in_group:  # type: ignore[attr-defined]
            misses.append(_("The membership in “%(label)s” is not in force: save it again.") % {"label": label})
        elif expiry is not None:
            values = {"label": label, "day": _day(expiry)}
            return Permission(True, _("Granted by the permission set “%(label)s” until %(day)s.") % values)
        else:
            return Permission(True, _("Granted by the permission set “%(label)s”.") % {"label": label})
    return Permission(False, " ".join(misses) or _("No permission set grants it."))


def _day(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")
