"""The one way by which a person's mail enters the Outbox: reply, forward and new mail all come through `queue_mail`.

Permission, mail and intent stand in one transaction; the worker sends it after the undo window, or at the time that
was chosen, or after somebody approved it. What a caller has to fear is an exception, and every one of them means that
nothing was written: SendingNotAllowed (kept as a SendDecision), CannotReply (something in the mail), Unseen (look
first), SentBefore (the key was used).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import blobs
from cases.lifecycle import closed_status
from cases.models import Case, Draft, EmailAddress, EmailMessage, Outbox, SendDecision
from cases.outbound.allowed_senders import permission_to_send, record_decision
from cases.outbound.approvals import ask_for_approval
from cases.outbound.closing import close_with
from cases.outbound.composed import LATEST, CannotReply, Composed, SendingNotAllowed, SentBefore, Unseen
from cases.outbound.contents import decide_contents, draft_of, words_of
from cases.outbound.locking import lock_case_of
from cases.outbound.new_cases import open_case_for
from cases.outbound.outcomes import set_out
from cases.outbound.recipients import BadRecipients, check_recipients
from cases.outbound.reply_rows import People, check_attachments, write_mail
from cases.outbound.words import Words
from routing.approval_rules import approval_required_because
from routing.models import EmailToCaseSettings

__all__ = ["check_beforehand", "queue_mail"]

Mode = Draft.Mode
NOTHING_WRITTEN = gettext_lazy("Write something to send.")


def queue_mail(
    *, mode: Draft.Mode, case: Case | None, author: User, composed: Composed, now: datetime
) -> EmailMessage:
    """Queue one mail. `case` is None for a new mail alone: it opens one, which its author owns.

    Must not be called inside a transaction, so that a refusal is kept whatever the caller does.
    """
    answer = permission_to_send(author, composed.send_from, case=case, at=now)
    if not answer.allowed:
        record_decision(answer, stage=SendDecision.Stage.USE_CASE, user=author, address=composed.send_from, case=case)
        raise SendingNotAllowed(answer.because)
    people = check_beforehand(mode, composed, now=now)
    stored = blobs.put_many(file.content for file in composed.attachments)
    key, typed = _outbox_key(composed.key, author=author, case=case), _what_was_typed(mode, composed, people)
    opens_case = case is None
    try:
        with transaction.atomic():
            case = _locked(case) if case is not None else None
            organisation = EmailToCaseSettings.load()
            draft, in_draft = draft_of(composed, author)
            words = words_of(composed, in_draft, organisation)
            if sent := _sent_under(key, typed):
                if composed.closes:
                    _close_too(sent, by=author, now=now)
                return sent
            if composed.draft is not None and draft is None:
                raise CannotReply(
                    _("The draft of this mail was sent or discarded in another window. Add its files again.")
                )
            if words.is_empty and mode != Mode.FORWARD:
                raise CannotReply(NOTHING_WRITTEN, field="text")
            if case is not None:
                _check_seen(case, composed.last_seen)
            else:
                case = open_case_for(author, composed.send_from, people, subject=composed.subject or "", now=now)
            mail, about = decide_contents(
                mode, case, composed, people, words, in_draft=in_draft, stored=stored, organisation=organisation
            )
            message = write_mail(case, author, composed.send_from, mail, now=now, key=key)
            outbox = _write_outbox(mode, message, about, composed, words, now=now, key=key, typed=typed)
            record_decision(
                answer,
                stage=SendDecision.Stage.USE_CASE,
                user=author,
                address=composed.send_from,
                case=case,
                outbox=outbox,
            )
            if because := approval_required_because(author, composed.send_from, case.record_type, at=now):
                ask_for_approval(outbox, because=because, by=author, now=now)
            else:
                set_out(outbox, by=author, now=now)
            if draft is not None:
                draft.delete()
    except IntegrityError:
        # Two submits of one new mail: there is no case yet that could be locked, so the unique key decides.
        sent = _sent_under(key, typed) if opens_case else None
        if sent is None:
            raise
        return sent
    return message


def _write_outbox(
    mode: Draft.Mode,
    message: EmailMessage,
    about: EmailMessage | None,
    composed: Composed,
    words: Words,
    *,
    now: datetime,
    key: str,
    typed: str,
) -> Outbox:
    first = next(each.address for each in message.addresses.all() if each.role == EmailAddress.Role.TO)
    return Outbox.objects.create(
        key=key,
        kind=Outbox.Kind.REPLY,
        case=message.case,
        email_message=message,
        answers_id=about.inbound_email_id if about and mode != Mode.FORWARD else None,
        from_address=composed.send_from,
        recipient=first,
        subject=message.subject,
        message_identifier=message.message_identifier,
        composed={
            "mode": str(mode),
            "answers": about.pk if about else None,
            "html": words.html,
            "answers_join": composed.answers_join,
            "typed": typed,
        },
        is_scheduled=composed.send_at is not None,
        closes_case=composed.closes,
        not_before=composed.send_at or now + timedelta(seconds=settings.E2C_UNDO_SECONDS),
    )


# --- checks ----------------------------------------------------------------------------------------------------------


def check_beforehand(mode: Draft.Mode, composed: Composed, *, now: datetime) -> dict[EmailAddress.Role, Any]:
    """What is wrong with a mail whatever the case holds, as CannotReply. Returns its recipients. Two queries at
    most.
    """
    check_attachments(composed.attachments)
    _check_time(composed.send_at, now)
    if composed.closes and closed_status() is None:
        raise CannotReply(_("No status closes a case. An administrator can add one."))
    if mode != Mode.FORWARD and not composed.text.strip() and not composed.html.strip():
        raise CannotReply(NOTHING_WRITTEN, field="text")
    return _checked_people(composed)


def _check_time(send_at: datetime | None, now: datetime) -> None:
    if send_at is None:
        return
    if send_at <= now:
        raise CannotReply(_("This time is over. Choose a later one, or send now."), field="send_at")
    if send_at > now + LATEST:
        raise CannotReply(_("Choose a time within a year."), field="send_at")


def _checked_people(composed: Composed) -> dict[EmailAddress.Role, Any]:
    try:
        return check_recipients(composed.to, composed.cc, composed.bcc)
    except BadRecipients as error:
        raise CannotReply(str(error), field=error.role.value) from error


def _locked(case: Case) -> Case:
    """The lock makes two submits, in one tab or two, come one after the other."""
    # By its key alone: a query that waited for the lock sees joined rows as they were before, and misses a merge.
    locked = Case.objects.select_for_update().get(pk=case.pk)
    if locked.merged_into is not None:
        number = locked.merged_into.number_text
        raise CannotReply(_("This case was joined to case %(number)s. Answer there.") % {"number": number})
    return locked


def _check_seen(case: Case, last_seen: int | None) -> None:
    if last_seen is not None and EmailMessage.objects.filter(case=case, pk__gt=last_seen).exists():
        raise Unseen(_("Something new came into this case since you opened it. Nothing was sent: look first."))


def _outbox_key(key: str, *, author: User, case: Case | None) -> str:
    """Of one author and one case, so that nobody can block or find out another's key."""
    if not key:
        return f"reply:{secrets.token_hex(16)}"
    about = case.pk if case is not None else "new"
    return "reply:" + hashlib.sha256(f"{author.pk}:{about}:{key}".encode()).hexdigest()[:48]


