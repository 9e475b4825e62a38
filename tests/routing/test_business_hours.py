from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.business_hours import Schedule, read_week

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = read_week(
    {day: ["09:00-12:00", "13:00-17:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
)
OFFICE = Schedule(BERLIN, WEEK, frozenset({date(2030, 1, 1)}))


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (berlin(2030, 1, 2, 9, 0), True),
        (berlin(2030, 1, 2, 8, 59), False),
        (berlin(2030, 1, 2, 12, 0), False),  # lunch
        (berlin(2030, 1, 2, 17, 0), False),
        (berlin(2030, 1, 1, 10, 0), False),  # holiday
        (berlin(2030, 1, 5, 10, 0), False),  # Saturday
        (datetime(2030, 1, 2, 8, 30, tzinfo=UTC), True),
    ],
)
def test_is_open(at: datetime, expected: bool) -> None:
    assert OFFICE.is_open(at) is expected


def test_business_time_skips_lunch_nights_weekends_and_holidays() -> None:
    monday = berlin(2029, 12, 31, 16, 0)

    assert OFFICE.add(monday, timedelta(hours=1)) == berlin(2029, 12, 31, 17, 0)
    assert OFFICE.add(monday, timedelta(hours=2)) == berlin(2030, 1, 2, 10, 0)
    assert OFFICE.add(berlin(2030, 1, 2, 11, 0), timedelta(hours=2)) == berlin(2030, 1, 2, 14, 0)
    assert OFFICE.add(berlin(2030, 1, 4, 16, 30), timedelta(hours=1)) == berlin(2030, 1, 7, 9, 30)


def test_between_is_the_inverse_of_add() -> None:
    start = berlin(2030, 1, 4, 8, 0)
    for hours in (1, 3, 7, 20):
        end = OFFICE.add(start, timedelta(hours=hours))
        assert end is not None
        assert OFFICE.between(start, end) == timedelta(hours=hours)
    assert OFFICE.between(start, start) == timedelta(0)
    assert OFFICE.between(berlin(2030, 1, 5, 8, 0), berlin(2030, 1, 6, 8, 0)) == timedelta(0)


def test_clocks_put_forward_win_and_lose_no_time() -> None:
    # On 31 March 2030 clocks in Berlin go from 02:00 to 03:00.
    always = Schedule(BERLIN, read_week({day: ["00:00-24:00"] for day in ("saturday", "sunday", "monday")}))

    end = always.add(berlin(2030, 3, 30, 12, 0), timedelta(hours=24))

    assert end == berlin(2030, 3, 31, 13, 0)


def test_openings_in_the_hour_that_does_not_exist_are_not_counted_twice() -> None:
    # 02:00-02:45 lies where 03:00-03:45 is on that day, and 03:00 is when the next one begins.
    split = Schedule(BERLIN, read_week({"sunday": ["02:00-02:45", "03:00-05:00"]}))
    start = berlin(2030, 3, 31, 0, 0)

    assert split.between(start, berlin(2030, 3, 31, 12, 0)) == timedelta(hours=2)
    assert split.add(start, timedelta(hours=2)) == berlin(2030, 3, 31, 5, 0)


def test_a_schedule_that_never_opens_has_no_end() -> None:
    assert Schedule(BERLIN, {}).add(berlin(2030, 1, 1), timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ({"funday": []}, "is no day"),
        ({"monday": "09:00-17:00"}, "write a list"),
        ({"monday": ["9 to 5"]}, "is not an opening"),
        ({"monday": ["17:00-09:00"]}, "ends before it begins"),
        ({"monday": ["09:00-12:00", "11:00-13:00"]}, "overlap"),
        ({"monday": ["09:00-24:00", "23:00-24:00"]}, "overlap"),
    ],
)
def test_a_bad_week_says_what_is_wrong(week: dict[str, list[str]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_week(week)
