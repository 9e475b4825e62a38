"""Read a stored mail again in a charset that a person names, where the mail itself said none or a wrong one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cases.inbound.reader import codec_for
from cases.inbound.reading import ReadFailed, TemporaryFailure, read_email
from cases.inbound.trail import Trail
from cases.models import Case, CaseEvent, EmailMessage
from cases.search_index import index_messages

__all__ = ["CHARSETS", "CannotReread", "read_as_charset", "shows_charset_choice"]

# As people know them, likely ones first; every name is one that the reader knows.
CHARSETS = (
    "utf-8",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "koi8-r",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-15",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "gb18030",
    "big5",
    "euc-kr",
    "tis-620",
    "macintosh",
    "x-mac-cyrillic",
    "cp437",
    "cp850",
    "cp866",
)
CHOSEN = "charset_chosen"
DOUBTS = frozenset(("charset_guessed", "charset_errors", CHOSEN))


class CannotReread(RuntimeError):
    """The mail cannot be read in that charset; the message says why. Nothing was changed."""


def shows_charset_choice(message: EmailMessage) -> bool:
    """Whether the words of the mail may be wrong, or a person has chosen how to read them."""
    return message.incoming and message.inbound_email_id is not None and not DOUBTS.isdisjoint(message.defects)


def read_as_charset(message: EmailMessage, charset: str, *, by: Any) -> None:
    """Store the text of a mail as `charset` reads it; "" reads it again as it says itself. Raises CannotReread.

    The bytes as received stay what they are; files, people and the mail's place in its case do too. A case that this
    mail opened takes over subject and description unless a person has changed them.
    """
    if charset and (charset not in CHARSETS or codec_for(charset) is None):
        raise CannotReread(_("That charset is not known."))
    inbound = message.inbound_email
    if inbound is None:
        raise CannotReread(_("This mail was written here."))
    try:
        read = read_email(inbound, Trail(), dry_run=True, charset=charset)
    except (ReadFailed, TemporaryFailure, OSError) as failure:
        raise CannotReread(str(failure)) from failure
    defects = [defect for defect in read.email.defects if not charset or defect not in DOUBTS]
    changes = {
        "text_body": read.email.text_body,
        "html_body": read.email.html_body,
        "reply_text": read.analysis.reply_text,
        "snippet": read.snippet,
        "subject": read.email.subject[:1000],
        "defects": [*defects, CHOSEN] if charset else defects,
    }
    with transaction.atomic():
        before = EmailMessage.objects.select_for_update(of=("self",)).get(pk=message.pk)
        EmailMessage.objects.filter(pk=message.pk).update(**changes)
        index_messages([message.pk])
        Case.objects.filter(source=before, description=before.reply_text or before.text_body).update(
            description=read.analysis.reply_text or read.email.text_body
        )
        Case.objects.filter(source=before, subject=before.subject[:500]).exclude(subject="").update(
            subject=read.email.subject[:500] or "(no subject)"
        )
        CaseEvent.objects.create(
            case_id=before.case_id,
            kind=CaseEvent.Kind.MAIL_REREAD,
            actor=by,
            email_message=before,
            because=_("as %(charset)s") % {"charset": charset} if charset else _("as the mail itself says"),
            detail={"charset": charset},
        )
