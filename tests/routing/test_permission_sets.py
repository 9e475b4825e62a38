from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.utils import timezone
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm

from routing import permission_sets
from routing.deletion import delete_routing_address
from routing.models import AuditEvent, PermissionSet, PermissionSetMember, RoutingAddress, RoutingAddressGrant
from routing.permission_sets import addresses_without_senders, explain_addresses, granted_addresses, may_send_from
from routing.sending_rules import Permission as Answer
from tests.factories import PermissionSetFactory, PermissionSetMemberFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db

OPEN = "Every rep may send from it: it is not controlled by permission set."


@pytest.fixture
def address() -> RoutingAddress:
    return RoutingAddressFactory(verified=True, controlled=True)


@pytest.fixture
def gold(address: RoutingAddress) -> PermissionSet:
    permission_set = permission_sets.create_permission_set("Gold", by=None)
    permission_sets.grant(permission_set, address, by=None)
    return permission_set


def test_member_of_a_granting_permission_set_may_send(address: RoutingAddress, gold: PermissionSet) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    answer = may_send_from(user, address)

    assert answer == Answer(True, "Granted by the permission set “Gold”.")
    assert list(granted_addresses(user)) == [address]


def test_every_active_user_may_send_from_an_address_that_is_not_controlled() -> None:
    address = RoutingAddressFactory(verified=True)

    assert may_send_from(UserFactory(), address) == Answer(True, OPEN)


def test_superuser_without_a_grant_may_not_send_from_a_controlled_address(
    address: RoutingAddress, gold: PermissionSet
) -> None:
    answer = may_send_from(UserFactory(superuser=True), address)

    assert answer == Answer(False, "No permission set grants it.")


def test_superuser_may_not_send_from_an_unverified_address() -> None:
    answer = may_send_from(UserFactory(superuser=True), RoutingAddressFactory())

    assert answer == Answer(False, "The routing address is not verified.")


def test_global_permission_and_direct_grants_do_not_count(address: RoutingAddress, gold: PermissionSet) -> None:
    user = UserFactory()
    permission = Permission.objects.get(codename="send_from_routingaddress")
    user.user_permissions.add(permission)
    other_group = Group.objects.create(name="reps")
    other_group.permissions.add(permission)
    user.groups.add(other_group)
    assign_perm("routing.send_from_routingaddress", user, address)
    assign_perm("routing.send_from_routingaddress", other_group, address)

    answer = may_send_from(user, address)

    assert UserObjectPermission.objects.count() == 1
    assert GroupObjectPermission.objects.count() == 0  # the grant went to the table with a real foreign key
    assert answer == Answer(False, "No permission set grants it.")
    assert list(granted_addresses(user)) == []


def test_anonymous_user_may_not_send() -> None:
    address = RoutingAddressFactory(verified=True)

    assert may_send_from(AnonymousUser(), address) == Answer(False, "Nobody is signed in.")
    assert list(granted_addresses(AnonymousUser())) == []


def test_user_switched_off_since_the_page_was_opened_may_not_send(
    address: RoutingAddress, gold: PermissionSet
) -> None:
    user = UserFactory(username="robin")
    permission_sets.add_member(gold, user, by=None)
    type(user).objects.filter(pk=user.pk).update(is_active=False)

    assert user.is_active
    assert may_send_from(user, address) == Answer(False, "robin is not an active user.")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"is_active": False}, "The routing address is switched off."),
        ({"deleted_at": timezone.now()}, "The routing address was deleted."),
        ({"verified_at": None}, "The routing address is not verified."),
        ({"email_address": "other@company.example"}, "The routing address is not verified."),
    ],
)
def test_address_changed_since_the_page_was_opened_refuses(change: dict[str, Any], because: str) -> None:
    address = RoutingAddressFactory(verified=True)
    RoutingAddress.objects.filter(pk=address.pk).update(**change)

    assert may_send_from(UserFactory(), address) == Answer(False, because)


def test_membership_ends_when_it_expires(address: RoutingAddress, gold: PermissionSet) -> None:
    user, now = UserFactory(), timezone.now()
    permission_sets.add_member(gold, user, by=None, expires_at=now + timedelta(hours=1))

    assert may_send_from(user, address, now + timedelta(minutes=59)).allowed
    assert not may_send_from(user, address, now + timedelta(hours=1)).allowed
    assert list(granted_addresses(user, now + timedelta(minutes=59))) == [address]
    assert list(granted_addresses(user, now + timedelta(hours=1))) == []


def test_inactive_permission_set_grants_nothing(address: RoutingAddress, gold: PermissionSet) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)
    gold.is_active = False
    permission_sets.change_permission_set(gold, by=None)

    assert may_send_from(user, address) == Answer(False, "The permission set “Gold” is not active.")


def test_membership_without_the_group_and_group_without_membership_count_for_nothing(
    address: RoutingAddress, gold: PermissionSet
) -> None:
    only_member, only_group = UserFactory(), UserFactory()
    PermissionSetMemberFactory(permission_set=gold, user=only_member)
    gold.group.user_set.add(only_group)

    assert not may_send_from(only_member, address).allowed
    assert not may_send_from(only_group, address).allowed
    assert list(granted_addresses(only_member)) == []
    assert list(granted_addresses(only_group)) == []


def test_removed_member_leaves_the_group_as_well(address: RoutingAddress, gold: PermissionSet) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    permission_sets.remove_member(gold, user, by=None)

    assert not may_send_from(user, address).allowed
    assert list(gold.group.user_set.all()) == []


