from __future__ import annotations

import pytest

from cases.models import CaseStatus
from routing.models import EmailToCaseSettings, Queue, RecordType
from tests.cases.commands.running import run

pytestmark = pytest.mark.django_db


def test_setup_makes_what_a_first_mail_needs() -> None:
    ran = run("setup")

    assert ran.exit_code == 0
    assert EmailToCaseSettings.objects.get().default_case_owner_queue == Queue.objects.get(name="Unassigned")
    assert CaseStatus.objects.get(is_default=True).label == "New"
    assert RecordType.objects.get(is_default=True).name == "Support"
    assert "Default case owner: Unassigned." in ran.stdout


def test_setup_run_again_changes_nothing() -> None:
    run("setup")
    RecordType.objects.create(name="Billing")
    EmailToCaseSettings.objects.update(daily_limit=5)

    ran = run("setup")

    assert ran.exit_code == 0
    assert EmailToCaseSettings.objects.get().daily_limit == 5
    assert CaseStatus.objects.count() == 4
    assert set(RecordType.objects.values_list("name", flat=True)) == {"Support", "Billing"}


def test_an_unknown_option_exits_64() -> None:
    assert run("setup", "--colour").exit_code == 64
