"""What became of a mail that we wrote, in words: never "sent" before the provider took it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cases.models import Delivery, EmailAddress, EmailMessage, Outbox
from cases.outbound.changing import MOST_CHANGED, OtherWords
from cases.outbound.quoting import without_token
from routing.sending_rules import refusal_by_state

State = Outbox.State


@dataclass(frozen=True, slots=True)
class SentMail:
    state: str
    sentence: str
    detail: str = ""
    leaves_at: datetime | None = None  # set while it can be taken back
    waits: bool = False  # will change by itself soon: the page looks again
    is_trouble: bool = False
    may_send_again: bool = False
    refused_because: str = ""  # why its reader cannot make it leave: it is from an address that is not theirs
    may_edit: bool = False
    is_scheduled: bool = False  # waits for the time that its author chose, `leaves_at`
    approval_because: str = ""  # why it waits for a second person; "" when it does not
    closes: str = ""  # what becomes of the case with it, while that is to come or can be undone
    is_own: bool = False  # nobody approves a mail of their own
    # What an approver can change: the subject without its token, the author's words; None where that is not offered.
    words: OtherWords | None = None
    # What one changed: [("same" | "out" | "in", words), ...] of each part, and who did.
    changes: tuple[tuple[str | Promise, list[list[str]]], ...] = ()
    changed_by: str = ""
    deliveries: tuple[tuple[str, str | Promise, str], ...] = ()  # (address, state in words, detail)


def waits_for_a_person(message: Any, *, reader_id: int | None) -> bool:
    """Whether its reader is offered to make it leave: to send it again, at another time, or with other words."""
    outbox: Outbox | None = None if message.incoming else getattr(message, "outbox", None)
    if outbox is None:
        return False
    if outbox.state == State.AWAITING_APPROVAL:
        return bool(message.created_by_id != reader_id)
    return outbox.state in (State.FAILED, State.UNCERTAIN) or (outbox.is_scheduled and outbox.state == State.QUEUED)


def sent_mail(message: Any, *, reader_id: int | None, now: datetime | None = None) -> SentMail | None:
    """`message` comes from selectors.messages_of. None for mail that came in, and for mail of which there is nothing
    to say.
    """
    outbox: Outbox | None = None if message.incoming else getattr(message, "outbox", None)
    if outbox is None:
        return None
    shown = _shown(message, outbox, is_own=message.created_by_id == reader_id, now=now or timezone.now())
    if outbox.closes_case:
        shown = replace(shown, closes=_closes(shown))
    if waits_for_a_person(message, reader_id=reader_id) and not message.reader_may_send:
        shown = replace(shown, refused_because=_refusal(outbox))
    if shown.approval_because and not shown.is_own and len(message.reply_start) <= MOST_CHANGED:
        shown = replace(shown, words=OtherWords(without_token(message.subject), message.reply_start))
    if message.approval_changes:
        changed = message.approval_changes
        parts = [(_("Subject"), changed.get("subject")), (_("Text"), changed.get("text"))]
        changes = tuple((label, pieces) for label, pieces in parts if pieces)
        shown = replace(shown, changes=changes, changed_by=message.approved_with_changes_by or "")
    return shown


def _refusal(outbox: Outbox) -> str:
    refusal = refusal_by_state(outbox.from_address) if outbox.from_address is not None else None
    return refusal.because if refusal is not None else _("No permission set grants it.")


def _closes(shown: SentMail) -> str:
    if shown.is_scheduled:
        return _("The case closes when it leaves.")
    if shown.approval_because:
        return _("The case closes when it is approved.")
    return _("Undo opens the case again.") if shown.state == State.QUEUED else ""


def _shown(message: Any, outbox: Outbox, *, is_own: bool, now: datetime) -> SentMail:
    match State(outbox.state):
        case State.AWAITING_APPROVAL:
            return SentMail(
                outbox.state,
                _("Not sent: it waits for approval."),
                leaves_at=outbox.not_before if outbox.is_scheduled else None,
                is_scheduled=outbox.is_scheduled,
                approval_because=message.approval_because or _("It was required when it was written."),
                is_own=is_own,
            )
        case State.QUEUED:
            return _queued(outbox, now)
        case State.SENDING:
            return SentMail(outbox.state, _("Is being handed to the mail service."), waits=True)
        case State.SENT:
            return SentMail(outbox.state, _("Sent."), deliveries=_deliveries(message))
        case State.UNCERTAIN:
            return SentMail(
                outbox.state,
                _("It is uncertain whether this was sent: the mail service did not answer. It may have arrived."),
                outbox.detail,
                is_trouble=True,
                may_send_again=True,
                deliveries=_deliveries(message),
            )
        case State.FAILED:
            sentence = _("Not sent. The text is kept.")
            return SentMail(
                outbox.state, sentence, outbox.detail, is_trouble=True, may_send_again=True, may_edit=is_own
            )
        case State.CANCELLED:
            return SentMail(outbox.state, _("A draft: taken back before it was sent."), may_edit=is_own)


def _queued(outbox: Outbox, now: datetime) -> SentMail:
    not_before = outbox.not_before
    if outbox.is_scheduled and not_before is not None and not_before > now:
        sentence = _("Not sent yet: it leaves later. If the customer writes before, it becomes a draft again.")
        return SentMail(outbox.state, sentence, leaves_at=not_before, is_scheduled=True)
    if not_before is not None and not_before > now:
        return SentMail(outbox.state, _("Not sent yet, you can still undo it."), leaves_at=not_before, waits=True)
    if outbox.detail:
        sentence = _("Not sent yet: the mail service did not take it. It is tried again by itself.")
        return SentMail(outbox.state, sentence, outbox.detail, leaves_at=outbox.lease_until or now, is_trouble=True)
    return SentMail(outbox.state, _("Waits to be sent."), leaves_at=now, waits=True)


def _deliveries(message: EmailMessage) -> tuple[tuple[str, str | Promise, str], ...]:
    recipients: list[Any] = [each for each in message.addresses.all() if each.role != EmailAddress.Role.REPLY_TO]
    return tuple(
        (each.address, Delivery.State(each.delivery_state).label, each.delivery_detail or "")
        for each in recipients
        if each.delivery_state
    )
