"""What a list of cases shows, as one value that is read from a URL and written to one. Pure.

Anybody can write anything into a URL and saved views outlive what they name: what cannot be understood is left out,
and what names nothing any more finds nothing. Neither is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

MAX_KEY = 2**63 - 1
MAX_VALUES = 20  # of one filter
MAX_WORDS = 200  # characters of what is searched for

# The ready-made views. Those of open cases leave out what is snoozed, until it is due.
VIEWS = (
    "mine",
    "queues",
    "unread",
    "awaiting",
    "unassigned",
    "mentions",
    "snoozed",
    "drafts",
    "approval",
    "open",
    "closed",
    "all",
)
SORTS = ("activity", "opened", "priority", "waiting", "due")
PRIORITIES = ("High", "Medium", "Low")
AWAITING = ("us", "customer")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Every part has a word of its own in the URL: its name here, without the underscore at the end."""

    view: str = ""  # "": none was chosen
    queue: int | None = None
    saved: int | None = None  # the saved view it came from
    q: str = ""  # what is searched for, as typed
    status: tuple[int, ...] = ()
    priority: tuple[str, ...] = ()
    owner: str = ""  # "me", "user:<id>" or "queue:<id>"
    type: tuple[int, ...] = ()
    address: tuple[int, ...] = ()  # the routing addresses that brought the case
    tag: tuple[str, ...] = ()  # names; a case must have all of them
    awaiting: str = ""
    opened_from: date | None = None
    opened_to: date | None = None  # the day itself included, as below
    active_from: date | None = None
    active_to: date | None = None
    files: bool = False  # has an attachment
    domain: str = ""  # of the customer's address
    unread: bool = False
    sort: str = "activity"
    before: str = ""  # where the page before this one ended

    @classmethod
    def read(cls, values: Mapping[str, Sequence[str]]) -> ListQuery:
        """`values`: every value of each word, as QueryDict.lists() gives them."""
        return cls(**{name: read(list(values[name])) for name, read in _READERS.items() if values.get(name)})

    @property
    def filters(self) -> dict[str, Any]:
        """What narrows the view, by name: what is drawn as chips and what "Clear" takes away."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    @property
    def is_plain(self) -> bool:
        """Whether it is a ready-made view or queue as it comes."""
        return not self.filters and not self.q and self.sort == "activity"

    @property
    def names_only_its_saved_view(self) -> bool:
        return self.saved is not None and self == ListQuery(saved=self.saved, before=self.before)

    def urlencode(self, **changes: Any) -> str:
        """The part of the URL after the question mark; `changes` replace parts first. What is as usual is left out.

        A changed list starts at its top unless `before` is among the changes.
        """
        query = replace(self, **({"before": ""} | changes))
        usual = ListQuery()
        pairs = []
        for name in _READERS:
            value = getattr(query, name)
            if value != getattr(usual, name):
                pairs += [(name, _written(each)) for each in (value if isinstance(value, tuple) else (value,))]
        return urlencode(pairs)

    def without(self, name: str, value: Any = None) -> str:
        """The URL without one filter, or without one value of it."""
        now = getattr(self, name)
        if isinstance(now, tuple):
            return self.urlencode(**{name: tuple(each for each in now if each != value)})
        return self.urlencode(**{name: getattr(ListQuery(), name)})

    def cleared(self) -> str:
        """The URL of the same view without its filters and search."""
        return ListQuery(view=self.view, queue=self.queue, sort=self.sort).urlencode()


FILTERS = (
    *("status", "priority", "owner", "type", "address", "tag", "awaiting", "opened_from", "opened_to"),
    *("active_from", "active_to", "files", "domain", "unread"),
)


def _written(value: Any) -> str:
    if value is True:
        return "1"
    return value.isoformat() if isinstance(value, date) else str(value)


def _key(word: str) -> int | None:
    is_number = word.isascii() and word.isdigit() and len(word) < 20
    return int(word) if is_number and 0 < int(word) <= MAX_KEY else None


def _first_key(words: list[str]) -> int | None:
    return _key(words[-1])


def _keys(words: list[str]) -> tuple[int, ...]:
    return _once(key for word in words if (key := _key(word)) is not None)


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))[:MAX_VALUES]


def _one_of(*allowed: str, usual: str = "") -> Any:
    return lambda words: words[-1] if words[-1] in allowed else usual


def _text(length: int) -> Any:
    # A NUL would be an error of PostgreSQL; half a surrogate pair one of every encoder.
    return lambda words: _clean(words[-1])[:length].strip()


def _clean(word: str) -> str:
    return " ".join(word.replace("\0", " ").encode("utf-8", "ignore").decode().split())


def _names(words: list[str]) -> tuple[str, ...]:
    return _once(name for word in words if (name := _clean(word)[:40]))


def _day(words: list[str]) -> date | None:
    try:
        day = date.fromisoformat(words[-1][:10])
    except ValueError:
        return None
    return day if 1970 <= day.year <= 9000 else None  # time zones move a day across the end of the calendar


def _owner(words: list[str]) -> str:
    kind, _colon, key = words[-1].partition(":")
    if kind in ("user", "queue") and (number := _key(key)) is not None:
        return f"{kind}:{number}"
    return "me" if words[-1] == "me" else ""


def _domain(words: list[str]) -> str:
    return _clean(words[-1]).lower().rpartition("@")[2][:253]


def _yes(words: list[str]) -> bool:
    return words[-1] in ("1", "on", "true", "yes")


_READERS: dict[str, Any] = {
    "view": _one_of(*VIEWS),
    "queue": _first_key,
    "saved": _first_key,
    "q": _text(MAX_WORDS),
    "status": _keys,
    "priority": lambda words: _once(each for each in PRIORITIES if each in words),
    "owner": _owner,
    "type": _keys,
    "address": _keys,
    "tag": _names,
    "awaiting": _one_of(*AWAITING),
    "opened_from": _day,
    "opened_to": _day,
    "active_from": _day,
    "active_to": _day,
    "files": _yes,
    "domain": _domain,
    "unread": _yes,
    "sort": _one_of(*SORTS, usual="activity"),
    "before": lambda words: words[-1] if len(words[-1]) <= 300 and words[-1].isascii() else "",
}
assert tuple(_READERS) == tuple(field.name for field in fields(ListQuery))  # noqa: S101 - read at import, by people
