"""Four eyes: a mail that needs approval stays in the Outbox, out of the worker's reach, until somebody else agrees.

Nobody approves a mail of his or her own, whatever permissions that person holds; an approver's mail needs another
approver. An Approval row is one request and its end, and stays as history.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Approval, Case, CaseEvent, EmailMessage, Outbox
from cases.outbound.changing import OtherWords, differs, reword
from cases.outbound.composed import Unseen
from cases.outbound.locking import lock_case_of
from cases.outbound.outcomes import set_out
from cases.outbound.permitting import keep_answer, permit_author, permit_person
from cases.outbound.taking_back import take_back
from cases.selectors.approvals import may_approve

__all__ = ["CannotApprove", "approve", "ask_for_approval", "reject"]

LONGEST_REASON = 500  # characters
DECIDED = gettext_lazy("This mail does not wait for approval any more.")


class CannotApprove(RuntimeError):
    """It is decided already, it is one's own, or it is none of that person's business; the message says which."""


def ask_for_approval(outbox: Outbox, *, because: str, by: User, now: datetime) -> Approval:
    """Hold a mail that was just written. In the transaction that writes it."""
    Outbox.objects.filter(pk=outbox.pk).update(state=Outbox.State.AWAITING_APPROVAL)
    outbox.state = Outbox.State.AWAITING_APPROVAL
    if outbox.case is None:
        raise ValueError("A mail of a person belongs to a case.")
    Case.objects.filter(pk=outbox.case.pk).update(last_activity_at=now)
    CaseEvent.objects.create(
        case=outbox.case,
        kind=CaseEvent.Kind.APPROVAL_REQUESTED,
        actor=by,
        email_message_id=outbox.email_message_id,
        because=because[:500],
        detail={"outbox": outbox.pk},
    )
    return Approval.objects.create(outbox=outbox, case=outbox.case, requested_by=by, required_because=because[:255])


def approve(
    message: EmailMessage,
    *,
    by: User,
    now: datetime,
    last_seen: int | None = None,
    words: OtherWords | None = None,
) -> None:
    """Let it leave, at the time its author chose; in other `words`, when the approver changed them. Its author's
    permission is asked for again, and the worker will ask once more. Who approves a mail as it stands needs none for
    the address; who changes it sends words of their own, and does.

    Raises CannotApprove, SendingNotAllowed, CannotReply for words that cannot be sent, and Unseen when something came
    that the approver has not seen.

    Must not be called inside a transaction, so that a refusal is kept.
    """
    author = message.created_by
    outbox = Outbox.objects.select_related("from_address", "case").filter(email_message=message).first()
    if outbox is None:
        raise CannotApprove(DECIDED)
    if author is None or outbox.from_address is None:
        raise CannotApprove(_("Its author is not known any more."))
    permit_author(outbox, author, now=now)
    answer = None
    if words is not None and differs(message, words) and author != by:
        answer = permit_person(outbox, by=by)
    with transaction.atomic():
        approval = _waiting(message, by=by)
        if last_seen is not None and EmailMessage.objects.filter(case=approval.case, pk__gt=last_seen).exists():
            raise Unseen(_("Something new came into this case since you opened it. Look first."))
        outbox = approval.outbox
        if words is not None and answer is not None:
            approval.changes = reword(outbox, words, by=by)
            keep_answer(answer, outbox, person=by)
        _decide(approval, Approval.State.APPROVED, by=by, now=now)
        is_later = outbox.is_scheduled and outbox.not_before is not None and outbox.not_before > now
        outbox.state = Outbox.State.QUEUED
        outbox.is_scheduled = is_later
        if not is_later:
            outbox.not_before = now + timedelta(seconds=settings.E2C_UNDO_SECONDS)
        outbox.save(update_fields=["state", "is_scheduled", "not_before"])
        because = _("with changes") if approval.changes else approval.required_because
        _note(approval, CaseEvent.Kind.REPLY_APPROVED, by=by, because=because)
        set_out(outbox, by=author, now=now)


@transaction.atomic
def reject(message: EmailMessage, *, by: User, reason: str, now: datetime) -> None:
    """It becomes a draft of its author again, with the reason. Raises CannotApprove."""
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise CannotApprove(_("Say why: its author reads it."))
    approval = _waiting(message, by=by)
    _decide(approval, Approval.State.REJECTED, by=by, now=now, reason=reason)
    _note(approval, CaseEvent.Kind.REPLY_REJECTED, by=by, because=reason)
    words = _("%(user)s did not approve it: %(reason)s") % {"user": by.get_username(), "reason": reason}
    take_back(approval.outbox, by=by, because=words, is_noted=True)


def _waiting(message: EmailMessage, *, by: User) -> Approval:
    """The open request, with case and Outbox row locked in the order in which everybody locks them."""
    # With its message: somebody who rejects the mail in this moment deletes it.
    outbox = Outbox.objects.select_related("email_message").filter(email_message=message).first()
    if outbox is not None:
        lock_case_of(outbox)
        outbox = Outbox.objects.select_for_update().get(pk=outbox.pk)
    approval = (
        Approval.objects.select_related("outbox__email_message__case", "outbox__case", "case")
        .filter(outbox=outbox, state=Approval.State.WAITING)
        .first()
    )
    if approval is None or outbox is None or outbox.state != Outbox.State.AWAITING_APPROVAL:
        raise CannotApprove(DECIDED)
    if refusal := may_approve(by, approval):
        raise CannotApprove(refusal)
    return approval


def _decide(approval: Approval, state: Approval.State, *, by: User, now: datetime, reason: str = "") -> None:
    approval.state, approval.decided_by, approval.decided_at, approval.reason = state, by, now, reason
    approval.save(update_fields=["state", "decided_by", "decided_at", "reason", "changes"])


def _note(approval: Approval, kind: CaseEvent.Kind, *, by: User, because: str) -> None:
    CaseEvent.objects.create(
        case=approval.case,
        kind=kind,
        actor=by,
        email_message_id=approval.outbox.email_message_id,
        because=because[:500],
        # Its author: the mail itself is gone when it becomes a draft again.
        detail={
            "outbox": approval.outbox_id,
            "approval": approval.pk,
            "author": approval.requested_by_id,
            "changed": sorted(approval.changes),
        },
    )
