"""Internal notes and who is mentioned in them. A note is never part of a mail, and none is ever deleted.

Whoever may see a case may write on it. Who is mentioned may see the case from then on, and is told once
(cases.notifications), without the note's words.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, NotAllowed
from cases.mail_html.text import clean_text
from cases.models import Case, CaseComment, CaseEvent, CommentVersion, Mention
from cases.selectors.people import colleagues
from cases.selectors.visible import visible_cases

__all__ = ["EDITABLE_FOR", "LONGEST_NOTE", "MOST_MENTIONS", "add_note", "edit_note", "may_edit", "mentioned_names"]

EDITABLE_FOR = timedelta(minutes=15)
LONGEST_NOTE = 20_000  # characters
MOST_MENTIONS = 20  # of one note; further names are only words
# As Django allows user names; what stands before the @ of an address is no mention.
MENTION = re.compile(r"(?<![\w.+-])@([\w.@+-]{1,150})")


def mentioned_names(body: str) -> list[str]:
    """The words that could be user names, in order, each once. A full stop may end the name or the sentence."""
    names: list[str] = []
    for found in MENTION.findall(body):
        names += [found, found.rstrip(".-+@")]
    return list(dict.fromkeys(name for name in names if name))


@transaction.atomic
def add_note(*, case: Case, author: User, body: str, now: datetime | None = None) -> CaseComment:
    """Raises NotAllowed when the author may not see the case, CannotChange for an empty or far too long note."""
    now = now or timezone.now()
    body = _checked(body)
    case = _visible(case, author)
    note = CaseComment.objects.create(case=case, author=author, body=body)
    _note_event(note, CaseEvent.Kind.NOTE_ADDED, by=author, mentioned=_mention(note, case, author))
    Case.objects.filter(pk=case.pk).update(last_activity_at=now)
    return note


@transaction.atomic
def edit_note(*, note: CaseComment, by: User, body: str, now: datetime | None = None) -> CaseComment:
    """Its author may correct a note for EDITABLE_FOR; what it said before is kept. Newly mentioned people are told."""
    now = now or timezone.now()
    body = _checked(body)
    case = _visible(note.case, by)
    note = CaseComment.objects.select_for_update().get(pk=note.pk)
    if note.author_id != by.pk:
        raise NotAllowed(_("Only its author may edit a note."))
    if not may_edit(note, by, now=now):
        raise CannotChange(_("A note can be edited for 15 minutes. Write another one."), field="body")
    if note.body == body:
        return note
    CommentVersion.objects.create(comment=note, body=note.body, replaced_at=now)
    note.body, note.edited_at = body, now
    note.save(update_fields=["body", "edited_at"])
    _note_event(note, CaseEvent.Kind.NOTE_EDITED, by=by, mentioned=_mention(note, case, by))
    return note


def may_edit(note: CaseComment, user: Any, *, now: datetime | None = None) -> bool:
    """For the page: whether to offer it."""
    return note.author_id == user.pk and (now or timezone.now()) - note.created_at <= EDITABLE_FOR


def _checked(body: str) -> str:
    body = clean_text(body.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not body:
        raise CannotChange(_("Write something."), field="body")
    if len(body) > LONGEST_NOTE:
        raise CannotChange(_("A note has at most %(most)d characters.") % {"most": LONGEST_NOTE}, field="body")
    return body


def _visible(case: Case, user: User) -> Case:
    """The case, locked against being merged away. A reader who may not act may still write a note."""
    found = Case.objects.filter(pk=case.pk).select_for_update().defer("description").first()
    if found is None or not visible_cases(user).filter(pk=case.pk).exists():
        raise NotAllowed(_("There is no such case."))
    if found.merged_into_id is not None:
        raise CannotChange(_("This case was joined to another one. Write the note there."))
    return found


def _mention(note: CaseComment, case: Case, author: User) -> list[int]:
    """Write down who is mentioned and was not before; their keys."""
    names = [name.lower() for name in mentioned_names(note.body)]
    if not names:
        return []
    known = set(Mention.objects.filter(comment=note).values_list("user_id", flat=True))
    people = (
        colleagues()
        .annotate(lower_name=Lower("username"))
        .filter(lower_name__in=names)
        .exclude(pk__in=[*known, author.pk])
        .order_by("pk")[: MOST_MENTIONS - len(known)]
    )
    rows = Mention.objects.bulk_create(Mention(comment=note, case=case, user=user) for user in people)
    return [row.user_id for row in rows]


def _note_event(note: CaseComment, kind: CaseEvent.Kind, *, by: User, mentioned: list[int]) -> None:
    """Who is mentioned stands on the event, so that each is told once however often a note is edited."""
    detail: dict[str, object] = {"comment": note.pk} | ({"mentions": mentioned} if mentioned else {})
    CaseEvent.objects.create(case=note.case, kind=kind, actor=by, detail=detail)
