"""An approver changes the words of a mail before it leaves. Its author stays its author; what was changed is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.mail_html import snippet_of
from cases.models import EmailMessage, Outbox
from cases.outbound.composed import CannotReply
from cases.outbound.quoting import other_subject, without_token, words_as_html
from cases.outbound.rewording import differences, reworded_html
from cases.outbound.words import read_words
from cases.search_index import index_messages

__all__ = ["MOST_CHANGED", "OtherWords", "differs", "reword"]

MOST_CHANGED = 30_000  # characters of a mail that an approver can change on the page of its case


@dataclass(frozen=True, slots=True)
class OtherWords:
    """The words of the author's part, and the subject without its token, as the approver wants them."""

    subject: str
    text: str


def differs(message: EmailMessage, words: OtherWords) -> bool:
    """Raises CannotReply for words that cannot be sent."""
    text = _text_of(words)
    if not text and message.reply_text.strip():
        raise CannotReply(_("Write something to send."), field="text")
    subject = other_subject(message.subject, words.subject or without_token(message.subject))
    return text != message.reply_text.strip() or subject != message.subject


def reword(outbox: Outbox, words: OtherWords, *, by: User) -> dict[str, Any]:
    """Write the mail anew, in the caller's transaction, which has locked it; returns what changed. The worker asks for
    the permission of both from now on.
    """
    message = outbox.email_message
    if message is None:
        raise ValueError("A mail of a person has a message.")
    was, text = message.reply_text.strip("\n"), _text_of(words)
    changes: dict[str, Any] = {}
    subject = other_subject(message.subject, words.subject or without_token(message.subject))
    if subject != message.subject:
        changes["subject"] = differences(without_token(message.subject), without_token(subject))
        message.subject = outbox.subject = subject
    if text != was.strip():
        changes["text"] = differences(was, text)
        _write_text(outbox, message, was, text)
    message.save(update_fields=["subject", "text_body", "html_body", "reply_text", "snippet"])
    outbox.requested_by = by
    outbox.save(update_fields=["subject", "composed", "requested_by"])
    index_messages([message.pk])
    return changes


def _write_text(outbox: Outbox, message: EmailMessage, was: str, text: str) -> None:
    """The author's words stand first in both parts of a mail (cases.outbound.quoting); what is below them stays."""
    written = str(outbox.composed.get("html") or "")
    html = reworded_html(written, text) if written else words_as_html(text)
    shown = f"<div>{written or words_as_html(was)}</div>" if was or written else ""
    if not message.text_body.startswith(was) or not message.html_body.startswith(shown if message.html_body else ""):
        raise CannotReply(_("This mail cannot be changed here. Reject it, and say what to change."))
    below = message.text_body[len(was) :]
    message.text_body = text + below if was else f"{text}\n\n{below}"
    if message.html_body:
        below = message.html_body[len(shown) :]
        message.html_body = f"<div>{html}</div>{below}" if shown else f"<div>{html}</div><br>{below}"
    message.reply_text, message.snippet = text, snippet_of(text)
    if written:
        outbox.composed = outbox.composed | {"html": html}


def _text_of(words: OtherWords) -> str:
    return read_words(words.text, "", formatted=False, pictures={}).text
