"""The people of the sending rules: a case, two addresses, and who was granted what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User

from cases.models import Case
from routing import permission_sets
from routing.models import QueueMember, RoutingAddress
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    ParticipantFactory,
    PermissionSetFactory,
    RoutingAddressFactory,
    UserFactory,
)


def allow_replies(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="reply_case"))


def rep(username: str, **fields: Any) -> User:
    user: User = UserFactory(username=username, **fields)
    allow_replies(user)
    return user


def verified_address(email_address: str, **fields: Any) -> RoutingAddress:
    address: RoutingAddress = RoutingAddressFactory(
        verified=True, email_address=email_address, verified_email=email_address, **fields
    )
    return address


def grant(address: RoutingAddress, *users: User, label: str = "Senders") -> Any:
    permission_set = PermissionSetFactory(label=label)
    permission_sets.grant(permission_set, address, by=None)
    for user in users:
        permission_sets.add_member(permission_set, user, by=None)
    return permission_set


def case_with_mail(*owners: User, address: RoutingAddress | None = None, **mail: Any) -> Case:
    """A case of a queue that the users are members of, opened by a mail of casey@example.net."""
    case: Case = CaseFactory(routing_address=address, subject="Order 17 has not come")
    for user in owners:
        QueueMember.objects.create(queue=case.owner_queue, user=user)
    ParticipantFactory(case=case)
    message = EmailMessageFactory(case=case, **mail)
    Case.objects.filter(pk=case.pk).update(source=message)
    case.refresh_from_db()
    return case
