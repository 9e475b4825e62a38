"""Rows that belong to another row and stand in an order: the entries of a rule, the steps of a flow.

In a file their order is that of the list. Within its rule or flow a row is found by its label. What the file does not
list stays without `delete`, behind the row that it stood behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models

from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import Field, read_list, read_mapping, read_text
from routing.configuration.importing import Difference, ImportRun, write_fields


def arrange(listed: Sequence[str], now: Sequence[str]) -> list[str]:
    """The labels of the file in its order, each of the others behind the one it stood behind, or first."""
    arranged = list(listed)
    for place, label in enumerate(now):
        if label not in listed:
            arranged.insert(arranged.index(now[place - 1]) + 1 if place else 0, label)
    return arranged


@dataclass(frozen=True, slots=True)
class Owner:
    """The rule or flow, and how changes call it."""

    row: Any
    noun: str
    name: str


class OrderedRows:
    key: ClassVar[str] = "label"
    noun: ClassVar[str]
    related_name: ClassVar[str]  # the key of the list in a file, and the relation of the rule or flow
    model: ClassVar[type[models.Model]]
    parent: ClassVar[str]  # the foreign key to the rule or flow
    fields: Sequence[Field]
    extra_keys: ClassVar[tuple[str, ...]] = ()

    # --- what subclasses change ---

    def show_extra(self, row: Any) -> dict[str, Any]:
        return {}

    def complete(self, row: Any, entry: dict[str, Any], where: str, run: ImportRun) -> None:
        """Check and adapt a row, unsaved, to which the file was written."""

    def merge_extra(self, row: Any, entry: dict[str, Any], where: str, run: ImportRun) -> list[Difference]:
        """Merge what takes a row that was saved; the differences, unless the row is new."""
        return []

    # --- the same for all ---

    @property
    def keys(self) -> list[str]:
        return [self.key, *(field.name for field in self.fields), *self.extra_keys]

    def export(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """`rows` in their order."""
        return [
            {self.key: row.label} | {field.name: field.show(row) for field in self.fields} | self.show_extra(row)
            for row in rows
        ]

    def merge(self, owner: Owner, rows: Sequence[Any], value: Any, where: str, run: ImportRun) -> None:
        """Merge the list of one rule or flow, whose `rows` stand in their order."""
        existing = {row.label: row for row in rows}
        now, listed = list(existing), []
        for index, item in enumerate(read_list(value, where)):
            place = f"{where}[{index}]"
            if isinstance(item, dict) and self.key not in item:
                raise ConfigurationError(place, f"the key {self.key} is missing.")
            entry = read_mapping(item, place, self.keys)
            label = read_text(entry[self.key], f"{place}.{self.key}").strip()
            if label in listed:
                raise ConfigurationError(f"{place}.{self.key}", f'"{label}" stands twice in the list.')
            listed.append(label)
            existing[label] = self._merge_row(owner, existing.get(label), label, entry, f"{place} ({label})", run)
        unlisted = [label for label in now if label not in listed]
        for label in unlisted if run.delete else ():
            existing.pop(label).delete()
            now.remove(label)
            run.changed(owner.noun, owner.name, f"- {self.noun} {label}")
        if unlisted and not run.delete:
            run.unlisted[f"{owner.noun} {owner.name}, {self.related_name}"] = unlisted
        self._put_in_order(existing, now, arrange(listed, now), run, owner)

    def _merge_row(
        self, owner: Owner, row: Any | None, label: str, entry: dict[str, Any], where: str, run: ImportRun
    ) -> Any:
        is_new = row is None
        row = row if row is not None else self.model(**{self.parent: owner.row, self.key: label})
        differences = write_fields(row, self.fields, entry, where, run)
        before = {field.name: field.show(row) for field in self.fields}
        self.complete(row, entry, where, run)
        for field in self.fields:
            if (after := field.show(row)) != before[field.name]:
                differences.append(Difference(field.name, field.in_words(before[field.name]), field.in_words(after)))
        if is_new or differences:
            try:
                row.full_clean()
            except ValidationError as error:
                raise configuration_error(where, error) from error
            row.save()
        differences += self.merge_extra(row, entry, where, run)
        if is_new:
            run.changed(owner.noun, owner.name, f"+ {self.noun} {label}")
            return row
        for difference in differences:
            run.changed(f"{owner.noun} {owner.name}, {self.noun}", label, difference)
        return row

    def _put_in_order(
        self, rows: dict[str, Any], now: list[str], wanted: list[str], run: ImportRun, owner: Owner
    ) -> None:
        if wanted == now:
            return
        for position, label in enumerate(wanted, start=1):
            rows[label].position = position
        self.model._default_manager.bulk_update([rows[label] for label in wanted], ["position"])
        if now:
            run.changed(owner.noun, owner.name, Difference("order", ", ".join(now), ", ".join(wanted)))
