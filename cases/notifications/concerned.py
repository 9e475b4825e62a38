"""Whom an event concerns personally. Reads only; many events at once, the same few statements for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cases.models import Approval, Case, CaseEvent, CaseTask, Notification, SatisfactionRequest
from cases.selectors.people import approvers
from routing.models import Queue, QueueMember

__all__ = ["Concerned", "concerned_by"]

Event = CaseEvent.Kind
Kind = Notification.Kind
MOST_MEMBERS = 100  # of a queue, and approvers of one mail


@dataclass(frozen=True, slots=True)
class Concerned:
    """One person and one event. `queue`: as a member of it, not by name."""

    event: CaseEvent
    user_id: int
    kind: Notification.Kind
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    members: dict[int, list[int]]  # by queue
    approvers: list[int]
    waiting: set[int]  # Outbox keys of mail that still waits for approval
    tasks: dict[int, CaseTask]


def concerned_by(events: Sequence[CaseEvent]) -> list[Concerned]:
    """Each person once an event, and nobody by what they did themselves. `events` with case, its owner_queue, and
    email_message. Four statements at most. Whether they may see the case is another question.
    """
    facts = _load(events)
    found: dict[tuple[int, int], Concerned] = {}
    for event in events:
        doer = _doer(event)
        for each in _of_event(event, facts):
            if each.user_id != doer:
                found.setdefault((event.pk, each.user_id), each)
    return list(found.values())


def _load(events: Sequence[CaseEvent]) -> _Facts:
    queues = {event.case.owner_queue_id for event in events} - {None}
    members: dict[int, list[int]] = {}
    if queues:
        rows = QueueMember.objects.filter(queue__in=queues, user__is_active=True).order_by("pk")
        for queue_id, user_id in rows.values_list("queue", "user"):
            members.setdefault(queue_id, []).append(user_id)
    asked = [event.detail.get("outbox") for event in events if event.kind == Event.APPROVAL_REQUESTED]
    waits = Approval.objects.filter(outbox__in=_keys(asked), state=Approval.State.WAITING)
    waiting = set(waits.values_list("outbox", flat=True)) if asked else set()
    tasks = [event.detail.get("task") for event in events if event.kind == Event.TASK_DUE]
    return _Facts(
        members={key: users[:MOST_MEMBERS] for key, users in members.items()},
        approvers=list(approvers().order_by("pk").values_list("pk", flat=True)[:MOST_MEMBERS]) if waiting else [],
        waiting=waiting,
        tasks=CaseTask.objects.in_bulk([key for key in tasks if key is not None]) if tasks else {},
    )


def _doer(event: CaseEvent) -> int | None:
    """Who did it. A mail that came in is done by whoever wrote it, not by the user that automation runs as."""
    message = event.email_message
    return None if message is not None and message.incoming else event.actor_id


def _of_event(event: CaseEvent, facts: _Facts) -> Iterator[Concerned]:
    case, message = event.case, event.email_message
    match event.kind:
        case Event.CASE_OPENED:
            if case.routing_version == 1:  # else the event that gave it another owner tells that one
                yield from _owners(event, facts, Kind.ASSIGNED, Kind.IN_QUEUE)
        case Event.OWNER_ASSIGNED:
            if case.routing_version == event.detail.get("version"):
                is_escalated = "escalated_by" in event.detail
                yield from _owners(
                    event, facts, *((Kind.ESCALATED,) * 2 if is_escalated else (Kind.ASSIGNED, Kind.IN_QUEUE))
                )
        case Event.EMAIL_ADDED:
            if message is not None and message.incoming and not message.is_automatic:
                yield from _owners(event, facts, Kind.NEW_MAIL, Kind.IN_QUEUE)
        case Event.BOUNCE_ADDED | Event.REPLY_FAILED | Event.REPLY_UNCERTAIN:
            yield from _author(event, Kind.SEND_FAILED)
            yield from _owners(event, facts, Kind.SEND_FAILED, Kind.SEND_FAILED)
        case Event.REPLY_TAKEN_BACK:
            if event.actor_id is None:  # the customer wrote before it left; else its author undid it
                yield from _author(event, Kind.SEND_FAILED)
        case Event.APPROVAL_REQUESTED:
            if event.detail.get("outbox") in facts.waiting:
                yield from (Concerned(event, user, Kind.APPROVAL_ASKED) for user in facts.approvers)
        case Event.REPLY_APPROVED | Event.REPLY_REJECTED:
            yield from _author(event, Kind.APPROVAL_DECIDED)
        case Event.SERVICE_LEVEL_NEAR:
            yield from _owners(event, facts, Kind.SERVICE_NEAR, Kind.SERVICE_NEAR)
        case Event.SERVICE_LEVEL_BROKEN:
            if "escalated_to" not in event.detail:  # else the queue that got it is told that it got it
                yield from _owners(event, facts, Kind.SERVICE_MISSED, Kind.SERVICE_MISSED)
        case Event.SATISFACTION_ANSWERED:
            if event.detail.get("rating") == SatisfactionRequest.Rating.BAD:
                yield from _owners(event, facts, Kind.NOT_CONTENT, Kind.NOT_CONTENT)
        case Event.NOTE_ADDED | Event.NOTE_EDITED:
            yield from (Concerned(event, user, Kind.MENTION) for user in _keys(event.detail.get("mentions")))
        case Event.TASK_DUE:
            task = facts.tasks.get(event.detail.get("task", 0))
            if task is None or task.completed_at is not None:
                return
            if task.owner_id is not None:
                yield Concerned(event, task.owner_id, Kind.TASK_DUE)
            elif case.owner_user_id is not None:
                yield Concerned(event, case.owner_user_id, Kind.TASK_DUE)


def _owners(
    event: CaseEvent, facts: _Facts, of_user: Notification.Kind, of_queue: Notification.Kind
) -> Iterator[Concerned]:
    case: Case = event.case
    if case.owner_user_id is not None:
        yield Concerned(event, case.owner_user_id, of_user)
    elif case.owner_queue is not None:
        for user in facts.members.get(case.owner_queue.pk, ()):
            yield Concerned(event, user, of_queue, case.owner_queue)


def _author(event: CaseEvent, kind: Notification.Kind) -> Iterator[Concerned]:
    message, author = event.email_message, event.detail.get("author")
    if message is not None and not message.incoming and message.created_by_id is not None:
        yield Concerned(event, message.created_by_id, kind)
    elif isinstance(author, int):
        yield Concerned(event, author, kind)


def _keys(value: Any) -> Iterable[int]:
    return [each for each in value if isinstance(each, int)] if isinstance(value, list) else ()
