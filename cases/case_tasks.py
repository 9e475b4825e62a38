"""Tasks of a case: add one, tick it, give it to somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, CaseTask
from cases.selectors.people import reps
from routing.choices import TaskStatus

__all__ = ["add_task", "assign_task", "set_task_done"]

MOST_TASKS = 100


@transaction.atomic
def add_task(*, case: Case, subject: str, by: Any, owner: Any | None = None) -> CaseTask:
    subject = " ".join(clean_text(subject).split())[:255]
    if not subject:
        raise CannotChange(_("Write what is to be done."), field="task")
    _check_owner(owner)
    case = case_to_change(case, by=by)
    if case.tasks.count() >= MOST_TASKS:
        raise CannotChange(_("A case has at most %(most)d tasks.") % {"most": MOST_TASKS}, field="task")
    task = CaseTask.objects.create(case=case, subject=subject, owner=owner)
    _note(task, by, CaseEvent.Kind.TASK_ADDED, subject)
    return task


@transaction.atomic
def set_task_done(*, task: CaseTask, done: bool, by: Any, now: datetime | None = None) -> CaseTask:
    case_to_change(task.case, by=by)
    task = CaseTask.objects.select_for_update().get(pk=task.pk)
    if (task.completed_at is not None) == done:
        return task
    task.completed_at = (now or timezone.now()) if done else None
    task.status = TaskStatus.COMPLETED if done else TaskStatus.IN_PROGRESS
    task.save(update_fields=["completed_at", "status"])
    _note(task, by, CaseEvent.Kind.TASK_CHANGED, f"{task.subject}: {task.get_status_display()}")
    return task


@transaction.atomic
def assign_task(*, task: CaseTask, owner: Any | None, by: Any) -> CaseTask:
    _check_owner(owner)
    case_to_change(task.case, by=by)
    task = CaseTask.objects.select_for_update().get(pk=task.pk)
    if task.owner_id == (owner.pk if owner else None):
        return task
    task.owner = owner
    task.save(update_fields=["owner"])
    _note(task, by, CaseEvent.Kind.TASK_CHANGED, f"{task.subject}: {owner or '–'}")
    return task


def _check_owner(owner: Any | None) -> None:
    if owner is not None and not reps().filter(pk=owner.pk).exists():
        raise CannotChange(_("%(user)s may not work on cases.") % {"user": owner}, field="task")


def _note(task: CaseTask, by: Any, kind: CaseEvent.Kind, because: str) -> None:
    CaseEvent.objects.create(case=task.case, kind=kind, actor=by, because=because[:500], detail={"task": task.pk})
