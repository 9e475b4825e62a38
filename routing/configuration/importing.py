"""Merge a configuration into the database by natural keys, and say each change in a line that people read.

`+ queue Billing` was made, `~ queue Billing: email "" -> b@example.com` was changed, `- queue Billing` was removed.
Nothing is removed without `delete`, and then only from sections that stand in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ProtectedError

from routing import audit
from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import Field, References, read_list, read_mapping, read_text, shown

VERSION = 1
# Longer values, and those of several lines, are not repeated in a line of changes.
MAX_SHOWN = 80
# An import may hold tens of thousands of contacts; the audit log keeps this many lines of it, and their number.
MAX_AUDITED = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """One value before and after, in words of any length; as text it is short enough for a line of changes."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        if any("\n" in text or len(text) > MAX_SHOWN for text in (self.before, self.after)):
            return f"{self.field} changed"
        return f"{self.field} {self.before} -> {self.after}"

    def for_audit(self) -> str:
        """Of long values the part in which they differ."""
        before, after = audit.shortened(self.before, self.after)
        return f"{self.field} {before} -> {after}"


@dataclass(frozen=True, slots=True)
class Change:
    """`sign`: + made, ~ changed, - removed. As text: a line that people read."""

    sign: str
    noun: str
    name: str
    what: str | Difference = ""

    def __str__(self) -> str:
        head = f"{self.sign} {self.noun} {self.name}".rstrip()
        if self.sign == "-":
            return head + (f" ({self.what})" if self.what else "")
        return f"{head}: {self.what}" if self.what else head

    def for_audit(self) -> str:
        """The line with long values too, as far as the audit log keeps any."""
        if isinstance(self.what, Difference):
            return f"{self.sign} {self.noun} {self.name}".rstrip() + f": {self.what.for_audit()}"
        return str(self)


@dataclass(slots=True)
class ImportRun:
    """One import on its way: what sections share, and what they did."""

    delete: bool = False
    by: User | None = None  # who imports; None: a command
    made: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what a person has to do afterwards
    # What stands in this instance and not in the file, by section, or by list of a row; stays without `delete`.
    unlisted: dict[str, list[str]] = field(default_factory=dict)
    references: References = field(default_factory=References)

    @property
    def changes(self) -> list[str]:
        return [str(change) for change in self.made]

    def added(self, noun: str, name: str) -> None:
        self.made.append(Change("+", noun, name))

    def changed(self, noun: str, name: str, what: str | Difference) -> None:
        self.made.append(Change("~", noun, name, what))

    def removed(self, noun: str, name: str, how: str = "") -> None:
        self.made.append(Change("-", noun, name, how))


class Section:
    """One key of the document. Subclasses say how it is shown and merged."""

    name: ClassVar[str]

    def export(self) -> Any:
        raise NotImplementedError

    def merge(self, value: Any, run: ImportRun) -> None:
        """Add and change what `value` holds."""
        raise NotImplementedError

    def unlisted(self) -> list[str]:
        """Names of what the merged value did not hold. After `merge`."""
        return []

    def remove_unlisted(self, run: ImportRun) -> None:
        """Remove what the merged value did not hold. Called with `delete`, after every section was merged."""

    def check(self, run: ImportRun) -> None:
        """Look at the result once everything is merged and removed."""