def _what_was_typed(mode: Draft.Mode, composed: Composed, people: People) -> str:
    """One word for all that the author chose, to tell the same form from a changed one. As it was handed over: a
    draft, with the files in it, is gone when the form comes a second time.
    """
    chosen = [
        str(mode),
        composed.send_from.email_address,
        sorted((str(role), person.address) for role, persons in people.items() for person in persons),
        composed.subject or "",
        composed.text,
        composed.html,
        [file.stands_for or hashlib.sha256(file.content).hexdigest() for file in composed.attachments],
        sorted(composed.kept) if composed.kept is not None else None,
        composed.answers_join,
        composed.send_at.isoformat() if composed.send_at else "",
    ]
    return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()[:32]


def _sent_under(outbox_key: str, typed: str) -> EmailMessage | None:
    """The mail of this key. Raises SentBefore when it was taken back: to send it after all is a new decision; and when
    the form was changed after it was sent: the change must not get lost in silence.
    """
    outbox = Outbox.objects.select_related("email_message__case").filter(key=outbox_key).first()
    if outbox is None:
        return None
    if outbox.state == Outbox.State.CANCELLED or outbox.email_message is None:
        raise SentBefore(_("You took this reply back. Send it again if you want it to leave after all."))
    if outbox.composed.get("typed") != typed:
        raise SentBefore(
            _("This reply was sent already, without your last changes. Send again to send it as another mail.")
        )
    return outbox.email_message


def _close_too(message: EmailMessage, *, by: User, now: datetime) -> None:
    """The form came a second time, by the button that closes the case as well: it stays one mail, the case closes."""
    outbox = message.outbox
    lock_case_of(outbox)
    if outbox.closes_case:
        return
    Outbox.objects.filter(pk=outbox.pk).update(closes_case=True)
    has_set_out = outbox.state in (Outbox.State.SENDING, Outbox.State.SENT) or (
        outbox.state == Outbox.State.QUEUED and not outbox.is_scheduled
    )
    if has_set_out:
        close_with(outbox, by=by, now=now)
