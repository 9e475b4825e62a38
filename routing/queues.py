"""Queues of reps: who is in them, and changes to that. Each change leaves its line in the audit log."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from routing import audit
from routing.models import Queue, QueueMember


def queues_of(user: User) -> QuerySet[Queue]:
    return Queue.objects.filter(memberships__user=user)


def active_members(queue: Queue) -> QuerySet[User]:
    return get_user_model().objects.filter(queue_memberships__queue=queue, is_active=True).order_by("username")


@transaction.atomic
def create_queue(name: str, *, by: User | None) -> Queue:
    queue = Queue.objects.create(name=name)
    audit.record("queue-created", queue, by=by, changes=audit.changes({}, audit.snapshot(queue)))
    return queue


@transaction.atomic
def add_member(queue: Queue, user: User, *, by: User | None) -> None:
    _membership, is_new = QueueMember.objects.get_or_create(queue=queue, user=user)
    if is_new:
        audit.record("queue-member-added", queue, by=by, user=user.get_username())


@transaction.atomic
def remove_member(queue: Queue, user: User, *, by: User | None) -> None:
    removed, _per_model = QueueMember.objects.filter(queue=queue, user=user).delete()
    if removed:
        audit.record("queue-member-removed", queue, by=by, user=user.get_username())
