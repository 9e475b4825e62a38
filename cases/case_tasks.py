"""Tasks of a case: add one, tick it, give it to somebody; and tell in the history when one is due."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, CaseTask
from cases.selectors.people import reps
from routing.choices import TaskStatus

__all__ = ["add_task", "assign_task", "note_due_tasks", "set_task_done"]

MOST_TASKS = 100
DUE_AT = time(8)  # of the day that was chosen, in the zone of whoever chose it


@transaction.atomic
def add_task(*, case: Case, subject: str, by: Any, owner: Any | None = None, due: date | None = None) -> CaseTask:
    subject = " ".join(clean_text(subject).split())[:255]
    if not subject:
        raise CannotChange(_("Write what is to be done."), field="task")
    if due is not None and due < timezone.localdate():
        raise CannotChange(_("That day has passed."), field="task")
    _check_owner(owner)
    case = case_to_change(case, by=by)
    if case.tasks.count() >= MOST_TASKS:
        raise CannotChange(_("A case has at most %(most)d tasks.") % {"most": MOST_TASKS}, field="task")
    due_at = timezone.make_aware(datetime.combine(due, DUE_AT)) if due is not None else None
    task = CaseTask.objects.create(case=case, subject=subject, owner=owner, due_at=due_at)
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


@transaction.atomic
def note_due_tasks(*, limit: int = 100, now: datetime | None = None) -> int:
    """A line in the history of each case with a task that is due now; of each task once, by whichever sweeper."""
    now = now or timezone.now()
    becoming_due = CaseTask.objects.filter(due_at__lte=now, due_noted_at__isnull=True, completed_at__isnull=True)
    if not becoming_due.exists():
        return 0
    if connection.features.has_select_for_update_skip_locked:
        becoming_due = becoming_due.select_for_update(skip_locked=True)
    tasks = list(becoming_due.order_by("due_at")[:limit])
    CaseTask.objects.filter(pk__in=[task.pk for task in tasks]).update(due_noted_at=now)
    CaseEvent.objects.bulk_create(
        CaseEvent(
            case_id=task.case_id, kind=CaseEvent.Kind.TASK_DUE, because=task.subject[:500], detail={"task": task.pk}
        )
        for task in tasks
    )
    return len(tasks)


def _check_owner(owner: Any | None) -> None:
    if owner is not None and not reps().filter(pk=owner.pk).exists():
        raise CannotChange(_("%(user)s may not work on cases.") % {"user": owner}, field="task")


def _note(task: CaseTask, by: Any, kind: CaseEvent.Kind, because: str) -> None:
    CaseEvent.objects.create(case=task.case, kind=kind, actor=by, because=because[:500], detail={"task": task.pk})
