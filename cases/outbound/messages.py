"""An Outbox row becomes a Django EmailMessage, checked to the last byte before anything is handed over."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage as DjangoEmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cases.models import Outbox
from cases.outbound.composing import automatic_headers, bracketed, one_line, sender_header, split_sender
from routing.addresses import normalise_address

__all__ = ["CannotCompose", "compose", "written_out"]


class CannotCompose(ValueError):
    """This row can never become a mail; the message says why."""


def compose(outbox: Outbox, connection: BaseEmailBackend) -> DjangoEmailMessage:
    """The mail of a notice. Raises CannotCompose. The row's key goes along as `e2c_idempotency_key`.

    The mail is written out once as a trial: what is wrong with it shows before the hand-over, not in the middle of it.
    """
    if not outbox.message_identifier:
        raise CannotCompose("The row has no Message-ID.")
    if normalise_address(split_sender(settings.E2C_SYSTEM_FROM)[1]) is None:
        raise CannotCompose("E2C_SYSTEM_FROM is not an address that mail can come from.")
    message = DjangoEmailMessage(
        subject=one_line(outbox.subject),
        body=outbox.text_body,
        from_email=sender_header(settings.E2C_SYSTEM_FROM),
        to=[outbox.recipient],
        headers={"Message-ID": bracketed(outbox.message_identifier)}
        | automatic_headers(answers_a_mail=outbox.answers_id is not None),
        connection=connection,
    )
    message.e2c_idempotency_key = outbox.key  # type: ignore[attr-defined]
    try:
        written_out(message)
    except (ValueError, LookupError, TypeError) as error:  # BadHeaderError and UnicodeError are ValueErrors
        raise CannotCompose(f"The mail could not be written: {error}") from error
    return message


def written_out(message: DjangoEmailMessage) -> bytes:
    """The mail as it goes over the wire, before dots are doubled."""
    mime: Any = (
        message.message()
    )  # Django's own as_bytes takes a line end, the type of the standard library's does not
    content: bytes = mime.as_bytes(linesep="\r\n")
    return content
