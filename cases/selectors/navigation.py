"""What the left pane of the console leads to: ready-made views and the queues of a rep, each with its open cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.selectors.lists import ListView, count_my_open_cases, queues_of
from cases.selectors.visible import may_view_all_cases


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


def navigation(user: Any) -> list[Group]:
    """Three statements, however many views and queues there are."""
    views_all = may_view_all_cases(user)
    counts = {ListView.MINE: count_my_open_cases(user)}
    views = [
        ListView.MINE,
        ListView.QUEUES,
        *([ListView.UNASSIGNED] if views_all else []),
        ListView.OPEN,
        ListView.CLOSED,
    ]
    ready = tuple(Entry(view.value, view.label, urlencode({"view": view}), counts.get(view)) for view in views)
    queues = tuple(
        Entry(f"queue-{each.key}", each.name, urlencode({"view": "queues", "queue": each.key}), each.open_count)
        for each in queues_of(user)
    )
    return [Group("", ready), *([Group(_("Queues"), queues)] if queues else [])]
