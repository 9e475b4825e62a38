"""What happened on a case beside its mails - notes, tasks, changes - as lines of one kind, read by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import BigIntegerField, CharField, F, Model, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Concat, Left

from cases.models import Case, CaseComment, CaseEvent, CaseTask

LINES_PER_KIND = 200  # of one page; many notes push out no change, and a rule that changes a case all day no note
NOTE_SHOWN = 20_000  # characters
# Mails that came or left are shown themselves, and so are notes.
SHOWN_ELSEWHERE = (CaseEvent.Kind.EMAIL_ADDED, CaseEvent.Kind.REPLY_QUEUED, CaseEvent.Kind.REPLY_SENT, "note_added")


MOST_NEW = 40  # lines that appear by one click


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
    notes = _note_lines(CaseComment.objects.filter(case=case), since=since, until=until)
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
    events = _event_lines(
        CaseEvent.objects.filter(case=case).exclude(kind__in=SHOWN_ELSEWHERE), since=since, until=until
    )
    rows = notes.union(tasks, events, all=True).order_by("line_at", "line_kind", "line_key")
    return [HistoryLine(LineKind(row[0]), *row[1:]) for row in rows]


@dataclass(frozen=True, slots=True)
class NewLines:
    """What others did to a case meanwhile. MOST_NEW of both together stands for "or more"."""

    changes: int
    notes: int
    newest: int  # key of the newest event, also of one that is no line; what was seen when there is none


def _events_of_others(case: Case, *, after: int, reader: Any) -> QuerySet[CaseEvent]:
    return CaseEvent.objects.filter(case=case, pk__gt=after).exclude(actor=reader)


def lines_since(case: Case, seen: int, *, reader: Any) -> NewLines:
    """Notes and changes by others, or by no person, after the event with the key `seen`. One statement."""
    rows = _events_of_others(case, after=seen, reader=reader).order_by("-pk").values_list("pk", "kind")[:MOST_NEW]
    found = list(rows)
    notes = sum(kind == CaseEvent.Kind.NOTE_ADDED for _key, kind in found)
    changes = sum(kind not in SHOWN_ELSEWHERE for _key, kind in found)
    return NewLines(changes, notes, found[0][0] if found else seen)


def newer_history(case: Case, seen: int, *, reader: Any) -> list[HistoryLine]:
    """The lines that lines_since counts, oldest first. One statement."""
    events = _events_of_others(case, after=seen, reader=reader)
    of_notes = events.filter(kind=CaseEvent.Kind.NOTE_ADDED).annotate(
        comment=Cast(KeyTextTransform("comment", "detail"), BigIntegerField())
    )
    notes = _note_lines(CaseComment.objects.filter(case=case, pk__in=of_notes.values("comment")))
    changes = _event_lines(events.exclude(kind__in=SHOWN_ELSEWHERE))
    rows = notes.union(changes, all=True).order_by("line_at", "line_kind", "line_key")
    return [HistoryLine(LineKind(row[0]), *row[1:]) for row in rows]


def _note_lines(
    notes: QuerySet[Any], *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Any, Any]:
    return _lines(
        notes,
        LineKind.NOTE,
        at="created_at",
        slug=Value(""),
        text=Left("body", NOTE_SHOWN),
        who="author",
        since=since,
        until=until,
        message=None,
    )


def _event_lines(
    events: QuerySet[Any], *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Any, Any]:
    return _lines(
        events, LineKind.EVENT, at="at", slug=F("kind"), text=F("because"), who="actor", since=since, until=until
    )


def _lines(
    rows: QuerySet[Any],
    kind: LineKind,
    *,
    at: str,
    slug: Any,
    text: Any,
    who: str,
    since: datetime | None = None,
    until: datetime | None = None,
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
