"""Two reps of one queue, a case of it, and somebody who is neither."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from cases.models import Case
from routing.models import Queue, QueueMember
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory, QueueFactory, UserFactory


def queue_with(*users: User, name: str = "Support") -> Queue:
    queue: Queue = QueueFactory(name=name)
    for user in users:
        QueueMember.objects.create(queue=queue, user=user)
    return queue


def case_of(*users: User, **fields: Any) -> Case:
    """A case whose owner queue these users are members of."""
    queue = Queue.objects.filter(name="Support").first() or queue_with()
    for user in users:
        QueueMember.objects.get_or_create(queue=queue, user=user)
    case: Case = CaseFactory(**{"owner_queue": queue} | fields)
    return Case.objects.get(pk=case.pk)


def reader(username: str = "reader", **fields: Any) -> User:
    """Somebody who may not work on cases."""
    user: User = UserFactory(username=username, **fields)
    return user


__all__ = ["case_of", "queue_with", "reader", "rep"]
