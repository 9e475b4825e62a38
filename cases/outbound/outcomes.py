"""What the end of a mail means for its case: a line of history, and whose turn it is. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, CaseEvent, CaseTask, EmailAddress, EmailMessage, Outbox
from cases.outbound.closing import close_after_all, close_with, open_again
from cases.outbound.notices import queue_owner_notice
from cases.outbound.reply_rows import let_take_part
from routing.addresses import MailAddress
from routing.choices import TaskStatus

__all__ = ["note_answered", "note_sent", "note_taken_back", "note_unsent", "set_out"]

Kind = CaseEvent.Kind
KIND_OF_END = {Outbox.State.FAILED: Kind.REPLY_FAILED, Outbox.State.UNCERTAIN: Kind.REPLY_UNCERTAIN}


def set_out(outbox: Outbox, *, by: User, now: datetime) -> None:
    """A person's mail is on its way: nobody but its author has to agree any more. `by` is the author."""
    message = outbox.email_message
    if message is None or outbox.case_id is None:
        raise ValueError("A mail of a person has a message and a case.")
    named = [each for each in message.addresses.all() if each.role != EmailAddress.Role.REPLY_TO]
    because = _("to %(people)s from %(address)s") % {
        "people": ", ".join(dict.fromkeys(each.address for each in named)),
        "address": message.from_address,
    }
    about = EmailMessage.objects.filter(pk=outbox.composed.get("answers") or 0).only("status").first()
    if outbox.is_forward:
        _note_forwarded(outbox, outbox.case_id, about, by=by, because=because, now=now)
    else:
        note_answered(outbox, about, by=by, because=because, now=now)
    if outbox.closes_case and not outbox.is_scheduled:
        close_with(outbox, by=by, now=now)
    if outbox.is_forward and not outbox.composed.get("answers_join"):
        return
    openly = [each for each in named if each.role in (EmailAddress.Role.TO, EmailAddress.Role.CC)]
    let_take_part(message.case, [MailAddress(each.name, each.address) for each in openly])


def _note_forwarded(
    outbox: Outbox, case_id: int, forwarded: EmailMessage | None, *, by: User, because: str, now: datetime
) -> None:
    """Somebody else was asked or told: the customer still waits for us."""
    before: dict[str, object] = {"outbox": outbox.pk}
    if forwarded is not None:
        before |= {"answered": forwarded.pk, "answered_status": forwarded.status}
        EmailMessage.objects.filter(pk=forwarded.pk, incoming=True).update(status=EmailMessage.Status.FORWARDED)
    Case.objects.filter(pk=case_id).update(last_activity_at=now)
    CaseEvent.objects.create(
        case_id=case_id,
        kind=Kind.REPLY_QUEUED,
        actor=by,
        email_message_id=outbox.email_message_id,
        because=because[:500],
        detail=before,
    )


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
        EmailMessage.objects.filter(pk=answered.pk, incoming=True).update(status=EmailMessage.Status.REPLIED)
    Case.objects.filter(pk=case_id).update(awaiting=Case.Awaiting.CUSTOMER, last_activity_at=now)
    CaseEvent.objects.create(
        case_id=case_id,
        kind=Kind.REPLY_QUEUED,
        actor=by,
        email_message_id=outbox.email_message_id,
        because=because[:500],
        detail=before,
    )


def note_sent(outbox: Outbox, *, refused: Mapping[str, str], was_returned: bool = False) -> None:
    """The provider took it. `refused`: recipients that it turned away, with its words; then it is our turn again.

    `was_returned`: it had counted as not sent, or as uncertain.
    """
    if outbox.kind != Outbox.Kind.REPLY or outbox.case_id is None:
        return
    CaseEvent.objects.create(
        case_id=outbox.case_id, kind=Kind.REPLY_SENT, email_message_id=outbox.email_message_id, because=outbox.detail
    )
    if was_returned:
        _answer_after_all(outbox, outbox.case_id)
    if refused:
        words = "; ".join(f"{address}: {why}" for address, why in refused.items())
        open_again(outbox, by=None)
        _return_to_us(outbox, outbox.case_id, Kind.BOUNCE_ADDED, words)
    elif outbox.closes_case:
        close_after_all(outbox, now=timezone.now())


def _answer_after_all(outbox: Outbox, case_id: int) -> None:
    """What `note_answered` did, once more where it was put back and nobody changed it since. If the customer wrote
    meanwhile it stays our turn.
    """
    now, event = timezone.now(), _queued_event(outbox)
    if event is not None:
        for key, status in event.detail.get("tasks", {}).items():
            CaseTask.objects.filter(pk=key, status=status, completed_at__isnull=True).update(
                status=TaskStatus.COMPLETED, completed_at=now
            )
        EmailMessage.objects.filter(
            pk=event.detail.get("answered") or 0, incoming=True, status=event.detail.get("answered_status")
        ).update(status=EmailMessage.Status.FORWARDED if outbox.is_forward else EmailMessage.Status.REPLIED)
    if not outbox.is_forward:
        Case.objects.filter(
            Q(last_inbound_at__isnull=True) | Q(last_inbound_at__lte=outbox.created_at), pk=case_id
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
    open_again(outbox, by=None)
    _return_to_us(outbox, outbox.case_id, KIND_OF_END[state], words)


def note_taken_back(outbox: Outbox, *, by: User | None, because: str = "", is_noted: bool = False) -> None:
    """Undone before it was sent: everything is as before it was written, and the text is a draft. `is_noted`: the
    history has a line for it.
    """
    if outbox.kind != Outbox.Kind.REPLY or outbox.case_id is None:
        return
    was_on_its_way = _put_back(outbox)
    open_again(outbox, by=by)
    if was_on_its_way and not outbox.is_forward:
        Case.objects.filter(pk=outbox.case_id).update(awaiting=Case.Awaiting.US)
    if is_noted:
        return
    CaseEvent.objects.create(
        case_id=outbox.case_id,
        kind=Kind.REPLY_TAKEN_BACK,
        actor=by,
        email_message_id=outbox.email_message_id,
        because=because[:500],
        # The mail itself is gone when it becomes a draft again.
        detail={"author": outbox.email_message.created_by_id if outbox.email_message else None},
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


def _put_back(outbox: Outbox) -> bool:
    """Tasks and the answered mail as they were found, unless somebody changed them since. False: it never set out."""
    event = _queued_event(outbox)
    if event is None:
        return False
    for key, status in event.detail.get("tasks", {}).items():
        CaseTask.objects.filter(pk=key, status=TaskStatus.COMPLETED).update(status=status, completed_at=None)
    answered = event.detail.get("answered")
    if answered is not None:
        EmailMessage.objects.filter(
            pk=answered, status__in=[EmailMessage.Status.REPLIED, EmailMessage.Status.FORWARDED]
        ).update(status=event.detail.get("answered_status", EmailMessage.Status.READ))
    return True


def _queued_event(outbox: Outbox) -> CaseEvent | None:
    """The line of history that says what was before the mail set out."""
    events = CaseEvent.objects.filter(case=outbox.case_id, kind=Kind.REPLY_QUEUED, detail__outbox=outbox.pk)
    return events.order_by("-pk").first()
