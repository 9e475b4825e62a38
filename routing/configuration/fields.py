"""The keys of a row: read from a file, shown in a file, written to the row.

What a file shows is plain: text, whole numbers, booleans, null. Rows are compared by what they show, so that a value
that only differs in how it is stored (line ends of a browser's form) is no change.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from routing.addresses import normalise_address
from routing.configuration.errors import ConfigurationError, configuration_error
from routing.models import (
    AssignmentRule,
    BusinessHours,
    Connection,
    EmailTemplate,
    Queue,
    RecordType,
    RoutingAddress,
    RoutingFlow,
    Skill,
)

Plain: TypeAlias = str | int | bool | None
# What a file holds for one key: most keys hold something plain, a few a list or keys and values of their own.
Shown: TypeAlias = Plain | list[Any] | dict[str, Any]
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
# By which field people, and files, name a row of a model.
NATURAL_KEYS: dict[type[models.Model], str] = {
    get_user_model(): "username",
    Connection: "name",
    Queue: "name",
    RecordType: "name",
    RoutingAddress: "email_address",
    EmailTemplate: "name",
    AssignmentRule: "name",
    BusinessHours: "name",
    RoutingFlow: "name",
    Skill: "name",
}


class References:
    """Rows by the name a file gives them. Each table is read once; rows made on the way are remembered."""

    def __init__(self) -> None:
        self._rows: dict[type[models.Model], dict[str, models.Model]] = {}

    def find(self, model: type[models.Model], name: str, where: str) -> Any:
        """The row of that name; ConfigurationError if there is none."""
        row = self._known(model).get(self._key(model, name))
        if row is None:
            raise ConfigurationError(where, f'there is no {model._meta.verbose_name} "{name}".')
        return row

    def remember(self, row: models.Model) -> None:
        model = type(row)
        if model in NATURAL_KEYS:
            self._known(model)[self._key(model, getattr(row, NATURAL_KEYS[model]))] = row

    def _known(self, model: type[models.Model]) -> dict[str, models.Model]:
        if model not in self._rows:
            rows = model._default_manager.all()
            if model is RoutingAddress:
                rows = rows.filter(deleted_at__isnull=True)
            self._rows[model] = {self._key(model, getattr(row, NATURAL_KEYS[model])): row for row in rows}
        return self._rows[model]

    @staticmethod
    def _key(model: type[models.Model], name: str) -> str:
        return normalise_address(name) or name if model is RoutingAddress else name


class Field(Protocol):
    """One key of a row in a file."""

    @property
    def name(self) -> str: ...

    def read(self, value: Any, where: str, references: References) -> Any:
        """The value to store; ConfigurationError if `value` cannot be one."""

    def write(self, row: Any, value: Any) -> None: ...

    def show(self, row: Any) -> Shown: ...

    def in_words(self, value: Any) -> str:
        """What `show` gave, as an error or a line of changes says it."""

    def from_text(self, text: str, where: str) -> Any:
        """What a file would hold, from what a command line says."""


def read_text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    hint = "; put quotes around it" if isinstance(value, (bool, int, float, datetime.date)) else ""
    raise ConfigurationError(where, f"must be text, not {shown(value)}{hint}.")


def read_list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigurationError(where, f"must be a list, not {shown(value)}.")
    return value


def read_mapping(value: Any, where: str, allowed: Iterable[str]) -> dict[str, Any]:
    """The mapping, when every key is one of `allowed`."""
    if not isinstance(value, dict):
        raise ConfigurationError(where, f"must hold keys and values, not {shown(value)}.")
    known = list(allowed)
    for key in value:
        if key not in known:
            raise ConfigurationError(
                f"{where}.{key}" if where else str(key), f"unknown key; known here are {', '.join(known)}."
            )
    return value


def read_moment(value: Any, where: str) -> datetime.datetime | None:
    """A time (UTC when it names no zone), a day (its first moment in UTC) or null."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise ConfigurationError(where, f'"{value}" is not a time such as 2030-12-31T18:00:00Z.') from None
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    if value is None:
        return None
    raise ConfigurationError(where, f"must be a time such as 2030-12-31T18:00:00Z, not {shown(value)}.")


