"""Drafts: what stands in a composer, kept by the server under its author's name and shown to nobody else.

One row per composer. It is saved by itself, with the version that the composer knows: an older tab overwrites nothing.
A draft ends in the transaction that sends it (cases.outbound.sending), or when its author discards it. A mail that
came back - undone, failed, rejected, overtaken by the customer - becomes one again (`come_back`).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.mail_html.outgoing import outgoing_html
from cases.models import Case, Draft, DraftFile, EmailAddress, EmailMessage, Outbox
from cases.outbound.composing import one_line
from cases.outbound.forwarding import whole_files
from cases.outbound.quoting import without_token
from cases.outbound.recipients import written_recipients
from cases.selectors.drafts import own_drafts
from routing.addresses import MailAddress
from routing.models import EmailTemplate, RoutingAddress

__all__ = [
    "DraftGone",
    "NewerVersion",
    "TooManyDrafts",
    "Typed",
    "come_back",
    "discard",
    "new_draft_key",
    "open_draft",
    "picture_url",
    "save_draft",
]

Mode = Draft.Mode
MOST_DRAFTS = 300  # of one author
LONGEST_TEXT = 500_000  # characters, as in a mail
LONGEST_RECIPIENTS = 20_000


class DraftGone(LookupError):
    """It was sent or discarded, or was never this author's."""


class NewerVersion(RuntimeError):
    """Another tab saved a newer one; `version` is its number. Nothing was overwritten."""

    def __init__(self, version: int) -> None:
        super().__init__(_("This draft was changed in another tab."))
        self.version = version


class TooManyDrafts(RuntimeError):
    """The author has to send or discard some first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The fields of a composer as they are, checked for nothing but their length."""

    send_from: RoutingAddress | None = None
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    template: EmailTemplate | None = None
    send_at: datetime | None = None
    answers_join: bool = False
    last_seen: int | None = None


def new_draft_key() -> str:
    return secrets.token_urlsafe(24)


@transaction.atomic
def open_draft(
    *,
    author: User,
    case: Case | None,
    mode: Draft.Mode,
    answers: EmailMessage | None,
    typed: Typed,
    key: str = "",
    kept: Collection[int] | None = None,
) -> Draft:
    """The draft of a new composer. `key` is the key of its form: asked twice for one form, it is one draft, with what
    was typed last. The first answer may not have arrived.

    `case` is one that the author may see, `answers` one of its mails; a new mail has neither. `kept`: keys of the
    files of a forwarded mail that go along; None: all. Raises TooManyDrafts.
    """
    User.objects.select_for_update().get(pk=author.pk)  # two tabs, one place left
    known = Draft.objects.filter(key=key).first() if key else None
    if known is not None and known.author_id == author.pk and known.case_id == (case.pk if case else None):
        if _holds(known, mode, answers, typed):
            return known
        return save_draft(known.pk, author=author, version=None, typed=typed, mode=mode, answers=answers)
    if Draft.objects.filter(author=author).order_by()[:MOST_DRAFTS].count() >= MOST_DRAFTS:
        raise TooManyDrafts(_("You have %(most)d drafts. Send or discard some of them.") % {"most": MOST_DRAFTS})
    own_key = key if key and known is None else new_draft_key()
    draft = Draft.objects.create(
        author=author, case=case, mode=mode, answers=answers, key=own_key, **_values(typed, pictures={})
    )
    if mode == Draft.Mode.FORWARD and answers is not None:
        _take_forwarded_files(draft, answers, kept)
    return draft


def _holds(draft: Draft, mode: Draft.Mode, answers: EmailMessage | None, typed: Typed) -> bool:
    values = _values(typed, pictures=_own_pictures(draft)) | {"mode": mode, "answers": answers}
    return all(getattr(draft, name) == value for name, value in values.items())


def _own_pictures(draft: Draft) -> dict[str, str]:
    return {picture_url(file): picture_url(file) for file in draft.files.filter(inline=True)}


@transaction.atomic
def save_draft(
    draft_id: int,
    *,
    author: User,
    version: int | None,
    typed: Typed,
    mode: Draft.Mode | None = None,
    answers: EmailMessage | None = None,
) -> Draft:
    """Save what stands in the composer now. `version` is the one that it knows; None overwrites whatever is there.

    `mode` and `answers`, a mail of the same case: what it is now, where that can be changed. A draft that becomes a
    forward takes the files of the mail with it, one that stops being one leaves them. Raises DraftGone and
    NewerVersion. One UPDATE decides between two tabs.
    """
    draft = own_drafts(author).filter(pk=draft_id).first()
    if draft is None:
        raise DraftGone(_("This draft was sent or discarded."))
    values = _values(typed, pictures=_own_pictures(draft))
    if mode is not None and draft.case_id is not None and Mode.NEW not in (mode, draft.mode):
        values |= {"mode": mode, "answers": answers}
    rows = Draft.objects.filter(pk=draft.pk, author=author)
    if version is not None:
        rows = rows.filter(version=version)
    changed = rows.update(version=F("version") + 1, updated_at=timezone.now(), **values)
    fresh = Draft.objects.filter(pk=draft.pk).first()
    if fresh is None:
        raise DraftGone(_("This draft was sent or discarded."))
    if not changed:
        raise NewerVersion(fresh.version)
    _follow_mode(draft, fresh)
    return fresh


