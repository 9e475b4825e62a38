"""A task with a day: the history says once that it is due, and its owner is told."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.acting import CannotChange
from cases.case_tasks import add_task, note_due_tasks, set_task_done
from cases.models import Case, CaseEvent, CaseTask
from tests.cases.notifications.told import told

TODAY = date(2030, 1, 2)


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel("2030-01-02 07:00Z", tick=False) as moment:
        yield moment


def test_a_task_is_told_once_on_the_morning_of_its_day(case: Case, ana: User, today: Any) -> None:
    task = add_task(case=case, subject="Call back", by=ana, owner=ana, due=TODAY + timedelta(days=1))
    assert note_due_tasks() == 0

    today.shift(timedelta(hours=26))

    assert (note_due_tasks(), note_due_tasks()) == (1, 0)
    event = CaseEvent.objects.get(kind="task_due")
    assert (event.because, event.detail, event.actor) == ("Call back", {"task": task.pk}, None)
    assert told() == [("ana", "task_due")]


def test_what_is_done_is_not_due(case: Case, ana: User, today: Any) -> None:
    task = add_task(case=case, subject="Call back", by=ana, due=TODAY)
    set_task_done(task=task, done=True, by=ana)

    today.shift(timedelta(hours=26))

    assert note_due_tasks() == 0


def test_a_day_that_has_passed_is_refused(case: Case, ana: User) -> None:
    with pytest.raises(CannotChange, match="passed"):
        add_task(case=case, subject="Call back", by=ana, due=TODAY - timedelta(days=1))

    assert not CaseTask.objects.exists()


@pytest.mark.parametrize(("typed", "due"), [("2030-01-05", "2030-01-05 08:00"), ("", None)])
def test_the_day_is_chosen_on_the_page(client: Client, case: Case, ana: User, typed: str, due: str | None) -> None:
    client.force_login(ana)

    client.post(f"/cases/{case.number}/act/task/", {"task": "Call back", "due": typed})

    task = CaseTask.objects.get()
    assert (f"{timezone.localtime(task.due_at):%Y-%m-%d %H:%M}" if task.due_at else None) == due
    shown = client.get(f"/cases/{case.number}/panel/").content.decode()
    assert ('<time datetime="2030-01-05' in shown) == (due is not None)


@pytest.mark.parametrize("typed", ["tomorrow", "2030-13-01", "<script>"])
def test_nonsense_is_no_day(client: Client, case: Case, ana: User, typed: str) -> None:
    client.force_login(ana)

    client.post(f"/cases/{case.number}/act/task/", {"task": "Call back", "due": typed})

    assert not CaseTask.objects.exists()
