"""Who may send from what: one answer for composer, use case, worker and command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.utils import timezone
from guardian.shortcuts import assign_perm

from cases.outbound.allowed_senders import allowed_senders, default_sender, permission_to_send
from routing import permission_sets
from routing.deletion import delete_routing_address
from routing.models import EmailToCaseSettings, RecordType, RoutingAddress
from tests.cases.outbound.people import allow_replies, case_with_mail, grant, rep, verified_address
from tests.factories import CaseFactory, EmailToCaseSettingsFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


def allowed(user: Any, case: Any = None) -> list[str]:
    return [address.email_address for address, _because in allowed_senders(user, case).allowed]


def why_not(user: Any, address: RoutingAddress, case: Any = None) -> str:
    return {each.pk: because for each, because in allowed_senders(user, case).refused}[address.pk]


def test_rep_may_send_from_open_and_granted_addresses() -> None:
    user = rep("ana")
    verified_address("open@company.example", routing_name="Open")
    granted = verified_address("granted@company.example", controlled_by_permission_set=True, routing_name="Granted")
    verified_address("others@company.example", controlled_by_permission_set=True, routing_name="Others")
    grant(granted, user, label="Gold senders")

    senders = allowed_senders(user, case_with_mail(user))

    assert [(address.email_address, because) for address, because in senders.allowed] == [
        ("granted@company.example", "Granted by the permission set “Gold senders”."),
        ("open@company.example", "Every rep may send from it: it is not controlled by permission set."),
    ]
    assert [(address.email_address, because) for address, because in senders.refused] == [
        ("others@company.example", "No permission set grants it.")
    ]


def test_unverified_and_inactive_addresses_are_named_with_the_reason() -> None:
    user = rep("ana")
    unverified = RoutingAddressFactory()
    inactive = verified_address("off@company.example", is_active=False)

    assert allowed(user) == []
    assert why_not(user, unverified) == "The routing address is not verified."
    assert why_not(user, inactive) == "The routing address is switched off."


def test_deleted_address_is_not_named() -> None:
    address = verified_address("gone@company.example")
    delete_routing_address(address, by=None)

    senders = allowed_senders(rep("ana"))

    assert (senders.allowed, senders.refused) == ([], [])


def test_without_the_permission_to_reply_nothing_is_allowed() -> None:
    user = UserFactory(username="reader")
    address = verified_address("open@company.example")
    case = case_with_mail(user)

    assert allowed(user, case) == []
    assert why_not(user, address, case) == "reader does not have the permission to reply to cases."


def test_permission_by_a_group_counts() -> None:
    user = UserFactory()
    group = Group.objects.create(name="Reps")
    group.permissions.add(Permission.objects.get(codename="reply_case"))
    user.groups.add(group)
    verified_address("open@company.example")

    assert allowed(user) == ["open@company.example"]


def test_case_of_others_can_be_answered_by_nobody_else() -> None:
    user = rep("ana")
    address = verified_address("open@company.example")
    case = CaseFactory()

    assert allowed(user, case) == []
    assert why_not(user, address, case) == f"ana may not see case {case.number_text}."


def test_inactive_user_may_send_from_nothing() -> None:
    user = rep("dora")
    address = verified_address("open@company.example")
    User.objects.filter(pk=user.pk).update(is_active=False)

    # `user` still says is_active: what counts is the database.
    assert allowed(user) == []
    assert why_not(user, address) == "dora is not an active user."


def test_anonymous_user_may_send_from_nothing() -> None:
    address = verified_address("open@company.example")

    assert allowed(AnonymousUser()) == []
    assert not permission_to_send(AnonymousUser(), address).allowed


@pytest.mark.parametrize("how", ["direct grant", "global permission", "superuser"])
def test_other_ways_to_a_controlled_address_do_not_count(how: str) -> None:
    user = rep("cleo")
    address = verified_address("closed@company.example", controlled_by_permission_set=True)
    if how == "direct grant":
        user.user_permissions.add(Permission.objects.get(codename="send_from_routingaddress"))
    elif how == "global permission":
        assign_perm("routing.send_from_routingaddress", user)
    else:
        User.objects.filter(pk=user.pk).update(is_superuser=True)

    assert allowed(user) == []
    assert why_not(user, address) == "No permission set grants it."


def test_superuser_may_reply_as_everybody_who_may() -> None:
    root = UserFactory(superuser=True)
    verified_address("open@company.example")
    RoutingAddressFactory()

    assert allowed(root, CaseFactory()) == ["open@company.example"]


def test_expired_membership_is_named() -> None:
    user = rep("ana")
    address = verified_address("gold@company.example", controlled_by_permission_set=True)
    permission_set = grant(address, user, label="Gold")
    permission_sets.expire_member(permission_set, user, by=None, at=timezone.now() - timedelta(seconds=1))

    assert allowed(user) == []
    assert why_not(user, address).startswith("The membership in “Gold” expired on")


def test_list_and_single_question_agree() -> None:
    addresses = [
        verified_address("open@company.example"),
        verified_address("closed@company.example", controlled_by_permission_set=True),
        verified_address("granted@company.example", controlled_by_permission_set=True),
        verified_address("off@company.example", is_active=False),
        RoutingAddressFactory(),
    ]
    ana, ben, root = rep("ana"), UserFactory(), UserFactory(superuser=True)
    dora = rep("dora", is_active=False)
    grant(addresses[2], ana, ben, dora)
    cases = [None, case_with_mail(ana), CaseFactory()]

    for user in (ana, ben, root, dora, AnonymousUser()):
        for case in cases:
            senders = allowed_senders(user, case)
            answers = {each.pk: (True, why) for each, why in senders.allowed}
            answers |= {each.pk: (False, why) for each, why in senders.refused}
            for address in addresses:
                answer = permission_to_send(user, address, case=case)
                assert answers[address.pk] == (answer.allowed, answer.because)


@pytest.mark.parametrize("count", [1, 12])
def test_queries_do_not_grow_with_the_addresses(count: int, django_assert_max_num_queries: Any) -> None:
    user = rep("ana")
    case = case_with_mail(user)
    for number in range(count):
        address = verified_address(f"a{number}@company.example", controlled_by_permission_set=True)
        grant(address, user, label=f"Set {number}")

    with django_assert_max_num_queries(6):
        senders = allowed_senders(user, case)

    assert len(senders.allowed) == count


# Default From
# ------------------------------------------------------------------------------------------------------------
def test_default_is_the_address_the_customer_wrote_to() -> None:
    user = rep("ana")
    verified_address("a@company.example", routing_name="A")
    written_to = verified_address("z@company.example", routing_name="Z")

    sender = default_sender(user, case_with_mail(user, address=written_to))

    assert (sender.address, sender.because, sender.passed_over) == (written_to, "The customer wrote to it.", "")


def test_address_that_is_passed_over_is_named() -> None:
    user = rep("ana")
    other = verified_address("a@company.example")
    unverified = RoutingAddressFactory(email_address="new@company.example")

    sender = default_sender(user, case_with_mail(user, address=unverified))

    assert sender.address == other
    assert sender.passed_over == (
        "The address that the customer wrote to is new@company.example, which you cannot send from. "
        "The routing address is not verified."
    )


def test_no_default_when_nothing_is_permitted() -> None:
    user = UserFactory()
    allow_replies(user)

    sender = default_sender(user, case_with_mail(user, address=RoutingAddressFactory()))

    assert sender.address is None
    assert sender.because == "There is no address that you may send from."


def predefine(case: Any, *, for_type: Any = None, for_all: Any = None) -> None:
    RecordType.objects.filter(pk=case.record_type_id).update(default_from=for_type)
    EmailToCaseSettingsFactory()
    EmailToCaseSettings.objects.update(default_from=for_all)


def test_the_predefined_from_of_the_record_type_comes_first() -> None:
    user = rep("ana")
    french, support, written_to = (verified_address(f"{name}@company.example") for name in ("fr", "support", "z"))
    case = case_with_mail(user, address=written_to)
    predefine(case, for_type=french, for_all=support)

    sender = default_sender(user, case)

    assert (sender.address, sender.passed_over) == (french, "")
    assert sender.because == "The predefined From for cases of the type “Support”."


def test_the_value_for_all_cases_comes_before_the_address_written_to() -> None:
    user = rep("ana")
    support, written_to = verified_address("support@company.example"), verified_address("z@company.example")
    case = case_with_mail(user, address=written_to)
    predefine(case, for_all=support)

    sender = default_sender(user, case)

    assert (sender.address, sender.because) == (support, "The predefined From for all cases.")


def test_every_better_value_that_is_passed_over_is_named_with_its_reason() -> None:
    user = rep("ana")
    unverified = RoutingAddressFactory(email_address="fr@company.example")
    controlled = verified_address("gold@company.example", controlled_by_permission_set=True)
    written_to = verified_address("z@company.example")
    case = case_with_mail(user, address=written_to)
    predefine(case, for_type=unverified, for_all=controlled)

    sender = default_sender(user, case)

    assert (sender.address, sender.because) == (written_to, "The customer wrote to it.")
    assert sender.passed_over == (
        "The predefined From for cases of the type “Support” is fr@company.example, which you cannot send from. "
        "The routing address is not verified. "
        "The predefined From for all cases is gold@company.example, which you cannot send from. "
        "No permission set grants it."
    )


def test_a_deleted_predefined_from_is_passed_over() -> None:
    user = rep("ana")
    gone, written_to = verified_address("gone@company.example"), verified_address("z@company.example")
    case = case_with_mail(user, address=written_to)
    predefine(case, for_all=gone)
    delete_routing_address(gone, by=None)

    sender = default_sender(user, case)

    assert sender.address == written_to
    assert sender.passed_over.startswith("The predefined From for all cases is a deleted address")


def test_a_superuser_gets_no_predefined_from_without_a_grant() -> None:
    root = UserFactory(superuser=True)
    controlled = verified_address("gold@company.example", controlled_by_permission_set=True)
    case = CaseFactory()
    predefine(case, for_type=controlled)

    assert default_sender(root, case).address is None


def test_the_default_costs_two_queries_whatever_is_predefined(django_assert_max_num_queries: Any) -> None:
    user = rep("ana")
    case = case_with_mail(user, address=RoutingAddressFactory())
    predefine(case, for_type=RoutingAddressFactory(), for_all=RoutingAddressFactory())
    for number in range(8):
        verified_address(f"a{number}@company.example")
    senders = allowed_senders(user, case)

    with django_assert_max_num_queries(2):
        default_sender(user, case, senders)
