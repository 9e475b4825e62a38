"""What the left pane of the console leads to: ready-made views and the queues of a rep, each with its open cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.list_query import ListQuery
from cases.models import SavedView
from cases.selectors.list_names import saved_views_of
from cases.selectors.lists import ListView, MyQueue, count_cases, count_my_open_cases, queues_of, reader_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the pane. `key` is its name in the page ("mine", "queue-3"), `query` what the list is asked for."""

    key: str
    label: str | Promise
    query: str
    count: int | None = None  # at most lists.COUNTED_TO; None: not counted


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading; "" needs none."""

    label: str | Promise
    entries: tuple[Entry, ...]


# Where nobody looks every hour stands further down.
FIRST = (ListView.MINE, ListView.QUEUES, ListView.UNREAD, ListView.AWAITING)
FURTHER = (ListView.MENTIONS, ListView.SNOOZED, ListView.DRAFTS, ListView.APPROVAL)
WHOLE = (ListView.OPEN, ListView.CLOSED, ListView.ALL)


def navigation(user: Any) -> list[Group]:
    """Five statements, however many views and queues there are."""
    reader = reader_of(user)
    counts = {
        ListView.MINE: count_my_open_cases(user),
        ListView.UNREAD: count_cases(reader, ListQuery(view=ListView.UNREAD), now=timezone.now()),
    }
    unassigned = (ListView.UNASSIGNED,) if reader.views_all else ()
    groups = [
        Group("", _entries((*FIRST, *unassigned), counts)),
        Group(_("Queues"), tuple(_queue_entry(each) for each in queues_of(user))),
        Group(_("Saved views"), tuple(_saved_entry(view) for view in saved_views_of(user))),
        Group(_("Follow up"), _entries(FURTHER, counts)),
        Group(_("Everything"), _entries(WHOLE, counts)),
    ]
    return [group for group in groups if group.entries]


def _entries(views: Iterable[ListView], counts: Mapping[ListView, int]) -> tuple[Entry, ...]:
    return tuple(Entry(view.value, view.label, urlencode({"view": view}), counts.get(view)) for view in views)


def _queue_entry(queue: MyQueue) -> Entry:
    query = urlencode({"view": "queues", "queue": queue.key})
    return Entry(f"queue-{queue.key}", queue.name, query, queue.open_count)


def _saved_entry(view: SavedView) -> Entry:
    return Entry(f"saved-{view.pk}", view.name, urlencode({"saved": view.pk}))
