"""The rows of a mail that a person writes: message, addresses, files, participants. Called by the use case, which has
the permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from cases.file_names import safe_file_name
from cases.file_types import detect_type
from cases.mail_html import snippet_of
from cases.mail_html.text import clean_text
from cases.message_ids import hash_of
from cases.models import Attachment, Blob, Case, EmailAddress, EmailMessage, Participant
from cases.outbound.composed import CannotReply, NewAttachment
from cases.outbound.composing import domain_of_sender, one_line
from cases.outbound.quoting import ReplyBody, header_id, reference_chain, written_html, written_text
from cases.search_index import RECIPIENT_ROLES, search_row, write_search_rows
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id, reply_address
from routing.addresses import MailAddress
from routing.models import EmailTemplate, RoutingAddress

MOST_ATTACHMENTS = 20
# All files of one mail. In base64 a third more, and mail systems refuse mails of more than 25 to 35 MB.
MOST_ATTACHED_BYTES = 18 * 1024 * 1024

Role = EmailAddress.Role
People = Mapping[EmailAddress.Role, Sequence[MailAddress]]


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A stored file that goes along; with a content id it is a picture that the HTML shows."""

    blob: Blob
    file_name: str
    declared_type: str
    content_type: str
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What stands in a mail, decided to the letter."""

    people: People
    subject: str
    text: str  # as its author wrote it
    html: str  # the same, cleaned; "" for a plain mail
    body: ReplyBody
    files: Sequence[OutgoingFile]
    answered: EmailMessage | None  # whose thread it continues in the headers
    has_signs: bool  # whether an answer to it finds the case
    template: EmailTemplate | None = None


def check_attachments(files: Sequence[NewAttachment]) -> None:
    """Before any of them is stored."""
    check_sizes([len(file.content) for file in files])


def check_sizes(sizes: Sequence[int], *, pictures: Sequence[int] = ()) -> None:
    """Raises CannotReply for more than mail systems take."""
    if len(sizes) > MOST_ATTACHMENTS:
        words = _("At most %(most)d files go with one mail.") % {"most": MOST_ATTACHMENTS}
        raise CannotReply(words, field="attachments")
    if sum(sizes) + sum(pictures) > MOST_ATTACHED_BYTES:
        words = _("All files of a mail together may have %(most)d MB.")
        raise CannotReply(words % {"most": MOST_ATTACHED_BYTES // (1024 * 1024)}, field="attachments")


def new_file(file: NewAttachment, blob: Blob) -> OutgoingFile:
    return OutgoingFile(
        blob=blob,
        file_name=file.file_name,
        declared_type=one_line(file.content_type, limit=127),
        content_type=detect_type(file.content, file.file_name, file.content_type)[:127],
    )


def addresses_of(people: People) -> list[str]:
    return [person.address for persons in people.values() for person in persons]


def ids_above(message: EmailMessage) -> list[str]:
    """The thread above a mail: its References, else the one id of its In-Reply-To (RFC 5322 section 3.6.4)."""
    answers = message.in_reply_to.split()
    return message.references.split() or (answers if len(answers) == 1 else [])


def write_mail(
    case: Case, author: User, send_from: RoutingAddress, mail: Outgoing, *, now: datetime, key: str
) -> EmailMessage:
    """The message as it will leave, to the letter: what is sent later is what stands here."""
    keys = signing_keys()
    identifier = new_message_id(case.pk if mail.has_signs else None, domain_of_sender(send_from.email_address), keys)
    answered_id = header_id(mail.answered.message_identifier) if mail.answered else ""
    references = reference_chain(ids_above(mail.answered), answered_id) if mail.answered else []
    message = EmailMessage.objects.create(
        case=case,
        incoming=False,
        status=EmailMessage.Status.QUEUED,
        from_address=send_from.email_address,
        from_name=one_line(send_from.display_name, limit=100),
        subject=mail.subject,
        text_body=written_text(mail.text, mail.body),
        html_body=written_html(mail.html, mail.body) if mail.html or mail.body.forwarded_html else "",
        reply_text=mail.text,
        snippet=snippet_of(mail.text or mail.body.forwarded_text),
        message_identifier=identifier,
        message_identifier_hash=hash_of(identifier),
        in_reply_to=answered_id,
        in_reply_to_hash=hash_of(answered_id),
        references=" ".join(references),
        message_date=now,
        received_at=now,
        template=mail.template,
        created_by=author,
        idempotency_key=key,
    )
    people = dict(mail.people)
    if mail.has_signs and send_from.signed_reply_to:
        signed = reply_address(send_from.email_address, case.pk, keys)
        people[Role.REPLY_TO] = [MailAddress(one_line(send_from.display_name, limit=100), signed)]
    EmailAddress.objects.bulk_create(
        EmailAddress(email_message=message, role=role, address=person.address, name=person.name)
        for role, persons in people.items()
        for person in persons
    )
    _write_attachments(message, mail.files)
    shown = [person for role in RECIPIENT_ROLES for person in mail.people.get(role, ())]
    row = search_row(
        message,
        people=[(person.address, person.name) for person in shown],
        file_names=[file.file_name for file in mail.files],
    )
    write_search_rows([row])
    return message


def quote_of(answered: EmailMessage, send_from: RoutingAddress) -> tuple[str, str]:
    """(attribution, text): the new part of the answered mail. Only text: nothing of its HTML, its pictures or our
    notes goes out.
    """
    with translation.override(send_from.language or settings.LANGUAGE_CODE):
        # In the zone of the organisation: the customer's is not known, the rep's says nothing to the customer.
        at = timezone.localtime(answered.received_at, timezone.get_default_timezone())
        attribution = _("On %(day)s at %(time)s, %(who)s wrote:") % {
            "day": formats.date_format(at, "j F Y"),
            "time": at.strftime("%H:%M %Z"),
            "who": one_line(answered.from_name or answered.from_address, limit=100),
        }
    return attribution, clean_text(answered.reply_text or answered.text_body)


def _write_attachments(message: EmailMessage, files: Sequence[OutgoingFile]) -> None:
    Attachment.objects.bulk_create(
        Attachment(
            email_message=message,
            blob=file.blob,
            position=position,
            file_name=one_line(safe_file_name(file.file_name, f"attachment-{position + 1}"), limit=150),
            declared_type=file.declared_type,
            content_type=file.content_type,
            inline=bool(file.content_id),
            content_id=file.content_id,
        )
        for position, file in enumerate(files)
    )


def let_take_part(case: Case, people: Iterable[MailAddress]) -> None:
    """Whom a rep writes to by hand, openly, takes part in the case from now on."""
    named = list(people)
    Participant.objects.bulk_create(
        (
            Participant(case=case, address=person.address, name=person.name, role=Participant.Role.COPIED)
            for person in named
        ),
        ignore_conflicts=True,
    )
    Participant.objects.filter(
        case=case, address__in=[person.address for person in named], role=Participant.Role.NEW
    ).update(role=Participant.Role.COPIED)
