from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from routing import permission_sets
from routing.models import (
    AssignmentRule,
    AuditEvent,
    BusinessHours,
    Connection,
    EmailTemplate,
    EmailToCaseSettings,
    PermissionSet,
    Queue,
    QuickText,
    RecordType,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    ServiceLevel,
    Skill,
)
from tests.factories import RoutingAddressFactory, UserFactory

# Every model of the application that has pages in the back office, by its name there.
MODELS: dict[str, Any] = {
    str(model._meta.model_name): model
    for model in (
        RoutingAddress,
        PermissionSet,
        Queue,
        RecordType,
        EmailTemplate,
        QuickText,
        EmailToCaseSettings,
        AuditEvent,
        Connection,
        AssignmentRule,
        RoutingFlow,
        Skill,
        RepPresence,
        BusinessHours,
        ServiceLevel,
    )
}


def allow(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def configurer(db: Any) -> User:
    """Staff with Customize Application, not a superuser."""
    return allow(UserFactory(username="configurer", staff=True), "customize_application")


@pytest.fixture
def staff(db: Any) -> User:
    """Staff without any permission."""
    return UserFactory(username="staff", staff=True)


@pytest.fixture
def viewer(db: Any) -> User:
    """Staff with Django's view permissions alone."""
    return allow(UserFactory(username="viewer", staff=True), *(f"view_{name}" for name in MODELS))


@pytest.fixture
def page(client: Client, configurer: User) -> Client:
    """A browser in which the configurer is signed in."""
    client.force_login(configurer)
    return client


@pytest.fixture
def address(organisation: Any) -> RoutingAddress:
    return RoutingAddressFactory(email_address="support@company.example", routing_name="Support")


@pytest.fixture
def gold(db: Any) -> PermissionSet:
    return permission_sets.create_permission_set("Gold", by=None)
