"""All files of a case, newest first, by key set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from cases.models import Attachment, Case, EmailMessage
from cases.selectors.cursor import Cursor

FILES_PER_PAGE = 60


@dataclass(frozen=True, slots=True)
class FilePage:
    files: Sequence[Attachment]  # newest mail first; each with its mail
    older: Cursor | None  # None: these are the oldest


def files_of(
    case: Case, *, reader_id: int | None, before: Cursor | None = None, size: int = FILES_PER_PAGE
) -> FilePage:
    """One statement. Files of drafts are their author's alone."""
    files = Attachment.objects.filter(
        ~Q(email_message__status=EmailMessage.Status.DRAFT) | Q(email_message__created_by=reader_id),
        email_message__case=case,
    )
    if before is not None:
        files = files.filter(
            Q(email_message__received_at__lt=before.at) | Q(email_message__received_at=before.at, pk__lt=before.key)
        )
    found = list(
        files.select_related("blob", "email_message")
        .only(
            *("file_name", "content_type", "inline", "content_id", "is_repeated", "position", "blob__size"),
            *("email_message__from_address", "email_message__from_name", "email_message__received_at"),
            *("email_message__incoming", "email_message__special_parts", "email_message__case_id"),
        )
        .order_by("-email_message__received_at", "-pk")[: size + 1]
    )
    page = found[:size]
    return FilePage(page, Cursor(page[-1].email_message.received_at, page[-1].pk) if len(found) > size else None)


def is_minor(file: Attachment, message: EmailMessage) -> bool:
    """What people would not call a file of the mail: pictures in its text, repeated logos, signatures, invitations."""
    told = message.special_parts.get("minor", ())
    return file.is_repeated or bool(file.inline and file.content_id) or file.position in told