def test_expired_member_leaves_the_group_and_keeps_the_row(gold: PermissionSet) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    permission_sets.expire_member(gold, user, by=None)

    assert list(gold.group.user_set.all()) == []
    assert PermissionSetMember.objects.get(user=user).has_expired


def test_revoked_address_cannot_be_used(address: RoutingAddress, gold: PermissionSet) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    permission_sets.revoke(gold, address, by=None)

    assert may_send_from(user, address) == Answer(False, "No permission set grants it.")


def test_deleting_an_address_revokes_its_grants_and_a_new_one_inherits_nothing(
    address: RoutingAddress, gold: PermissionSet
) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    delete_routing_address(address, by=None)
    heir = RoutingAddressFactory(email_address=address.email_address, verified=True, controlled=True)

    assert RoutingAddressGrant.objects.count() == 0
    assert not may_send_from(user, address).allowed
    assert not may_send_from(user, heir).allowed
    assert heir.services_token != address.services_token


def test_deleted_address_cannot_be_granted(gold: PermissionSet) -> None:
    with pytest.raises(ValueError, match="deleted"):
        permission_sets.grant(gold, RoutingAddressFactory(deleted=True), by=None)


def test_deleting_a_permission_set_takes_its_group_and_grants_along(
    address: RoutingAddress, gold: PermissionSet
) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)

    permission_sets.delete_permission_set(gold, by=None)

    assert Group.objects.count() == 0
    assert RoutingAddressGrant.objects.count() == 0
    assert not may_send_from(user, address).allowed


def test_a_group_of_the_same_name_is_never_taken_over() -> None:
    theirs = Group.objects.create(name="permission set: Gold")

    permission_set = permission_sets.create_permission_set("Gold", by=None)

    assert permission_set.group != theirs
    assert permission_set.group.name == "permission set: Gold (2)"


def test_renaming_a_permission_set_renames_its_group(gold: PermissionSet) -> None:
    gold.label = "Platinum"

    permission_sets.change_permission_set(gold, by=None)

    assert Group.objects.get().name == "permission set: Platinum"


def test_who_can_send_names_holders_and_whether_they_may_reply(address: RoutingAddress, gold: PermissionSet) -> None:
    replier, silent = UserFactory(username="a"), UserFactory(username="b")
    UserFactory(username="c", is_active=False)
    replier.user_permissions.add(Permission.objects.get(codename="reply_case"))
    for user in (replier, silent):
        permission_sets.add_member(gold, user, by=None)
    UserFactory(superuser=True)

    senders = permission_sets.who_can_send(address)

    assert [(sender.user, sender.may_reply) for sender in senders] == [(replier, True), (silent, False)]
    assert senders[0].because == "Granted by the permission set “Gold”."


def test_address_without_an_active_member_has_no_sender(address: RoutingAddress, gold: PermissionSet) -> None:
    assert list(addresses_without_senders()) == [address]

    inactive = UserFactory(is_active=False)
    permission_sets.add_member(gold, inactive, by=None)
    assert list(addresses_without_senders()) == [address]

    permission_sets.add_member(gold, UserFactory(), by=None)
    assert list(addresses_without_senders()) == []


def test_explanations_agree_with_the_single_question(gold: PermissionSet, address: RoutingAddress) -> None:
    user = UserFactory()
    permission_sets.add_member(gold, user, by=None)
    RoutingAddressFactory(verified=True)
    RoutingAddressFactory()
    RoutingAddressFactory(verified=True, controlled=True)
    RoutingAddressFactory(verified=True, is_active=False)

    explained = explain_addresses(user)

    assert len(explained) == 5
    assert [answer for _, answer in explained] == [may_send_from(user, each) for each, _ in explained]
    assert [answer.allowed for _, answer in explained].count(True) == 2


@pytest.mark.parametrize("count", [1, 30])
def test_questions_cost_the_same_for_one_and_thirty_rows(count: int, django_assert_num_queries: Any) -> None:
    user, controlled = UserFactory(), None
    for _ in range(count):
        permission_set = PermissionSetFactory()
        controlled = RoutingAddressFactory(verified=True, controlled=True)
        permission_sets.grant(permission_set, controlled, by=None)
        permission_sets.add_member(permission_set, user, by=None)
        permission_sets.add_member(permission_set, UserFactory(), by=None)
    assert controlled is not None

    with django_assert_num_queries(3):
        may_send_from(user, controlled)
    with django_assert_num_queries(4):
        assert len(explain_addresses(user)) == count
    with django_assert_num_queries(2):
        permission_sets.who_can_send(controlled)
    with django_assert_num_queries(1):
        assert len(granted_addresses(user)) == count


def test_every_change_leaves_an_audit_event(address: RoutingAddress) -> None:
    admin, user = UserFactory(superuser=True), UserFactory(username="robin")

    permission_set = permission_sets.create_permission_set("Gold", by=admin)
    permission_sets.add_member(permission_set, user, by=admin)
    permission_sets.grant(permission_set, address, by=admin)
    permission_sets.grant(permission_set, address, by=admin)  # nothing changes: no line
    permission_sets.revoke(permission_set, address, by=admin)
    permission_sets.remove_member(permission_set, user, by=admin)
    permission_sets.delete_permission_set(permission_set, by=admin)

    events = AuditEvent.objects.order_by("id")
    assert [event.action for event in events] == [
        "permission-set-created",
        "permission-set-member-added",
        "address-granted",
        "address-revoked",
        "permission-set-member-removed",
        "permission-set-deleted",
    ]
    assert {event.actor for event in events} == {admin}
    assert events[1].detail == {"user": "robin", "expires_at": None}