def _follow_mode(before: Draft, now: Draft) -> None:
    was, became = ((each.mode == Mode.FORWARD and each.answers_id) or None for each in (before, now))
    if was == became:
        return
    if was is not None and before.answers is not None:
        own = [attachment.blob_id for attachment in whole_files(before.answers)]
        DraftFile.objects.filter(draft=now, inline=False, blob__in=own).delete()
    if became is not None and now.answers is not None:
        _take_forwarded_files(now, now.answers, None)


def discard(draft_id: int, *, author: User) -> bool:
    """Delete it with its files, for good. The bytes go when the sweeper finds that nothing else needs them."""
    _count, by_model = Draft.objects.filter(pk=draft_id, author=author).delete()
    return bool(by_model.get("cases.Draft"))


def picture_url(file: DraftFile) -> str:
    """How the editor names a picture that stands in the text."""
    return reverse("draft_file", kwargs={"draft_id": file.draft_id, "file_id": file.pk})


def come_back(outbox: Outbox, *, because: str) -> Draft | None:
    """A mail that did not leave becomes a draft of its author again, with all that was in its composer; its message
    goes, the Outbox row stays as history. In the caller's transaction.

    None when the mail has no author any more: then the message stays as it is.
    """
    message = outbox.email_message
    if message is None or message.created_by is None:
        return None
    composed: Mapping[str, Any] = outbox.composed
    people: dict[str, list[MailAddress]] = {role: [] for role in EmailAddress.Role.values}
    for each in message.addresses.all():
        people[each.role].append(MailAddress(each.name, each.address))
    answers = EmailMessage.objects.filter(pk=composed.get("answers") or 0, case=message.case).first()
    draft = Draft.objects.create(
        author=message.created_by,
        case=message.case,
        mode=composed.get("mode") or Draft.Mode.REPLY,
        answers=answers,
        send_from=outbox.from_address,
        **{role: written_recipients(people[role]) for role in ("to", "cc", "bcc")},
        subject=without_token(message.subject),
        text=message.reply_text,
        template=message.template,
        answers_join=bool(composed.get("answers_join")),
        last_seen=_newest_message(message.case_id, besides=message.pk),
        key=new_draft_key(),
        came_back_because=because[:500],
    )
    _take_files(draft, message, str(composed.get("html") or ""))
    Outbox.objects.filter(pk=outbox.pk).update(email_message=None)
    outbox.email_message = None
    message.delete()
    return draft


def _take_forwarded_files(draft: Draft, message: EmailMessage, kept: Collection[int] | None) -> None:
    DraftFile.objects.bulk_create(
        DraftFile(
            draft=draft,
            blob_id=each.blob_id,
            file_name=each.file_name,
            declared_type=each.declared_type,
            content_type=each.content_type,
        )
        for each in whole_files(message)
        if kept is None or each.pk in kept
    )


def _take_files(draft: Draft, message: EmailMessage, html: str) -> None:
    """The files of the mail, with the HTML that shows some of them. What only a forward brought along comes again
    with the forwarded mail.
    """
    pictures: dict[str, str] = {}
    for each in message.attachments.order_by("position"):
        if each.inline and each.content_id and f"cid:{each.content_id}" not in html:
            continue
        file = DraftFile.objects.create(
            draft=draft,
            blob_id=each.blob_id,
            file_name=each.file_name,
            declared_type=each.declared_type,
            content_type=each.content_type,
            inline=each.inline,
            content_id=each.content_id,
        )
        if each.content_id:
            pictures[f"cid:{each.content_id}"] = picture_url(file)
    if html:
        draft.html = outgoing_html(html, pictures=pictures).html
        draft.save(update_fields=["html"])


def _newest_message(case_id: int, *, besides: int) -> int:
    """What the author has seen, at the least: what was there before the mail that comes back."""
    rows = EmailMessage.objects.filter(case=case_id, pk__lt=besides).order_by("-pk").values_list("pk", flat=True)
    return rows.first() or 0


def _values(typed: Typed, *, pictures: Mapping[str, str]) -> dict[str, Any]:
    html = typed.html[:LONGEST_TEXT]
    values: dict[str, Any] = {
        "send_from": typed.send_from,
        "to": _kept(typed.to, LONGEST_RECIPIENTS),
        "cc": _kept(typed.cc, LONGEST_RECIPIENTS),
        "bcc": _kept(typed.bcc, LONGEST_RECIPIENTS),
        "subject": one_line(typed.subject, limit=1000),
        "text": _kept(typed.text, LONGEST_TEXT),
        # Cleaned already here: what is shown again in an editor is never what a browser sent.
        "html": outgoing_html(html, pictures=pictures).html if html.strip() else "",
        "template": typed.template,
        "send_at": typed.send_at,
        "answers_join": typed.answers_join,
    }
    if typed.last_seen is not None:
        values["last_seen"] = typed.last_seen
    return values


def _kept(text: str, most: int) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")[:most]
