from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from routing import permission_sets
from routing.models import PermissionSet, RoutingAddress
from tests.factories import RoutingAddressFactory, UserFactory


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
    names = (
        "routingaddress",
        "permissionset",
        "queue",
        "recordtype",
        "emailtemplate",
        "quicktext",
        "emailtocasesettings",
        "auditevent",
        "connection",
        "assignmentrule",
        "routingflow",
        "skill",
        "reppresence",
        "businesshours",
        "servicelevel",
    )
    return allow(UserFactory(username="viewer", staff=True), *(f"view_{name}" for name in names))


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
