from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models import Case
from cases.setup import set_up_instance
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory


@pytest.fixture(autouse=True)
def _organisation(db: Any) -> None:
    set_up_instance()


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def case(ana: User) -> Case:
    case: Case = CaseFactory(owner_queue=None, owner_user=ana, subject="Broken lamp")
    return case
