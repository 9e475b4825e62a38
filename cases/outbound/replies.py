"""Answer a case, pass a mail on, write first: what people do with mail, by name. See cases.outbound.sending for what
all of them promise and raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User

from cases.models import Case, Draft, EmailMessage
from cases.outbound.composed import CannotReply, Composed, NewAttachment, SendingNotAllowed, SentBefore, Unseen
from cases.outbound.sending import queue_mail
from cases.outbound.taking_back import cancel_reply, send_again
from routing.models import RoutingAddress

__all__ = [
    "CannotReply",
    "Composed",
    "NewAttachment",
    "SendingNotAllowed",
    "SentBefore",
    "Unseen",
    "cancel_reply",
    "forward_mail",
    "reply_to_case",
    "send_again",
    "write_new_mail",
]


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
    closes: bool = False,
) -> EmailMessage:
    """Queue one reply. It leaves E2C_UNDO_SECONDS later, unless `cancel_reply` was faster."""
    composed = Composed(
        send_from=send_from,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=subject,
        text=text,
        html=html,
        attachments=attachments,
        key=key,
        last_seen=last_seen,
        closes=closes,
    )
    return queue_mail(mode=Draft.Mode.REPLY, case=case, author=author, composed=composed, now=now)


def forward_mail(*, case: Case, author: User, composed: Composed, now: datetime) -> EmailMessage:
    """Pass `composed.answers`, a mail of the case, on to somebody else."""
    return queue_mail(mode=Draft.Mode.FORWARD, case=case, author=author, composed=composed, now=now)


def write_new_mail(*, author: User, composed: Composed, now: datetime) -> EmailMessage:
    """Write first: it opens a case that its author owns."""
    return queue_mail(mode=Draft.Mode.NEW, case=None, author=author, composed=composed, now=now)
