"""Assignment rules: ordered entries, the first one whose conditions hold wins. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routing.conditions import Conditions
from routing.facts import RoutingFacts

__all__ = ["Entry", "Matched", "first_match"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `key` is whatever the caller finds its row by."""

    key: int
    label: str
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Matched:
    entry: Entry
    because: str


def first_match(entries: Iterable[Entry], facts: RoutingFacts) -> Matched | None:
    """`entries` in their order. None: no entry holds."""
    for entry in entries:
        outcome = entry.conditions.ask(facts)
        if outcome.holds:
            return Matched(entry, outcome.because)
    return None
