"""Take a mail back before it leaves, or send one again that did not arrive: what people do with the Outbox."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Approval, Case, CaseEvent, Draft, EmailMessage, Outbox
from cases.outbound.allowed_senders import refusal_of_user
from cases.outbound.composed import LATEST, CannotReply, SendingNotAllowed
from cases.outbound.drafts import come_back
from cases.outbound.endings import follow
from cases.outbound.locking import lock_case_of
from cases.outbound.outcomes import note_taken_back
from cases.outbound.permitting import keep_answer, permit_author, permit_person
from routing import audit

__all__ = [
    "CannotCancel",
    "CannotResend",
    "cancel",
    "cancel_reply",
    "edit_failed",
    "reschedule",
    "resend",
    "send_again",
    "take_back",
    "take_back_scheduled",
]

State = Outbox.State


class CannotResend(RuntimeError):
    """The mail is not in a state in which a person may send it again; the message says why."""


class CannotCancel(RuntimeError):
    """The mail is under way already."""


@transaction.atomic
def resend(outbox: Outbox, *, by: User) -> None:
    """A person sends an uncertain or failed mail again, knowing that it may arrive twice. Raises CannotResend."""
    lock_case_of(outbox)
    changed = Outbox.objects.filter(pk=outbox.pk, state__in=[State.UNCERTAIN, State.FAILED]).update(
        state=State.QUEUED,
        claim_token="",
        lease_until=None,
        not_before=None,
        attempts=0,
        detail="",
        human_resends=F("human_resends") + 1,
        requested_by=by,
    )
    before, because = outbox.state, outbox.detail
    outbox.refresh_from_db()
    if not changed:
        words = _("Only uncertain and failed mail is sent again; this one is %(state)s.")
        raise CannotResend(words % {"state": outbox.get_state_display()})
    follow(outbox)
    audit.record(
        "resend_outgoing_mail", outbox, by=by, was=str(before), because=because, human_resends=outbox.human_resends
    )


@transaction.atomic
def cancel(outbox: Outbox, *, by: User | None, because: str = "", is_noted: bool = False) -> None:
    """Take a waiting mail back (undo). Raises CannotCancel once `sending` is committed: then it may be out.

    `is_noted`: the history of its case says so already.
    """
    lock_case_of(outbox)
    changed = Outbox.objects.filter(pk=outbox.pk, state__in=[State.QUEUED, State.AWAITING_APPROVAL]).update(
        state=State.CANCELLED, claim_token="", lease_until=None
    )
    outbox.refresh_from_db()
    if not changed:
        words = _("The mail cannot be taken back; it is %(state)s.")
        raise CannotCancel(words % {"state": outbox.get_state_display()})
    follow(outbox)
    note_taken_back(outbox, by=by, because=because, is_noted=is_noted)
    audit.record("cancel_outgoing_mail", outbox, by=by)


@transaction.atomic
def cancel_reply(message: EmailMessage, *, by: User) -> Draft | None:
    """Take a mail back while it waits; it becomes a draft of its author. Raises CannotCancel, and SendingNotAllowed
    for somebody who could not have written it.
    """
    return take_back(_outbox_for(message, by=by, otherwise=CannotCancel), by=by)


def take_back(outbox: Outbox, *, by: User | None, because: str = "", is_noted: bool = False) -> Draft | None:
    """Cancel what did not leave, whether it waits for its time or for approval. In the caller's transaction.

    `because`: what its author should know. `is_noted`: the history says so already. Raises CannotCancel.
    """
    lock_case_of(outbox)
    cancel(outbox, by=by, because=because, is_noted=is_noted)
    Approval.objects.filter(outbox=outbox, state=Approval.State.WAITING).update(
        state=Approval.State.WITHDRAWN, decided_by=by, decided_at=timezone.now(), reason=because[:500]
    )
    return come_back(outbox, because=because)


def send_again(message: EmailMessage, *, by: User) -> None:
    """A person sends a failed or uncertain mail once more. Raises CannotResend and SendingNotAllowed.

    Whoever makes it leave must be allowed to send from its address, as its author must; the worker asks about both
    again. Must not be called inside a transaction, so that a refusal is kept.
    """
    outbox = _outbox_for(message, by=by, otherwise=CannotResend)
    author = message.created_by
    if author is None:
        raise CannotResend(_("Its author is not known any more."))
    answer = permit_person(outbox, by=by)
    if author != by:
        permit_author(outbox, author)
    with transaction.atomic():
        resend(outbox, by=by)
        keep_answer(answer, outbox, person=by)


@transaction.atomic
def edit_failed(message: EmailMessage, *, by: User) -> Draft | None:
    """A mail that failed becomes a draft of its author again. Raises CannotCancel and SendingNotAllowed; None when its
    author is gone. An uncertain one never does: it may have arrived.
    """
    outbox = _outbox_for(message, by=by, otherwise=CannotCancel)
    if message.created_by_id != by.pk:
        raise SendingNotAllowed(_("Only its author can edit it."))
    lock_case_of(outbox)
    if not Outbox.objects.filter(pk=outbox.pk, state=State.FAILED).update(state=State.CANCELLED):
        raise CannotCancel(_("This mail did not fail, or it was sent again."))
    outbox.refresh_from_db()
    return come_back(outbox, because=_("Not sent: %(why)s") % {"why": outbox.detail})


def reschedule(message: EmailMessage, *, by: User, send_at: datetime | None, now: datetime) -> None:
    """Another time for a mail that waits for its time; None: now. Who decides when a mail leaves must be allowed to
    send from its address. Raises CannotReply and SendingNotAllowed. Must not be called inside a transaction.
    """
    outbox = _outbox_for(message, by=by, otherwise=CannotReply)
    if send_at is not None and not now < send_at <= now + LATEST:
        raise CannotReply(_("Choose a time within a year that is not over."), field="send_at")
    answer = permit_person(outbox, by=by)
    with transaction.atomic():
        _change_time(outbox, message, by=by, send_at=send_at, now=now)
        keep_answer(answer, outbox, person=by)


def _change_time(outbox: Outbox, message: EmailMessage, *, by: User, send_at: datetime | None, now: datetime) -> None:
    lock_case_of(outbox)
    waiting = Outbox.objects.filter(pk=outbox.pk, is_scheduled=True, state__in=[State.QUEUED, State.AWAITING_APPROVAL])
    changes = {
        "not_before": send_at or now,
        "is_scheduled": send_at is not None,
        "claim_token": "",
        "lease_until": None,
    }
    if not waiting.update(**changes):
        raise CannotReply(_("This mail does not wait for its time any more."))
    CaseEvent.objects.create(
        case_id=outbox.case_id or message.case_id,
        kind=CaseEvent.Kind.SENDING_RESCHEDULED,
        actor=by,
        email_message=message,
        because=f"{send_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if send_at else _("at once"),
        detail={"outbox": outbox.pk, "send_at": send_at.isoformat() if send_at else None},
    )


def take_back_scheduled(case: Case, *, now: datetime) -> int:
    """The customer wrote first: what was to be sent later may be wrong by now. Returns how many came back.

    Called by the transaction that adds the customer's mail, after it has written to the case's row: then a mail that
    is being scheduled at this moment is either seen here or sees the customer's. A worker that claimed a mail already
    loses its claim, unless `sending` is committed; then it is out.
    """
    scheduled = Outbox.objects.filter(
        case=case, is_scheduled=True, state__in=[State.QUEUED, State.AWAITING_APPROVAL]
    ).select_related("email_message__created_by", "email_message__case", "from_address")
    taken = 0
    for outbox in scheduled.order_by("pk"):
        try:
            take_back(outbox, by=None, because=_("The customer wrote before it was to be sent."))
        except CannotCancel:
            continue
        taken += 1
    return taken


def _outbox_for(message: EmailMessage, *, by: User, otherwise: type[Exception]) -> Outbox:
    """Raises `otherwise` when it became a draft in this moment: two people, or one with two clicks."""
    if refusal := refusal_of_user(by, case=message.case):
        raise SendingNotAllowed(refusal.because)
    rows = Outbox.objects.select_related("email_message__created_by", "email_message__case", "case", "from_address")
    outbox = rows.filter(email_message=message, kind=Outbox.Kind.REPLY).first()
    if outbox is None:
        raise otherwise(_("This mail was taken back already."))
    return outbox
