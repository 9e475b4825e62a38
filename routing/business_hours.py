"""Business time: is somebody there, and when is it over. Pure.

A week is a list of openings for each day in the zone of the organisation; holidays are closed whole days. Clocks that
are put forward or back are no business time lost or won twice: times are compared in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

__all__ = ["Opening", "Schedule", "read_week"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_SEARCH = 3 * 366  # days; a schedule that never opens ends the search


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """From one time of a day to another; an end of 00:00 is midnight at the end of the day."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Schedule:
    zone: ZoneInfo
    week: Mapping[int, Sequence[Opening]]  # 0 is Monday
    holidays: frozenset[date] = field(default_factory=frozenset)

    def is_open(self, at: datetime) -> bool:
        """`at` is aware."""
        local = at.astimezone(self.zone)
        return any(start <= at < end for start, end in self._openings(local.date()))

    def add(self, start: datetime, amount: timedelta) -> datetime | None:
        """The moment at which `amount` of business time has passed since `start`; None when the schedule never opens
        again.
        """
        left = amount
        for opens, closes in self._openings_from(start):
            begin = max(opens, start.astimezone(UTC))
            if closes - begin >= left:
                return begin + left
            left -= closes - begin
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The business time between two moments; zero when `end` is not after `start`."""
        total = timedelta(0)
        if end <= start:
            return total
        for opens, closes in self._openings_from(start):
            if opens >= end:
                break
            total += min(closes, end.astimezone(UTC)) - max(opens, start.astimezone(UTC))
        return total

    def _openings_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The openings that are not over at `start`, in order, in UTC."""
        day = start.astimezone(self.zone).date()
        for offset in range(LONGEST_SEARCH):
            for opens, closes in self._openings(day + timedelta(days=offset)):
                if closes > start:
                    yield opens, closes

    def _openings(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.holidays:
            return []
        found = []
        for opening in self.week.get(day.weekday(), ()):
            end_day = day + timedelta(days=1) if opening.end == time(0) else day
            opens = datetime.combine(day, opening.start, self.zone).astimezone(UTC)
            closes = datetime.combine(end_day, opening.end, self.zone).astimezone(UTC)
            if opens < closes:
                found.append((opens, closes))
        return _joined(sorted(found))


def _joined(openings: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Without overlaps: where clocks are put forward, an hour that does not exist lies in the one after it."""
    joined: list[tuple[datetime, datetime]] = []
    for opens, closes in openings:
        if joined and opens < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined


def read_week(stored: Mapping[str, Sequence[str]]) -> dict[int, list[Opening]]:
    """{"monday": ["09:00-12:00", "13:00-17:30"], ...} as openings. Raises ValueError with the place that is wrong."""
    if not isinstance(stored, Mapping):
        raise ValueError("The week is a table of days.")
    week: dict[int, list[Opening]] = {}
    for name, texts in stored.items():
        if name not in DAYS:
            raise ValueError(f"“{name}” is no day; days are {', '.join(DAYS)}.")
        if isinstance(texts, str) or not isinstance(texts, Sequence):
            raise ValueError(f"{name}: write a list of openings such as 09:00-17:30.")
        openings = sorted(_read_opening(name, text) for text in texts)
        for earlier, later in pairwise(openings):
            if earlier.end == time(0) or later.start < earlier.end:
                raise ValueError(f"{name}: {_text(earlier)} and {_text(later)} overlap.")
        week[DAYS.index(name)] = openings
    return week


def _read_opening(name: str, text: str) -> Opening:
    try:
        start, end = str(text).split("-")
        opening = Opening(_read_time(start), time(0) if end.strip() == "24:00" else _read_time(end))
    except ValueError:
        raise ValueError(f"{name}: “{text}” is not an opening such as 09:00-17:30.") from None
    if opening.end != time(0) and opening.end <= opening.start:
        raise ValueError(
            f"{name}: {text} ends before it begins. Write a night as two openings: until 24:00, and from 00:00 on the "
            "day after."
        )
    return opening


def _read_time(text: str) -> time:
    return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - a time of day, in no zone


def _text(opening: Opening) -> str:
    return f"{opening.start:%H:%M}-{opening.end:%H:%M}"
