"""What the end of a mail means for its case: a line of history, and whose turn it is. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from cases.models import Case, CaseEvent, CaseTask, EmailMessage, Outbox
from cases.outbound.notices import queue_owner_notice
from routing.choices import TaskStatus

__all__ = ["note_answered", "note_sent", "note_taken_back", "note_unsent"]

Kind = CaseEvent.Kind
KIND_OF_END = {Outbox.State.FAILED: Kind.REPLY_FAILED, Outbox.State.UNCERTAIN: Kind.REPLY_UNCERTAIN}


def note_answered(outbox: Outbox, answered: EmailMessage | None, *, by: User, because: str, now: datetime) -> None:
    """A reply waits to be sent: it is the customer's turn, the answered mail is replied to, tasks made from mail are
    done. The event keeps what was before, for an undo.
    """
    case_id = outbox.case_id
    if case_id is None:
        raise ValueError("A reply belongs to a case.")
    tasks = CaseTask.objects.filter(case=case_id, email_message__isnull=False, completed_at__isnull=True)
    open_tasks = dict(tasks.exclude(status=TaskStatus.COMPLETED).values_list("pk", "status"))
    CaseTask.objects.filter(pk__in=open_tasks).update(status=TaskStatus.COMPLETED, completed_at=now)
    before = {"outbox": outbox.pk, "tasks": {str(key): status for key, status in open_tasks.items()}}
    if answered is not None:
        before |= {"answered": answered.pk, "answered_status": answered.status}
        EmailMessage.objects.filter(pk=answered.pk).update(status=EmailMessage.Status.REPLIED)
    Case.objects.filter(pk=case_id).update(awaiting=Case.Awaiting.CUSTOMER, last_activity_at=now)
    CaseEvent.objects.create(
        case_id=case_id,
        kind=Kind.REPLY_QUEUED,
        actor=by,
        email_message_id=outbox.email_message_id,
        because=because[:500],
        detail=before,
    )


def note_sent(outbox: Outbox, *, refused: Mapping[str, str]) -> None:
    """The provider took it. `refused`: recipients that it turned away, with its words; then it is our turn again."""
    if outbox.kind != Outbox.Kind.REPLY or outbox.case_id is None:
        return
    CaseEvent.objects.create(
        case_id=outbox.case_id, kind=Kind.REPLY_SENT, email_message_id=outbox.email_message_id, because=outbox.detail
    )
    if refused:
        words = "; ".join(f"{address}: {why}" for address, why in refused.items())
        _return_to_us(outbox, outbox.case_id, Kind.BOUNCE_ADDED, words)
    elif outbox.human_resends:
        # It had been returned to us. If the customer wrote meanwhile it stays our turn.
        Case.objects.filter(
            Q(last_inbound_at__isnull=True) | Q(last_inbound_at__lte=outbox.created_at), pk=outbox.case_id
        ).update(awaiting=Case.Awaiting.CUSTOMER)


def note_unsent(outbox: Outbox) -> None:
    """Failed or uncertain. A reply that did not leave answers nothing: the case is ours again, its owner is told."""
    if outbox.case_id is None:
        return
    state = Outbox.State(outbox.state)
    words = f"{state.label}, to {outbox.recipient}: {outbox.detail}"
    if outbox.kind != Outbox.Kind.REPLY:
        CaseEvent.objects.create(
            case_id=outbox.case_id,
            kind=Kind.NOTICE_FAILED,
            email_message_id=outbox.email_message_id,
            because=words[:500],
            detail={"outbox": outbox.pk, "state": outbox.state},
        )
        return
    if state == Outbox.State.FAILED:
        _put_back(outbox)
    _return_to_us(outbox, outbox.case_id, KIND_OF_END[state], words)


def note_taken_back(outbox: Outbox, *, by: User | None) -> None:
    """Undone before it was sent: everything is as before it was written, and the text is a draft."""
    if outbox.kind != Outbox.Kind.REPLY or outbox.case_id is None:
        return
    _put_back(outbox)
    Case.objects.filter(pk=outbox.case_id).update(awaiting=Case.Awaiting.US)
    CaseEvent.objects.create(
        case_id=outbox.case_id, kind=Kind.REPLY_TAKEN_BACK, actor=by, email_message_id=outbox.email_message_id
    )


def _return_to_us(outbox: Outbox, case_id: int, kind: CaseEvent.Kind, words: str) -> None:
    now = timezone.now()
    Case.objects.filter(pk=case_id).update(awaiting=Case.Awaiting.US, last_activity_at=now)
    CaseEvent.objects.create(
        case_id=case_id,
        kind=kind,
        email_message_id=outbox.email_message_id,
        because=words[:500],
        detail={"outbox": outbox.pk, "state": outbox.state},
    )
    message = outbox.email_message
    if message is not None:
        case = Case.objects.select_related("owner_user", "owner_queue").get(pk=case_id)
        queue_owner_notice(case, message, delivery_failed=True, now=now)


def _put_back(outbox: Outbox) -> None:
    """Tasks and the answered mail as `note_answered` found them, unless somebody changed them since."""
    event = (
        CaseEvent.objects.filter(case=outbox.case_id, kind=Kind.REPLY_QUEUED, detail__outbox=outbox.pk)
        .order_by("-pk")
        .first()
    )
    if event is None:
        return
    for key, status in event.detail.get("tasks", {}).items():
        CaseTask.objects.filter(pk=key, status=TaskStatus.COMPLETED).update(status=status, completed_at=None)
    answered = event.detail.get("answered")
    if answered is not None:
        EmailMessage.objects.filter(pk=answered, status=EmailMessage.Status.REPLIED).update(
            status=event.detail.get("answered_status", EmailMessage.Status.READ)
        )
