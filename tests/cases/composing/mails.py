"""Composed mail and what the mail server's ledger holds of it."""

from __future__ import annotations

from datetime import timedelta
from email.message import Message
from typing import Any

import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from cases.blobs import put
from cases.models import Attachment, Case, Draft, EmailMessage
from cases.outbound.composed import Composed
from cases.outbound.delivery import deliver_due
from cases.outbound.drafts import Typed, open_draft
from cases.outbound.sending import queue_mail
from routing.models import RoutingAddress

CUSTOMER = "casey@example.net"
FRIEND = "expert@supplier.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def compose(
    mode: Draft.Mode, case: Case | None, author: User, send_from: RoutingAddress, **fields: Any
) -> EmailMessage:
    values = {"to": [CUSTOMER], "text": "It left us today."} | fields
    now = values.pop("now", None) or timezone.now()
    return queue_mail(mode=mode, case=case, author=author, composed=Composed(send_from=send_from, **values), now=now)


def draft_of(author: User, case: Case | None, mode: Draft.Mode = Draft.Mode.REPLY, **typed: Any) -> Draft:
    answers = typed.pop("answers", None)
    key = typed.pop("key", "")
    return open_draft(author=author, case=case, mode=mode, answers=answers, typed=Typed(**typed), key=key)


def attach(message: EmailMessage, name: str, content: bytes, **fields: Any) -> Attachment:
    values = {"declared_type": "application/pdf", "content_type": "application/pdf"} | fields
    attachment: Attachment = Attachment.objects.create(
        email_message=message, blob=put(content), position=message.attachments.count(), file_name=name, **values
    )
    return attachment


def deliver_all(after: timedelta = timedelta(seconds=1)) -> None:
    with time_machine.travel(timezone.now() + after):
        while deliver_due():
            pass


def parts_of(message: Message, kind: str) -> list[Message]:
    return [part for part in message.walk() if part.get_content_type() == kind]


def text_of(message: Message, kind: str = "text/plain") -> str:
    payload = parts_of(message, kind)[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def shape_of(message: Message) -> Any:
    """The tree of types: ("multipart/mixed", [...]) or "text/plain"."""
    if not message.is_multipart():
        return message.get_content_type()
    return message.get_content_type(), [shape_of(part) for part in message.get_payload()]  # type: ignore[union-attr,arg-type]
