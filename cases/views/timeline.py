"""The conversation in order: mails, notes, and runs of quiet lines that fold when they are many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from cases.mail_html import text_to_html
from cases.models import CaseEvent
from cases.selectors.history import HistoryLine, LineKind
from cases.views.shown_mail import ShownMessage
from routing.choices import TaskStatus

FOLDED_FROM = 4  # quiet lines in a row; three are read at a glance


@dataclass(frozen=True, slots=True)
class QuietLine:
    """A change or a task in one line."""

    at: datetime
    label: str | Promise
    because: str
    person: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Note:
    key: int
    at: datetime
    person: str
    username: str
    text: SafeString


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """Exactly one of a mail, a note and a run of quiet lines."""

    shown: ShownMessage | None = None
    note: Note | None = None
    lines: Sequence[QuietLine] = ()

    @property
    def is_folded(self) -> bool:
        return len(self.lines) >= FOLDED_FROM


def timeline_of(shown: Iterable[ShownMessage], history: Iterable[HistoryLine]) -> list[TimelineItem]:
    """Oldest first. Of one moment the mail comes before what it caused."""
    moments: list[tuple[datetime, int, ShownMessage | HistoryLine]] = [
        (each.message.received_at, 0, each) for each in shown
    ]
    moments += [(line.at, 1, line) for line in history]
    moments.sort(key=lambda moment: moment[:2])
    items: list[TimelineItem] = []
    for is_quiet, run in groupby((moment[2] for moment in moments), key=_is_quiet):
        if is_quiet:
            items.append(TimelineItem(lines=[_quiet(line) for line in run if isinstance(line, HistoryLine)]))
        else:
            items += [_item(each) for each in run]
    return items


def _is_quiet(each: ShownMessage | HistoryLine) -> bool:
    return isinstance(each, HistoryLine) and each.kind != LineKind.NOTE


def _item(each: ShownMessage | HistoryLine) -> TimelineItem:
    if isinstance(each, ShownMessage):
        return TimelineItem(shown=each)
    text = mark_safe(text_to_html(each.text))  # noqa: S308 - text_to_html escapes everything but its own links
    return TimelineItem(note=Note(each.key, each.at, each.person, each.username, text))


def _quiet(line: HistoryLine) -> QuietLine:
    if line.kind == LineKind.TASK:
        status = TaskStatus(line.slug).label if line.slug in TaskStatus.values else line.slug
        return QuietLine(line.at, _("Task"), f"{line.text} ({status})", line.person, line.message_id)
    known = line.slug in CaseEvent.Kind.values
    label = CaseEvent.Kind(line.slug).label if known else line.slug.replace("_", " ")
    return QuietLine(line.at, label, line.text, line.person, line.message_id)
