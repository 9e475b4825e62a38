from __future__ import annotations

import pytest

from routing import queues
from routing.models import AuditEvent
from tests.factories import QueueFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_members_come_and_go_with_an_audit_line_each() -> None:
    queue, user, admin = QueueFactory(), UserFactory(username="robin"), UserFactory()

    queues.add_member(queue, user, by=admin)
    queues.add_member(queue, user, by=admin)

    assert list(queues.queues_of(user)) == [queue]
    assert list(queues.active_members(queue)) == [user]
    queues.remove_member(queue, user, by=admin)
    assert list(queues.queues_of(user)) == []
    assert [event.action for event in AuditEvent.objects.order_by("id")] == [
        "queue-member-added",
        "queue-member-removed",
    ]


def test_inactive_users_are_no_active_members() -> None:
    queue = QueueFactory()
    queues.add_member(queue, UserFactory(is_active=False), by=None)

    assert list(queues.active_members(queue)) == []
