"""Keys that hold more than plain text: conditions, the openings of a week, days."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from routing.business_hours import read_week
from routing.conditions import BadConditions, read_conditions
from routing.configuration.errors import ConfigurationError
from routing.configuration.fields import References, read_list, read_text, shown


@dataclass(frozen=True, slots=True)
class ConditionsKey:
    """The conditions of an entry or step as they are stored; nothing, or {}: always."""

    name: str = "conditions"

    def read(self, value: Any, where: str, references: References) -> Any:
        try:
            read_conditions(value)
        except BadConditions as error:
            # The message begins with its own path, `conditions.any[1]: ...`: one path instead of two.
            place, colon, problem = str(error).partition(": ")
            if colon and place.startswith("conditions"):
                raise ConfigurationError(where + place.removeprefix("conditions"), problem) from error
            raise ConfigurationError(where, str(error)) from error
        return value or {}

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.name, value)

    def show(self, row: Any) -> dict[str, Any]:
        return getattr(row, self.name) or {}

    def in_words(self, value: Any) -> str:
        try:
            return str(read_conditions(value))
        except BadConditions:
            return "conditions that cannot be read"

    def from_text(self, text: str, where: str) -> Any:
        raise ConfigurationError(where, "cannot be given on a command line.")


@dataclass(frozen=True, slots=True)
class WeekKey:
    """Openings by day, `monday: ["09:00-12:00", "13:00-17:30"]`; a day that is left out is closed."""

    name: str = "week"

    def read(self, value: Any, where: str, references: References) -> Any:
        if not isinstance(value, dict):
            raise ConfigurationError(where, f"must hold days and their openings, not {shown(value)}.")
        week: dict[str, list[str]] = {}
        for day, openings in value.items():
            listed = [openings] if isinstance(openings, str) else read_list(openings, f"{where}.{day}")
            texts = [read_text(each, f"{where}.{day}[{index}]") for index, each in enumerate(listed)]
            try:
                read_week({day: texts})
            except ValueError as error:
                raise ConfigurationError(f"{where}.{day}", str(error)) from error
            if texts:
                week[day] = texts
        return week

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.name, value)

    def show(self, row: Any) -> dict[str, list[str]]:
        return {day: list(openings) for day, openings in getattr(row, self.name).items() if openings}

    def in_words(self, value: Any) -> str:
        return "; ".join(f"{day} {', '.join(openings)}" for day, openings in value.items()) or "never open"

    def from_text(self, text: str, where: str) -> Any:
        raise ConfigurationError(where, "cannot be given on a command line.")


@dataclass(frozen=True, slots=True)
class DaysKey:
    """A list of days, stored as lines."""

    name: str

    def read(self, value: Any, where: str, references: References) -> str:
        found = value.split() if isinstance(value, str) else read_list(value, where)
        days = []
        for index, each in enumerate(found):
            # YAML reads a day without quotes as a date, which is what is meant.
            is_day = isinstance(each, datetime.date) and not isinstance(each, datetime.datetime)
            text = each.isoformat() if is_day else read_text(each, f"{where}[{index}]")
            try:
                days.append(datetime.date.fromisoformat(text).isoformat())
            except ValueError:
                raise ConfigurationError(f"{where}[{index}]", f'"{text}" is not a day such as 2030-12-25.') from None
        return "\n".join(days)

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.name, value)

    def show(self, row: Any) -> list[str]:
        return str(getattr(row, self.name)).split()

    def in_words(self, value: Any) -> str:
        return ", ".join(value) or "none"

    def from_text(self, text: str, where: str) -> Any:
        return text.split()
