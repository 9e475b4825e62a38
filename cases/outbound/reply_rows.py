"""The rows of a reply: message, addresses, files, participants. Called by the use case, which has the permission."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from cases.file_names import safe_file_name
from cases.file_types import detect_type
from cases.mail_html import safe_html, snippet_of
from cases.mail_html.text import clean_text
from cases.message_ids import hash_of
from cases.models import Attachment, Blob, Case, EmailAddress, EmailMessage, Participant
from cases.outbound.composing import domain_of_sender, one_line
from cases.outbound.quoting import ReplyBody, header_id, reference_chain, reply_subject, written_html, written_text
from cases.outbound.recipients import Answered
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id, reply_address, token_mark
from routing.addresses import MailAddress
from routing.models import EmailToCaseSettings, RoutingAddress

LONGEST_TEXT = 500_000  # characters
MOST_ATTACHMENTS = 20
# All files of one mail. In base64 a third more, and mail systems refuse mails of more than 25 to 35 MB.
MOST_ATTACHED_BYTES = 18 * 1024 * 1024

Role = EmailAddress.Role
People = Mapping[EmailAddress.Role, Sequence[MailAddress]]


class CannotReply(ValueError):
    """Something in the mail itself is missing or too much. `field` names the form field it is about, "" for none."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class NewAttachment:
    file_name: str
    content_type: str  # as the browser says
    content: bytes


def checked_text(text: str) -> str:
    """The words of the rep with plain line ends. Raises CannotReply when there are none, or far too many."""
    text = clean_text(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))
    text = text.strip()
    if not text:
        raise CannotReply(_("Write something to send."), field="text")
    if len(text) > LONGEST_TEXT:
        raise CannotReply(
            _("The text has %(count)d characters; a mail takes at most %(most)d.")
            % {"count": len(text), "most": LONGEST_TEXT},
            field="text",
        )
    return text


def check_attachments(attachments: Sequence[NewAttachment]) -> None:
    """Raises CannotReply for more than mail systems take."""
    if len(attachments) > MOST_ATTACHMENTS:
        words = _("At most %(most)d files go with one mail.") % {"most": MOST_ATTACHMENTS}
        raise CannotReply(words, field="attachments")
    if sum(len(file.content) for file in attachments) > MOST_ATTACHED_BYTES:
        words = _("All files of a mail together may have %(most)d MB.")
        raise CannotReply(words % {"most": MOST_ATTACHED_BYTES // (1024 * 1024)}, field="attachments")


def addresses_of(people: People) -> list[str]:
    return [person.address for persons in people.values() for person in persons]


def ids_above(message: EmailMessage) -> list[str]:
    """The thread above a mail: its References, else the one id of its In-Reply-To (RFC 5322 section 3.6.4)."""
    answers = message.in_reply_to.split()
    return message.references.split() or (answers if len(answers) == 1 else [])


def write_reply(
    case: Case,
    author: User,
    send_from: RoutingAddress,
    people: People,
    answered: Answered | None,
    *,
    subject: str | None,
    text: str,
    html: str,
    now: datetime,
    key: str,
) -> EmailMessage:
    """The message as it will leave, to the letter: what is sent later is what stands here."""
    keys = signing_keys()
    organisation = EmailToCaseSettings.load()
    mark = token_mark(case.pk, keys)
    body = ReplyBody(
        signature=send_from.signature,
        token_mark=mark if organisation.token_in_body else "",
        **(_quote(answered.message, send_from) if answered and answered.may_be_quoted else {}),
    )
    identifier = new_message_id(case.pk, domain_of_sender(send_from.email_address), keys)
    answered_id = header_id(answered.message.message_identifier) if answered else ""
    references = reference_chain(ids_above(answered.message), answered_id) if answered else []
    message = EmailMessage.objects.create(
        case=case,
        incoming=False,
        status=EmailMessage.Status.QUEUED,
        from_address=send_from.email_address,
        from_name=one_line(send_from.display_name, limit=100),
        subject=reply_subject(
            (subject or "").strip() or case.subject, token_mark=mark if organisation.token_in_subject else ""
        ),
        text_body=written_text(text, body),
        html_body=written_html(safe_html(html, inline_urls={}).html, body) if html.strip() else "",
        reply_text=text,
        snippet=snippet_of(text),
        message_identifier=identifier,
        message_identifier_hash=hash_of(identifier),
        in_reply_to=answered_id,
        in_reply_to_hash=hash_of(answered_id),
        references=" ".join(references),
        message_date=now,
        received_at=now,
        created_by=author,
        idempotency_key=key,
    )
    answers_to = MailAddress(
        one_line(send_from.display_name, limit=100), reply_address(send_from.email_address, case.pk, keys)
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(email_message=message, role=role, address=person.address, name=person.name)
        for role, persons in {**people, Role.REPLY_TO: [answers_to]}.items()
        for person in persons
    )
    return message


def _quote(answered: EmailMessage, send_from: RoutingAddress) -> dict[str, str]:
    """The new part of the answered mail. Only text: nothing of its HTML, its pictures or our notes goes out."""
    with translation.override(send_from.language or settings.LANGUAGE_CODE):
        # In the zone of the organisation: the customer's is not known, the rep's says nothing to the customer.
        at = timezone.localtime(answered.received_at, timezone.get_default_timezone())
        attribution = _("On %(day)s at %(time)s, %(who)s wrote:") % {
            "day": formats.date_format(at, "j F Y"),
            "time": at.strftime("%H:%M %Z"),
            "who": one_line(answered.from_name or answered.from_address, limit=100),
        }
    return {"attribution": attribution, "quoted": clean_text(answered.reply_text or answered.text_body)}


def write_attachments(message: EmailMessage, attachments: Sequence[NewAttachment], stored: Mapping[str, Blob]) -> None:
    """`stored`: the blobs by the SHA-256 of their content."""
    Attachment.objects.bulk_create(
        Attachment(
            email_message=message,
            blob=stored[hashlib.sha256(file.content).hexdigest()],
            position=position,
            file_name=one_line(safe_file_name(file.file_name, f"attachment-{position + 1}"), limit=150),
            declared_type=one_line(file.content_type, limit=127),
            content_type=detect_type(file.content, file.file_name, file.content_type)[:127],
        )
        for position, file in enumerate(attachments)
    )


def let_take_part(case: Case, people: People) -> None:
    """Whom a rep writes to by hand, openly, takes part in the case from now on."""
    open_to = [*people.get(Role.TO, ()), *people.get(Role.CC, ())]
    Participant.objects.bulk_create(
        (
            Participant(case=case, address=person.address, name=person.name, role=Participant.Role.COPIED)
            for person in open_to
        ),
        ignore_conflicts=True,
    )
    Participant.objects.filter(
        case=case, address__in=[person.address for person in open_to], role=Participant.Role.NEW
    ).update(role=Participant.Role.COPIED)