class RowsSection(Section):
    """A list of rows of one model, each named by its natural key."""

    noun: ClassVar[str]
    model: ClassVar[type[models.Model]]
    key: ClassVar[str]
    fields: Sequence[Field]
    _unlisted: list[Any]
    extra_keys: ClassVar[tuple[str, ...]] = ()  # keys that hold lists, or that are read by `merge_extra`

    # --- what subclasses change ---

    def rows(self) -> Iterable[Any]:
        """Every row that is part of the configuration, with what showing it needs."""
        return self.model._default_manager.all()

    def show_extra(self, row: Any) -> dict[str, Any]:
        return {}

    def merge_extra(self, row: Any, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        """Merge the lists of a row that was saved."""

    def read_key(self, value: Any, where: str) -> str:
        key = read_text(value, where).strip()
        if not key:
            raise ConfigurationError(where, "must not be empty.")
        return key

    def new_row(self, key: str, where: str, run: ImportRun) -> Any:
        return self.model(**{self.key: key})

    def save(self, row: Any, where: str, run: ImportRun) -> None:
        try:
            row.full_clean()
        except ValidationError as error:
            raise configuration_error(where, error) from error
        row.save()

    def remove(self, row: Any, run: ImportRun) -> None:
        try:
            row.delete()
        except ProtectedError as error:
            user = next(iter(error.protected_objects))
            raise ConfigurationError(
                f"{self.name} ({self.name_of(row)})", f"cannot be deleted: {user._meta.verbose_name} {user} uses it."
            ) from error
        run.removed(self.noun, self.name_of(row))

    # --- the same for all ---

    def name_of(self, row: Any) -> str:
        return str(getattr(row, self.key))

    def export(self) -> list[dict[str, Any]]:
        rows = sorted(self.rows(), key=lambda row: (self.name_of(row).casefold(), self.name_of(row)))
        return [
            {self.key: self.name_of(row)}
            | {field.name: field.show(row) for field in self.fields if field.name != self.key}
            | self.show_extra(row)
            for row in rows
        ]

    def merge(self, value: Any, run: ImportRun) -> None:
        existing = {self.name_of(row): row for row in self.rows()}
        merged: dict[str, str] = {}
        for where, key, entry in self.entries(value):
            if key in merged:
                raise ConfigurationError(f"{where}.{self.key}", f'"{key}" stands at {merged[key]} already.')
            merged[key] = where
            self.merge_row(existing.get(key), key, entry, where, run)
        self._unlisted = [existing[key] for key in sorted(existing.keys() - merged.keys())]

    def unlisted(self) -> list[str]:
        return [self.name_of(row) for row in self._unlisted]

    def remove_unlisted(self, run: ImportRun) -> None:
        for row in self._unlisted:
            self.remove(row, run)

    def entries(self, value: Any) -> list[tuple[str, str, dict[str, Any]]]:
        """(where, key, entry) of every row in the file; `where` is a path such as `queues[2] (Billing)`."""
        allowed = list(dict.fromkeys([self.key, *(field.name for field in self.fields), *self.extra_keys]))
        found = []
        for index, raw_entry in enumerate(read_list(value, self.name)):
            where = f"{self.name}[{index}]"
            if isinstance(raw_entry, dict) and self.key not in raw_entry:
                raise ConfigurationError(where, f"the key {self.key} is missing.")
            if isinstance(raw_entry, dict):
                key = self.read_key(raw_entry[self.key], f"{where}.{self.key}")
                where = f"{where} ({key})"
            found.append((where, key if isinstance(raw_entry, dict) else "", read_mapping(raw_entry, where, allowed)))
        return found

    def merge_row(self, row: Any | None, key: str, entry: dict[str, Any], where: str, run: ImportRun) -> None:
        is_new = row is None
        row = self.new_row(key, where, run) if row is None else row
        differences = write_fields(row, self.fields, {k: v for k, v in entry.items() if k != self.key}, where, run)
        if is_new or differences:
            self.save(row, where, run)
        if is_new:
            run.added(self.noun, key)
        else:
            for difference in differences:
                run.changed(self.noun, key, difference)
        run.references.remember(row)
        self.merge_extra(row, entry, where, run, is_new=is_new)


def write_fields(
    row: Any, fields: Sequence[Field], entry: dict[str, Any], where: str, run: ImportRun
) -> list[Difference]:
    """Write what `entry` holds to the row, unsaved; the differences in words."""
    differences = []
    for each in fields:
        if each.name not in entry:
            continue
        value = each.read(entry[each.name], f"{where}.{each.name}", run.references)
        before = each.show(row)
        each.write(row, value)
        after = each.show(row)
        if before != after:
            differences.append(Difference(each.name, each.in_words(before), each.in_words(after)))
    return differences


def describe_change(name: str, before: Any, after: Any) -> Difference:
    """Of two plain values."""
    return Difference(name, shown(before), shown(after))


def merge_names(
    run: ImportRun, *, noun: str, key: str, word: str, now: set[str], wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """(to add, to remove) of a list of names on a row; each is said. Names are removed only with `delete`."""
    to_add = [name for name in dict.fromkeys(wanted) if name not in now]
    to_remove = sorted(now.difference(wanted)) if run.delete else []
    for sign, names in (("+", to_add), ("-", to_remove)):
        for name in names:
            run.changed(noun, key, f"{sign} {word} {name}")
    return to_add, to_remove


class DryRun(Exception):
    """Rolls an import back that was only asked for its changes."""


def export_document(sections: Sequence[Section]) -> dict[str, Any]:
    return {"version": VERSION} | {section.name: section.export() for section in sections}


def import_document(
    document: Any,
    sections: Sequence[Section],
    *,
    dry_run: bool = False,
    delete: bool = False,
    by: User | None = None,
    announce: Callable[[ImportRun], None] | None = None,
) -> ImportRun:
    """Merge `document` in one transaction, which `dry_run` rolls back. ConfigurationError: nothing was written.

    `announce` hears the changes before they are committed; an error it raises stops them.
    """
    run = ImportRun(delete=delete, by=by)
    try:
        with transaction.atomic():
            _merge_sections(document, sections, run)
            if run.made:
                kept = [change.for_audit() for change in run.made[:MAX_AUDITED]]
                audit.record("configuration-imported", "configuration", by=by, count=len(run.made), changes=kept)
            if announce:
                announce(run)
            if dry_run:
                raise DryRun
    except DryRun:
        pass
    return run


def _merge_sections(document: Any, sections: Sequence[Section], run: ImportRun) -> None:
    entries = read_mapping(document, "", ["version", *(section.name for section in sections)])
    if entries.get("version") != VERSION or isinstance(entries.get("version"), bool):
        raise ConfigurationError("version", f"must be {VERSION}, not {shown(entries.get('version'))}.")
    merged = [section for section in sections if section.name in entries]
    for section in merged:
        section.merge(entries[section.name], run)
        if names := section.unlisted():
            run.unlisted[section.name.replace("_", " ")] = names
    if run.delete:
        # Backwards: what names a row goes before the row it names.
        for section in reversed(merged):
            section.remove_unlisted(run)
    for section in merged:
        section.check(run)
