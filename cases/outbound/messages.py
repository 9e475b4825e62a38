"""An Outbox row becomes a Django EmailMessage, checked to the last byte before anything is handed over."""

from __future__ import annotations

import re
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.utils import formataddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage as DjangoEmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cases.blobs import open_blob
from cases.file_names import safe_file_name
from cases.models import Attachment, EmailAddress, EmailMessage, Outbox
from cases.outbound.composing import automatic_headers, bracketed, one_line, sender_header, split_sender
from cases.outbound.pictures import MailWithPictures, mark_as_picture
from routing.addresses import normalise_address
from routing.models import RoutingAddress

__all__ = ["ITIP_REPLY", "CannotCompose", "compose", "written_out"]

# What would be read as a mail inside the mail, or as several files; sent as plain bytes instead.
NOT_A_FILE = ("message", "multipart")
# The answer to an invitation. RFC 6047 section 2.4: the method stands in the Content-Type as well.
ITIP_REPLY = "text/calendar; method=REPLY"
_TYPE = re.compile(r"([a-z]{1,20})/([a-z0-9][a-z0-9!#$&^_.+-]{0,100})(?:$|;)")


class CannotCompose(ValueError):
    """This row can never become a mail; the message says why."""


def compose(outbox: Outbox, connection: BaseEmailBackend) -> DjangoEmailMessage:
    """The mail of a row. Raises CannotCompose, and OSError while the storage does not give its files. The row's key
    goes along as `e2c_idempotency_key`.

    The mail is written out once as a trial: what is wrong with it shows before the hand-over, not in the middle of it.
    """
    if not outbox.message_identifier:
        raise CannotCompose("The row has no Message-ID.")
    try:
        if outbox.email_message is not None:
            message = _written_mail(outbox, outbox.email_message, connection)
        else:
            message = _notice(outbox)
        message.connection = connection
        message.e2c_idempotency_key = outbox.key  # type: ignore[attr-defined]
        written_out(message)
    except (ValueError, LookupError, TypeError) as error:  # BadHeaderError and UnicodeError are ValueErrors
        raise CannotCompose(f"The mail could not be written: {error}") from error
    return message


def _notice(outbox: Outbox) -> DjangoEmailMessage:
    return DjangoEmailMessage(
        subject=one_line(outbox.subject),
        body=outbox.text_body,
        from_email=_sender(outbox.from_address),
        to=[outbox.recipient],
        headers={"Message-ID": bracketed(outbox.message_identifier)}
        | automatic_headers(answers_a_mail=outbox.answers_id is not None),
    )


def _sender(address: RoutingAddress | None) -> str:
    """None: the system. A test mail comes from the address that it tests."""
    if address is not None:
        return _mailbox(address.display_name, address.email_address)
    if normalise_address(split_sender(settings.E2C_SYSTEM_FROM)[1]) is None:
        raise CannotCompose("E2C_SYSTEM_FROM is not an address that mail can come from.")
    return sender_header(settings.E2C_SYSTEM_FROM)


def _written_mail(outbox: Outbox, written: EmailMessage, connection: BaseEmailBackend) -> DjangoEmailMessage:
    """What the use case wrote, as it wrote it; an automatic answer with the marks of one."""
    people: dict[str, list[str]] = {role: [] for role in EmailAddress.Role.values}
    for each in written.addresses.all():
        people[each.role].append(_mailbox(each.name, each.address))
    headers = {"Message-ID": bracketed(outbox.message_identifier)}
    if written.in_reply_to:
        headers["In-Reply-To"] = bracketed(written.in_reply_to)
    if written.references:
        headers["References"] = " ".join(map(bracketed, written.references.split()))
    if outbox.kind in (Outbox.Kind.AUTO, Outbox.Kind.SURVEY):
        headers |= automatic_headers(answers_a_mail=outbox.kind == Outbox.Kind.AUTO)
    message = MailWithPictures(
        subject=one_line(written.subject),
        body=written.text_body,
        from_email=_mailbox(written.from_name, written.from_address),
        to=people[EmailAddress.Role.TO],
        cc=people[EmailAddress.Role.CC],
        bcc=people[EmailAddress.Role.BCC],
        reply_to=people[EmailAddress.Role.REPLY_TO],
        headers=headers,
    )
    has_own_service = outbox.from_address is not None and outbox.from_address.connection_id is not None
    is_automatic = outbox.kind in (Outbox.Kind.AUTO, Outbox.Kind.SURVEY)
    if is_automatic and not hasattr(connection, "esp_name") and not has_own_service:
        # RFC 3834 section 3.3: what comes back must not reach an address that answers by itself. Providers' APIs have
        # a return path of their own, and an account of a connection sends as itself alone.
        message.envelope_sender = split_sender(settings.E2C_SYSTEM_FROM)[1]  # type: ignore[attr-defined]
    if written.html_body:
        message.attach_alternative(written.html_body, "text/html")
    for attachment in written.attachments.select_related("blob"):
        # Calendar programs look for an answer among the forms of the text. Providers' APIs take no third form beside
        # text and HTML (Anymail's backends say who they are): there it goes as a file, which most programs open too.
        if attachment.declared_type == ITIP_REPLY and not hasattr(connection, "esp_name"):
            message.attach_alternative(_content_of(attachment).decode("utf-8", "replace"), ITIP_REPLY)
        elif attachment.content_id and written.html_body:
            message.attach(mark_as_picture(_file(attachment), attachment.content_id))
        else:
            message.attach(_file(attachment))
    return message


def _mailbox(name: str, address: str) -> str:
    """`Name <address>`; a name that itself looks like an address is left out, for some programs would read that."""
    name = one_line(name, limit=100)
    return formataddr((name, address), charset="utf-8") if name and "@" not in name else address


def _file(attachment: Attachment) -> MIMEBase:
    """The exact bytes: Django's own attachments of text would change line ends."""
    kind = _TYPE.match(attachment.content_type)
    main, sub = kind.groups() if kind and kind[1] not in NOT_A_FILE else ("application", "octet-stream")
    part = MIMEBase(main, sub)
    part.set_payload(_content_of(attachment))
    encode_base64(part)
    name = one_line(safe_file_name(attachment.file_name, f"attachment-{attachment.position + 1}"), limit=150)
    part.add_header("Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name))
    return part


def _content_of(attachment: Attachment) -> bytes:
    try:
        with open_blob(attachment.blob) as stream:
            return stream.read()
    except FileNotFoundError as error:
        raise CannotCompose(f"The file {attachment.file_name} is not in the storage.") from error


def written_out(message: DjangoEmailMessage) -> bytes:
    """The mail as it goes over the wire, before dots are doubled."""
    mime: Any = (
        message.message()
    )  # Django's own as_bytes takes a line end, the type of the standard library's does not
    content: bytes = mime.as_bytes(linesep="\r\n")
    return content
