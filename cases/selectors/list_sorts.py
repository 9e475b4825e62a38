"""The orders of a list of cases, each with the keys by which its pages follow each other.

The last key is the case's own, so no two rows are equal: a page begins after the keys of the row that ended the one
before it, whatever came or went in between. Nothing is skipped by counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.db.models.expressions import Combinable

from cases.models import CaseQuerySet
from cases.models.case import DUE_NEXT, PRIORITY_RANK, WAITING_SINCE
from cases.selectors.cursor import ListCursor


@dataclass(frozen=True, slots=True)
class SortKey:
    name: str  # of a field, or of the annotation that `expression` becomes
    kind: type
    descending: bool = False
    expression: Combinable | None = None

    def beyond(self, value: Any) -> Q:
        return Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})

    def not_before(self, value: Any) -> Q:
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": value})

    @property
    def ordering(self) -> Any:
        return F(self.name).desc() if self.descending else F(self.name).asc()


NEWEST = SortKey("id", int, descending=True)
ACTIVITY = SortKey("last_activity_at", datetime, descending=True)
SORTS: dict[str, tuple[SortKey, ...]] = {
    "activity": (ACTIVITY, NEWEST),
    "opened": (SortKey("created_at", datetime, descending=True), NEWEST),
    "priority": (SortKey("priority_rank", int, expression=PRIORITY_RANK), ACTIVITY, NEWEST),
    # Whose turn is ours comes first, and of those who has waited longest.
    "waiting": (
        SortKey("awaiting", str, descending=True),  # "us", then "customer"
        SortKey("waiting_since", datetime, expression=WAITING_SINCE),
        SortKey("id", int),
    ),
    "due": (SortKey("due_next", datetime, expression=DUE_NEXT), ACTIVITY, NEWEST),
}


def read_cursor(word: str, *, sort: str) -> ListCursor | None:
    return ListCursor.read(word, sort=sort, kinds=tuple(key.kind for key in SORTS[sort]))


def cursor_after(case: Any, *, sort: str) -> ListCursor:
    """`case` was read by `sorted_by` of this order."""
    return ListCursor(sort, tuple(getattr(case, key.name) for key in SORTS[sort]))


def sorted_by(cases: CaseQuerySet, sort: str, *, after: ListCursor | None = None) -> CaseQuerySet:
    keys = SORTS[sort]
    cases = cases.annotate(**{key.name: key.expression for key in keys if key.expression is not None})
    if after is not None:
        cases = cases.filter(_after(keys, after.values))
    return cases.order_by(*(key.ordering for key in keys))


def _after(keys: tuple[SortKey, ...], values: tuple[Any, ...]) -> Q:
    """Beyond the first key; or equal in it and beyond the second; and so on."""
    found = Q()
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        found |= equal & key.beyond(value)
        equal &= Q(**{key.name: value})
    # Says a part of it again in the one form that an index range can use.
    return found & keys[0].not_before(values[0])
