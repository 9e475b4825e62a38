"""Which permission sets grant which addresses, and to which members: rows, in force or not."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet

from routing.models import PermissionSet, PermissionSetMember, RoutingAddress, RoutingAddressGrant

SEND_CODENAME = "send_from_routingaddress"


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


def live_grants(at: datetime, whose: Q) -> QuerySet[RoutingAddressGrant]:
    """For Exists over addresses: grants of an active set with a member in its group, not expired, who fits `whose`."""
    members = PermissionSetMember.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at),
        _is_in_group(),
        whose,
        permission_set__group=OuterRef("group"),
        permission_set__is_active=True,
    )
    return sending_grants().filter(Exists(members), content_object=OuterRef("pk"))


def permission_sets_granting(address: RoutingAddress) -> QuerySet[PermissionSet]:
    """Active or not."""
    return PermissionSet.objects.filter(
        Exists(sending_grants().filter(group=OuterRef("group"), content_object=address))
    )


def addresses_granted_by(permission_set: PermissionSet) -> QuerySet[RoutingAddress]:
    return RoutingAddress.objects.not_deleted().filter(
        Exists(sending_grants().filter(content_object=OuterRef("pk"), group=permission_set.group_id))
    )
