"""What happened on a case beside its mails - notes, tasks, changes - as lines of one kind, read by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import BigIntegerField, CharField, F, Model, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, Left

from cases.models import Case, CaseComment, CaseEvent, CaseTask

LINES_PER_KIND = 200  # of one page; many notes push out no change, and a rule that changes a case all day no note
NOTE_SHOWN = 20_000  # characters
# Mails that came or left are shown themselves, and so are notes.
SHOWN_ELSEWHERE = (CaseEvent.Kind.EMAIL_ADDED, CaseEvent.Kind.REPLY_QUEUED, CaseEvent.Kind.REPLY_SENT, "note_added")


class LineKind(StrEnum):
    NOTE = "note"
    TASK = "task"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    kind: LineKind
    key: int
    at: datetime
    slug: str  # the kind of an event, the status of a task
    text: str  # the words of a note, the subject of a task, why of an event
    username: str  # who did it, or whose task it is; "" for the system
    full_name: str
    message_id: int | None  # the mail that it is about

    @property
    def person(self) -> str:
        return self.full_name.strip() or self.username


def history_of(case: Case, *, since: datetime | None = None, until: datetime | None = None) -> list[HistoryLine]:
    """Lines from `since` on and before `until`, oldest first. One statement.

    Of each kind the newest LINES_PER_KIND.
    """
    notes = _lines(
        CaseComment.objects.filter(case=case),
        LineKind.NOTE,
        at="created_at",
        slug=Value(""),
        text=Left("body", NOTE_SHOWN),
        who="author",
        since=since,
        until=until,
        message=None,
    )
    tasks = _lines(
        CaseTask.objects.filter(case=case),
        LineKind.TASK,
        at="created_at",
        slug=F("status"),
        text=F("subject"),
        who="owner",
        since=since,
        until=until,
    )
    events = _lines(
        CaseEvent.objects.filter(case=case).exclude(kind__in=SHOWN_ELSEWHERE),
        LineKind.EVENT,
        at="at",
        slug=F("kind"),
        text=F("because"),
        who="actor",
        since=since,
        until=until,
    )
    rows = notes.union(tasks, events, all=True).order_by("line_at", "line_kind", "line_key")
    return [HistoryLine(LineKind(row[0]), *row[1:]) for row in rows]


def _lines(
    rows: QuerySet[Any],
    kind: LineKind,
    *,
    at: str,
    slug: Any,
    text: Any,
    who: str,
    since: datetime | None,
    until: datetime | None,
    message: str | None = "email_message_id",
) -> QuerySet[Any, Any]:
    if since is not None:
        rows = rows.filter(**{f"{at}__gte": since})
    if until is not None:
        rows = rows.filter(**{f"{at}__lt": until})
    model: type[Model] = rows.model
    # SQLite takes no LIMIT in a part of a UNION, but in a query inside of it.
    newest = rows.order_by("-pk").values("pk")[:LINES_PER_KIND]
    return (
        model._default_manager.filter(pk__in=newest)
        .order_by()
        .annotate(
            line_kind=Value(kind.value, output_field=CharField()),
            line_key=F("pk"),
            line_at=F(at),
            line_slug=Cast(slug, CharField()),
            line_text=Cast(text, TextField()),
            line_username=Coalesce(F(f"{who}__username"), Value("")),
            line_name=_full_name(who),
            line_message=Cast(F(message) if message else Value(None), BigIntegerField()),
        )
        .values_list(
            *("line_kind", "line_key", "line_at", "line_slug", "line_text", "line_username", "line_name"),
            "line_message",
        )
    )


def _full_name(who: str) -> Any:
    return Coalesce(Concat(F(f"{who}__first_name"), Value(" "), F(f"{who}__last_name")), Value(""))
