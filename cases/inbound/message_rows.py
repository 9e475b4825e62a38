"""The rows of a mail on a case: message, addresses, files, participants, task. Called inside writing's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from cases.file_types import detect_type
from cases.inbound.decision import ReadEmail
from cases.inbound.parsed import ParsedAttachment
from cases.message_ids import hash_of, thread_index_root
from cases.models import Attachment, Blob, Case, CaseTask, EmailAddress, EmailMessage, InboundEmail, Participant
from cases.search_index import RECIPIENT_ROLES, search_row, write_search_rows
from routing.models import EmailToCaseSettings

# The files of a mail with the blobs that hold them; stored before the transaction, which then stays short.
StoredFiles = Sequence[tuple[ParsedAttachment, Blob]]
# A mail to a thousand people is kept whole in its raw form; the case lists this many of them.
MOST_ADDRESSES = 500
MOST_PARTICIPANTS = 100


def write_message(
    inbound: InboundEmail,
    mail: ReadEmail,
    case: Case,
    basis: str,
    flags: tuple[str, ...],
    settings_row: EmailToCaseSettings,
    files: StoredFiles,
    *,
    is_participant: bool,
    case_is_new: bool,
) -> EmailMessage:
    email, analysis = mail.email, mail.analysis
    address = mail.routing_address
    message = EmailMessage.objects.create(
        case=case,
        inbound_email=inbound,
        incoming=True,
        from_address=email.sender.address[:254] if email.sender else "",
        from_name=email.sender.name[:255] if email.sender else "",
        subject=email.subject[:1000],
        text_body=email.text_body,
        html_body=email.html_body,
        reply_text=analysis.reply_text,
        snippet=mail.snippet,
        dedupe_key=mail.dedupe_key,
        message_identifier=email.message_id[:998],
        message_identifier_hash=hash_of(email.message_id),
        in_reply_to=" ".join(email.in_reply_to),
        in_reply_to_hash=hash_of(email.in_reply_to[0]) if email.in_reply_to else "",
        references=" ".join(email.references),
        thread_index=email.thread_index[:500],
        thread_index_hash=thread_index_root(email.thread_index),
        headers=[list(header) for header in email.headers] if address and address.save_email_headers else None,
        message_date=email.date,
        received_at=inbound.received_at,
        is_automatic=analysis.is_automatic,
        automatic_kind=analysis.automatic_kind,
        is_bounce=analysis.is_bounce,
        bounce=asdict(analysis.bounce) if analysis.bounce else None,
        forwarded_original=asdict(analysis.forwarded) if analysis.forwarded else None,
        spf=(analysis.authentication.spf or "")[:12],
        dkim=(analysis.authentication.dkim or "")[:12],
        dmarc=(analysis.authentication.dmarc or "")[:12],
        authenticated_by=(analysis.authentication.by or "")[:255],
        thread_basis=basis,
        sender_is_participant=is_participant,
        flags=flags_of(mail, flags),
        defects=list(email.defects),
        special_parts=mail.special_parts.as_json(),
        also_received_by=mail.also_received_by,
    )
    people = [
        (role, person)
        for role, group in (
            (EmailAddress.Role.TO, email.to),
            (EmailAddress.Role.CC, email.cc),
            (EmailAddress.Role.BCC, email.bcc),
            (EmailAddress.Role.REPLY_TO, email.reply_to),
        )
        for person in group
    ]
    EmailAddress.objects.bulk_create(
        EmailAddress(email_message=message, role=role, address=person.address[:254], name=person.name[:255])
        for role, person in people[:MOST_ADDRESSES]
    )
    write_attachments(message, files, mark_repeated=settings_row.dedupe_attachments and not case_is_new)
    row = search_row(
        message,
        people=[(each.address, each.name) for role, each in people[:MOST_ADDRESSES] if role in RECIPIENT_ROLES],
        file_names=[file.file_name[:255] for file, _blob in files],
    )
    write_search_rows([row])
    return message


def flags_of(mail: ReadEmail, flags: tuple[str, ...]) -> list[str]:
    """What a rep should be warned of, as slugs; pages have the sentences."""
    found = list(flags)
    if mail.email.sender is None:
        found.append("sender_unknown")
    elif mail.email.sender_is_ambiguous:
        found.append("sender_ambiguous")
    if mail.analysis.authentication.failed_dmarc and "dmarc_failed" not in found:
        found.append("dmarc_failed")
    return found


def write_attachments(message: EmailMessage, files: StoredFiles, *, mark_repeated: bool) -> None:
    """Files by content: stored once, listed each; bytes the case has already are marked as repeated."""
    if not files:
        return
    repeated: set[str] = set()
    if mark_repeated:
        repeated = set(
            Attachment.objects.filter(
                email_message__case_id=message.case_id, blob__in=[blob.pk for _file, blob in files]
            ).values_list("blob_id", flat=True)
        )
    Attachment.objects.bulk_create(
        Attachment(
            email_message=message,
            blob=blob,
            position=position,
            file_name=file.file_name[:255],
            declared_type=file.content_type[:127],
            content_type=detect_type(file.content, file.file_name, file.content_type)[:127],
            inline=file.inline,
            content_id=file.content_id[:255],
            is_repeated=blob.pk in repeated,
        )
        for position, (file, blob) in enumerate(files)
    )


def write_participants(mail: ReadEmail, case: Case, *, known: set[str] | None, sender_role: str) -> None:
    """The sender and, on a new case, everybody copied who is not one of our own addresses. `known` None: some exist
    already.
    """
    ours = {match.recipient.address for match in mail.matches} | {
        match.routing_address.email_address for match in mail.matches
    }
    people: dict[str, Participant] = {}
    sender = mail.email.sender
    if sender is not None and not mail.email.sender_is_ambiguous:
        people[sender.address] = Participant(
            case=case, address=sender.address[:254], name=sender.name[:255], role=sender_role
        )
    if sender_role == Participant.Role.CUSTOMER:
        for person in (*mail.email.to, *mail.email.cc)[:MOST_PARTICIPANTS]:
            if person.address not in ours and person.address not in people:
                people[person.address] = Participant(
                    case=case, address=person.address[:254], name=person.name[:255], role=Participant.Role.COPIED
                )
    if people:
        Participant.objects.bulk_create(people.values(), ignore_conflicts=known is None)


def write_task(mail: ReadEmail, case: Case, message: EmailMessage) -> None:
    address = mail.routing_address
    if address is not None and address.create_task:
        CaseTask.objects.create(
            case=case,
            subject=f"Answer: {mail.email.subject}"[:255],
            status=address.task_status,
            owner=case.owner_user,
            email_message=message,
        )
