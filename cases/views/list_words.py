"""The words of a list: its title, the chips of its filters, the names of its orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.list_query import ListQuery
from cases.models import Case, SavedView
from cases.selectors.lists import ListView
from routing.choices import Priority

Names = Mapping[tuple[str, int], str]
SORT_WORDS: dict[str, str | Promise] = {
    "activity": gettext_lazy("Last activity"),
    "opened": gettext_lazy("Newest first"),
    "priority": gettext_lazy("Priority"),
    "waiting": gettext_lazy("Waiting longest"),
    "due": gettext_lazy("Due next"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that narrows the list, and the list without it."""

    label: str
    remove: str  # what stands after the question mark


def title_of(query: ListQuery, saved: SavedView | None, names: Names) -> str:
    if saved is not None:
        return saved.name
    if query.q and query.view == ListView.ALL:
        return _("Search")
    if query.queue is not None:
        return names.get(("queue", query.queue), _("A queue that is not yours"))
    return str(ListView(query.view or "all").label)


def sort_choices(query: ListQuery) -> list[tuple[str | Promise, str, bool]]:
    """(words, what stands after the question mark, whether it is the order now)"""
    return [(words, query.urlencode(sort=sort), sort == query.sort) for sort, words in SORT_WORDS.items()]


def chips_of(query: ListQuery, names: Names) -> list[Chip]:
    chips = [Chip(_("“%s”") % query.q, query.without("q"))] if query.q else []
    for name, value in query.filters.items():
        for each in value if isinstance(value, tuple) else (value,):
            chips.append(Chip(_label(name, each, names), query.without(name, each)))
    return chips


def _label(name: str, value: Any, names: Names) -> str:
    match name:
        case "status" | "type" | "address":
            return names.get((name, value), _("unknown"))
        case "owner":
            return _("Owner: %s") % _owner(value, names)
        case "priority":
            return _("Priority: %s") % Priority(value).label
        case "tag":
            return _("Tag: %s") % value
        case "awaiting":
            return _("Awaits %s") % Case.Awaiting(value).label
        case "domain":
            return f"@{value}"
        case "files":
            return _("Has files")
        case "unread":
            return _("Unread")
    words = {
        "opened_from": _("Opened from %s"),
        "opened_to": _("Opened until %s"),
        "active_from": _("Active from %s"),
        "active_to": _("Active until %s"),
    }
    return words[name] % date_format(value, "j M Y")


def _owner(word: str, names: Names) -> str:
    if word == "me":
        return _("me")
    kind, _colon, key = word.partition(":")
    return names.get((kind, int(key)), _("unknown"))


def hidden_fields(query: ListQuery, *leave_out: str) -> Iterator[tuple[str, str]]:
    """What a form has to carry along so that it changes one thing of a list only."""
    usual = {name: getattr(ListQuery(), name) for name in leave_out}
    yield from parse_qsl(query.urlencode(**usual))
