"""A rep, an address, a case with a mail, and the mail server that judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from cases.models import Case
from cases.setup import set_up_instance
from routing.models import QueueMember, RoutingAddress
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server


@pytest.fixture(autouse=True)
def _organisation(db: Any, settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 0
    set_up_instance()


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def boss(case: Case) -> User:
    """Works in the queue of the case, and may approve mail."""
    user = rep("boss")
    user.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    QueueMember.objects.create(queue=case.owner_queue, user=user)
    return user


@pytest.fixture
def gold() -> RoutingAddress:
    return verified_address("gold@company.example", display_name="Gold Support", signature="Gold Support")


@pytest.fixture
def case(ana: User, gold: RoutingAddress) -> Case:
    return case_with_mail(ana, address=gold, message_identifier="first@mail.example.net")


@pytest.fixture
def page(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client