def show_moment(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def shown(value: Any) -> str:
    """A value as an error or a line of changes shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "keys and values"
    return f'"{value}"' if value == "" or (isinstance(value, str) and value != value.strip()) else str(value)


class PlainWords:
    """For fields that hold something plain."""

    __slots__ = ()

    def in_words(self, value: Any) -> str:
        return shown(value)


@dataclass(frozen=True, slots=True)
class Column(PlainWords):
    """A column of the model that holds text, a number, a choice or a yes/no."""

    column: models.Field[Any, Any]

    @property
    def name(self) -> str:
        return self.column.name

    def read(self, value: Any, where: str, references: References) -> Any:
        if isinstance(self.column, models.BooleanField):
            if not isinstance(value, bool):
                raise ConfigurationError(where, f"must be true or false, not {shown(value)}.")
            return value
        if value is None and self.column.null:
            return None
        if isinstance(self.column, models.IntegerField):
            if not isinstance(value, int) or isinstance(value, bool):
                raise ConfigurationError(where, f"must be a whole number, not {shown(value)}.")
        else:
            value = self._read_text(value, where)
        choices = [str(choice) for choice, _label in self.column.flatchoices]
        if choices and value not in choices and not (value == "" and self.column.blank):
            raise ConfigurationError(where, f'"{value}" is not one of {", ".join(choices)}.')
        try:
            return self.column.clean(value, None)
        except ValidationError as error:
            raise configuration_error(where, error) from error

    def _read_text(self, value: Any, where: str) -> str:
        if value is None and self.column.blank:
            return ""
        if isinstance(value, list) and isinstance(self.column, models.TextField):
            return "\n".join(read_text(line, f"{where}[{index}]") for index, line in enumerate(value))
        return read_text(value, where)

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.name, value)

    def show(self, row: Any) -> Plain:
        value = getattr(row, self.name)
        # A choice of Django is a str that YAML would not know.
        return str(value).replace("\r\n", "\n") if isinstance(value, str) else value

    def from_text(self, text: str, where: str) -> Any:
        if isinstance(self.column, models.BooleanField):
            if text.lower() not in TRUE_WORDS | FALSE_WORDS:
                raise ConfigurationError(where, f'must be 1, 0, true or false, not "{text}".')
            return text.lower() in TRUE_WORDS
        if isinstance(self.column, models.IntegerField):
            try:
                return int(text)
            except ValueError:
                raise ConfigurationError(where, f'must be a whole number, not "{text}".') from None
        return text


@dataclass(frozen=True, slots=True)
class Reference(PlainWords):
    """A foreign key, by the natural key of the row it names; null: none."""

    column: models.ForeignKey[Any, Any]

    @property
    def name(self) -> str:
        return self.column.name

    def read(self, value: Any, where: str, references: References) -> Any:
        if value is None or value == "":
            if self.column.null:
                return None
            raise ConfigurationError(where, "must not be empty.")
        return references.find(self._model, read_text(value, where), where)

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.name, value)

    def show(self, row: Any) -> Plain:
        target = getattr(row, self.name)
        return None if target is None else str(getattr(target, NATURAL_KEYS[self._model]))

    def from_text(self, text: str, where: str) -> Any:
        return text or None

    @property
    def _model(self) -> type[models.Model]:
        model = self.column.related_model
        assert isinstance(model, type)  # noqa: S101 - "self" and lazy names are resolved when apps are loaded
        return model


@dataclass(frozen=True, slots=True)
class Owner(PlainWords):
    """A user or a queue in one key, `user:rep` or `queue:Billing`; null: neither. Two columns of the row."""

    name: str
    user_column: str
    queue_column: str

    def read(self, value: Any, where: str, references: References) -> Any:
        if value is None or value == "":
            return None
        kind, colon, owner_name = read_text(value, where).partition(":")
        models_by_kind: dict[str, type[models.Model]] = {"user": get_user_model(), "queue": Queue}
        if not colon or kind not in models_by_kind:
            raise ConfigurationError(where, f'"{value}" must have the form user:NAME or queue:NAME.')
        return references.find(models_by_kind[kind], owner_name, where)

    def write(self, row: Any, value: Any) -> None:
        setattr(row, self.queue_column, value if isinstance(value, Queue) else None)
        setattr(row, self.user_column, None if isinstance(value, Queue) else value)

    def show(self, row: Any) -> Plain:
        user, queue = getattr(row, self.user_column), getattr(row, self.queue_column)
        if queue is not None:
            return f"queue:{queue.name}"
        return None if user is None else f"user:{user.get_username()}"

    def from_text(self, text: str, where: str) -> Any:
        return text or None


def fields_of(
    model: type[models.Model], *, names: Iterable[str] | None = None, owner: Owner | None = None
) -> tuple[Field, ...]:
    """Every column that people may edit, or those named; `owner` stands for its two columns, where the first is."""
    columns = [model._meta.get_field(name) for name in names] if names is not None else list(model._meta.fields)
    fields: list[Field] = []
    for column in columns:
        assert isinstance(column, models.Field)  # noqa: S101 - `names` names columns, not relations from elsewhere
        if not column.editable or column.primary_key:
            continue
        if owner and column.name in (owner.user_column, owner.queue_column):
            if owner not in fields:
                fields.append(owner)
        elif isinstance(column, models.ForeignKey):
            fields.append(Reference(column))
        else:
            fields.append(Column(column))
    return tuple(fields)


def editable_field(model: type[models.Model], name: str, where: str) -> Field:
    """The field a command line names; ConfigurationError when people may not edit one of that name."""
    try:
        column = model._meta.get_field(name)
    except FieldDoesNotExist:
        column = None
    if not isinstance(column, models.Field) or not column.editable or column.primary_key:
        known = sorted(field.name for field in fields_of(model))
        raise ConfigurationError(where, f'unknown field "{name}"; known are {", ".join(known)}.')
    return Reference(column) if isinstance(column, models.ForeignKey) else Column(column)


def without(fields: Iterable[Field], *names: str) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.name not in names)
