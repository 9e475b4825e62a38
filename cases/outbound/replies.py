"""Answer a case: permission, mail and intent in one transaction; the worker sends it after the undo window.

What a caller has to fear is an exception, and every one of them means that nothing was written: SendingNotAllowed
(kept as a SendDecision), CannotReply (something in the mail), Unseen (look first), SentBefore (the key was used).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from cases import blobs
from cases.models import Case, EmailAddress, EmailMessage, Outbox, SendDecision
from cases.outbound.allowed_senders import permission_to_send, record_decision, refusal_of_user
from cases.outbound.delivery import cancel, resend
from cases.outbound.outcomes import note_answered
from cases.outbound.recipients import BadRecipients, check_recipients, find_answered
from cases.outbound.reply_rows import (
    CannotReply,
    NewAttachment,
    People,
    addresses_of,
    check_attachments,
    checked_text,
    let_take_part,
    write_attachments,
    write_reply,
)
from routing.models import RoutingAddress

__all__ = [
    "CannotReply",
    "NewAttachment",
    "SendingNotAllowed",
    "SentBefore",
    "Unseen",
    "cancel_reply",
    "discard_draft",
    "reply_to_case",
    "send_again",
]


class SendingNotAllowed(PermissionError):
    """The author may not send this; the message says why. The refusal is recorded."""


class Unseen(RuntimeError):
    """Something came into the case that the author has not seen; nothing was sent."""


class SentBefore(RuntimeError):
    """The key of this reply was used for another one already, or for one that was taken back."""


def reply_to_case(
    *,
    case: Case,
    author: User,
    send_from: RoutingAddress,
    to: Sequence[str],
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    subject: str | None = None,
    text: str,
    html: str = "",
    attachments: Sequence[NewAttachment] = (),
    now: datetime,
    key: str = "",
    last_seen: int | None = None,
) -> EmailMessage:
    """Queue one reply. It leaves E2C_UNDO_SECONDS later, unless `cancel_reply` was faster.

    `to`, `cc` and `bcc` hold one address each, with or without a name. `key` is made with the form: the same reply
    under the same key is one mail, however often it is submitted; "" for callers that call once. `last_seen` is the id
    of the newest message the author had on the page (0: the case showed none; None: nobody looked).
    Must not be called inside a transaction, so that a refusal is kept whatever the caller does.
    """
    answer = permission_to_send(author, send_from, case=case, at=now)
    if not answer.allowed:
        record_decision(answer, stage=SendDecision.Stage.USE_CASE, user=author, address=send_from, case=case)
        raise SendingNotAllowed(answer.because)
    text = checked_text(text)
    check_attachments(attachments)
    try:
        people = check_recipients(to, cc, bcc)
    except BadRecipients as error:
        raise CannotReply(str(error), field=error.role.value) from error
    stored_files = blobs.put_many(file.content for file in attachments)
    outbox_key = _outbox_key(key, author=author, case=case)
    with transaction.atomic():
        # The lock makes two submits, in one tab or two, come one after the other.
        case = Case.objects.select_for_update(of=("self",)).select_related("merged_into").get(pk=case.pk)
        if case.merged_into is not None:
            number = case.merged_into.number_text
            raise CannotReply(_("This case was joined to case %(number)s. Answer there.") % {"number": number})
        if sent := _sent_under(outbox_key):
            _check_same(sent, text=text, people=people, send_from=send_from)
            return sent
        if last_seen is not None and EmailMessage.objects.filter(case=case, pk__gt=last_seen).exists():
            raise Unseen(_("Something new came into this case since you opened it. Nothing was sent: look first."))
        answered = find_answered(case, addresses_of(people))
        message = write_reply(
            case, author, send_from, people, answered, subject=subject, text=text, html=html, now=now, key=outbox_key
        )
        write_attachments(message, attachments, stored_files)
        outbox = Outbox.objects.create(
            key=outbox_key,
            kind=Outbox.Kind.REPLY,
            case=case,
            email_message=message,
            answers_id=answered.message.inbound_email_id if answered else None,
            from_address=send_from,
            recipient=people[EmailAddress.Role.TO][0].address,
            subject=message.subject,
            message_identifier=message.message_identifier,
            not_before=now + timedelta(seconds=settings.E2C_UNDO_SECONDS),
        )
        record_decision(
            answer, stage=SendDecision.Stage.USE_CASE, user=author, address=send_from, case=case, outbox=outbox
        )
        words = _("to %(people)s from %(address)s") % {
            "people": ", ".join(addresses_of(people)),
            "address": send_from.email_address,
        }
        note_answered(outbox, answered.message if answered else None, by=author, because=words, now=now)
        let_take_part(case, people)
    return message


def cancel_reply(message: EmailMessage, *, by: User) -> None:
    """Take a reply back while it waits; its text stays as a draft. Raises CannotCancel, and SendingNotAllowed for
    somebody who could not have written it.
    """
    cancel(_outbox_for(message, by=by), by=by)


def send_again(message: EmailMessage, *, by: User) -> None:
    """A person sends a failed or uncertain reply once more. Raises CannotResend and SendingNotAllowed. The worker asks
    for the author's permission again.
    """
    resend(_outbox_for(message, by=by), by=by)


@transaction.atomic
def discard_draft(message_id: int, *, case: Case, by: User) -> None:
    """Delete the author's own draft: it was sent as another mail. The row of the Outbox stays as history."""
    drafts = EmailMessage.objects.filter(
        pk=message_id, case=case, created_by=by, incoming=False, status=EmailMessage.Status.DRAFT
    )
    for draft in drafts:
        Outbox.objects.filter(email_message=draft, state=Outbox.State.CANCELLED).update(email_message=None)
        draft.delete()


def _outbox_for(message: EmailMessage, *, by: User) -> Outbox:
    if refusal := refusal_of_user(by, case=message.case):
        raise SendingNotAllowed(refusal.because)
    return Outbox.objects.get(email_message=message, kind=Outbox.Kind.REPLY)


def _outbox_key(key: str, *, author: User, case: Case) -> str:
    """Of one author and one case, so that nobody can block or find out another's key."""
    if not key:
        return f"reply:{secrets.token_hex(16)}"
    return "reply:" + hashlib.sha256(f"{author.pk}:{case.pk}:{key}".encode()).hexdigest()[:48]


def _sent_under(outbox_key: str) -> EmailMessage | None:
    """The reply of this key. Raises SentBefore when it was taken back: to send it after all is a new decision."""
    outbox = Outbox.objects.select_related("email_message__case").filter(key=outbox_key).first()
    if outbox is None:
        return None
    if outbox.state == Outbox.State.CANCELLED or outbox.email_message is None:
        raise SentBefore(_("You took this reply back. Send it again if you want it to leave after all."))
    return outbox.email_message


def _check_same(sent: EmailMessage, *, text: str, people: People, send_from: RoutingAddress) -> None:
    """Raises SentBefore when the form was changed after it was sent: the change must not get lost in silence."""
    before = {(each.role, each.address) for each in sent.addresses.all() if each.role != EmailAddress.Role.REPLY_TO}
    now = {(role, person.address) for role, persons in people.items() for person in persons}
    if (sent.reply_text, sent.from_address, before) != (text, send_from.email_address, now):
        raise SentBefore(
            _("This reply was sent already, without your last changes. Send again to send it as another mail.")
        )
