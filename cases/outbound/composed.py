"""What a person hands over to be sent, and what the use cases may answer instead of sending it. No rules here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise

from cases.models import EmailMessage
from routing.models import EmailTemplate, RoutingAddress

__all__ = ["LATEST", "CannotReply", "Composed", "NewAttachment", "SendingNotAllowed", "SentBefore", "Unseen"]

LATEST = timedelta(days=366)  # how far ahead a mail can be written


class SendingNotAllowed(PermissionError):
    """The author may not send this; the message says why. The refusal is recorded."""


class Unseen(RuntimeError):
    """Something came into the case that the author has not seen; nothing was sent."""


class SentBefore(RuntimeError):
    """The key of this mail was used for another one already, or for one that was taken back."""


class CannotReply(ValueError):
    """Something in the mail itself is missing or too much. `field` names the form field it is about, "" for none."""

    def __init__(self, message: str | Promise, *, field: str = "") -> None:
        super().__init__(str(message))
        self.field = field


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """`stands_for`: what the author chose, of a file that was made from it with the time in it, so that a second click
    is known as the same; "" for all others, whose content is what was chosen.
    """

    file_name: str
    content_type: str  # as the browser says
    content: bytes
    stands_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """One mail as its author wants it.

    `to`, `cc` and `bcc` hold one address each, with or without a name. `key` is made with the form: the same mail
    under the same key is one mail, however often it is submitted; "" for callers that call once. `last_seen` is the id
    of the newest message the author had on the page (0: the case showed none; None: nobody looked). `draft`: the
    author's draft it was written in; its files go along, and it ends with the mail.
    """

    send_from: RoutingAddress
    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    subject: str | None = None  # None or empty: the subject of the case
    text: str = ""
    html: str = ""  # of the editor; the text is then made from it
    attachments: Sequence[NewAttachment] = ()
    draft: int | None = None
    answers: EmailMessage | None = None  # the mail that is answered or forwarded, where the author chose one
    kept: Collection[int] | None = None  # of a forwarded mail: keys of the files that go along; None: all
    answers_join: bool = False  # of a forward: its recipients may answer into the case
    template: EmailTemplate | None = None
    send_at: datetime | None = None  # None: after the undo window
    closes: bool = False  # the case closes when the mail sets out
    key: str = ""
    last_seen: int | None = None
