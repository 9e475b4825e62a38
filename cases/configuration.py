"""The whole configuration of an instance as one file: routing's sections, what cases are made of, and contacts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

import yaml
from django.contrib.auth.models import User

from cases.models import CaseField, CaseStatus, Contact
from cases.outbound.filled_templates import clean_html
from routing.addresses import normalise_address
from routing.configuration.errors import ConfigurationError
from routing.configuration.fields import fields_of, read_list, read_mapping, read_text
from routing.configuration.importing import (
    ImportRun,
    RowsSection,
    Section,
    describe_change,
    export_document,
    import_document,
    merge_names,
)
from routing.configuration.organisation import RowsWithDefault
from routing.configuration.sections import routing_sections
from routing.configuration.yaml_text import line_of, read_yaml, write_yaml
from routing.models import EmailTemplate, QuickText, RecordType

BATCH = 1000
Entry: TypeAlias = dict[str, str]


class CaseStatuses(RowsWithDefault):
    name, noun, model, key = "case_statuses", "case status", CaseStatus, "label"

    def __init__(self) -> None:
        self.fields = fields_of(CaseStatus)


class CaseFields(RowsSection):
    """A company's own fields. Removing one means switching it off: cases keep what was written."""

    name, noun, model, key = "case_fields", "case field", CaseField, "slug"
    extra_keys = ("record_types",)

    def __init__(self) -> None:
        self.fields = fields_of(CaseField)

    def rows(self) -> Iterable[CaseField]:
        return CaseField.objects.prefetch_related("record_types")

    def show_extra(self, row: CaseField) -> dict[str, Any]:
        return {"record_types": sorted(record_type.name for record_type in row.record_types.all())}

    def merge_extra(self, row: CaseField, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if "record_types" not in entry:
            return
        wanted = {}
        for index, item in enumerate(read_list(entry["record_types"], f"{where}.record_types")):
            place = f"{where}.record_types[{index}]"
            record_type = run.references.find(RecordType, read_text(item, place), place)
            wanted[record_type.name] = record_type
        now = {record_type.name: record_type for record_type in row.record_types.all()}
        to_add, to_remove = merge_names(
            run, noun=self.noun, key=row.slug, word="record type", now=set(now), wanted=list(wanted)
        )
        row.record_types.add(*(wanted[name] for name in to_add))
        row.record_types.remove(*(now[name] for name in to_remove))

    def remove(self, row: CaseField, run: ImportRun) -> None:
        if row.is_active:
            row.is_active = False
            row.save(update_fields=["is_active"])
            run.removed(self.noun, row.slug, "switched off")


class EmailTemplates(RowsSection):
    name, noun, model, key = "email_templates", "email template", EmailTemplate, "name"

    def __init__(self) -> None:
        self.fields = fields_of(EmailTemplate)

    def save(self, row: EmailTemplate, where: str, run: ImportRun) -> None:
        row.html_body = clean_html(row.html_body)
        super().save(row, where, run)


class QuickTexts(RowsSection):
    name, noun, model, key = "quick_texts", "quick text", QuickText, "shortcut"

    def __init__(self) -> None:
        self.fields = fields_of(QuickText)


class Contacts(Section):
    """Known outside people, by email address. Several may share one: then the name tells them apart.

    There can be very many of them, so they are read at once and written in batches.
    """

    name = "contacts"
    noun = "contact"

    def __init__(self) -> None:
        self.fields = fields_of(Contact, names=["email", "name", "company"])
        self._unlisted: list[Contact] = []

    def export(self) -> list[dict[str, Any]]:
        contacts = sorted(Contact.objects.all(), key=lambda contact: (contact.email.lower(), contact.name, contact.pk))
        return [{field.name: field.show(contact) for field in self.fields} for contact in contacts]

    def merge(self, value: Any, run: ImportRun) -> None:
        existing: dict[str, list[Contact]] = {}
        for contact in Contact.objects.order_by("pk"):
            existing.setdefault(contact.email.lower(), []).append(contact)
        new: list[Contact] = []
        changed: list[Contact] = []
        for email, entries in self._entries_by_email(value, run).items():
            pairs, existing[email] = _pair(entries, existing.get(email, []))
            for entry, match in pairs:
                if match is None:
                    new.append(Contact(**entry))
                    run.added(self.noun, str(new[-1]))
                elif self._take_over(entry, match, run):
                    changed.append(match)
        Contact.objects.bulk_create(new, batch_size=BATCH)
        Contact.objects.bulk_update(changed, ["email", "name", "company"], batch_size=BATCH)
        self._unlisted = list(itertools.chain.from_iterable(existing.values()))

    def unlisted(self) -> list[str]:
        return [str(contact) for contact in self._unlisted]

    def remove_unlisted(self, run: ImportRun) -> None:
        for contact in sorted(self._unlisted, key=lambda contact: (contact.email.lower(), contact.name)):
            run.removed(self.noun, str(contact))
            contact.delete()

    def _entries_by_email(self, value: Any, run: ImportRun) -> dict[str, list[Entry]]:
        """What the file holds, by lower-case address. A missing company is unknown, not empty."""
        found: dict[str, list[Entry]] = {}
        for index, item in enumerate(read_list(value, self.name)):
            where = f"{self.name}[{index}]"
            mapping = read_mapping(item, where, [field.name for field in self.fields])
            missing = [name for name in ("email", "name") if name not in mapping]
            if missing:
                raise ConfigurationError(where, f"the key {missing[0]} is missing.")
            entry: Entry = {
                field.name: field.read(mapping[field.name], f"{where}.{field.name}", run.references)
                for field in self.fields
                if field.name in mapping
            }
            if normalise_address(entry["email"]) is None:
                raise ConfigurationError(f"{where}.email", f'"{entry["email"]}" is not an email address.')
            found.setdefault(entry["email"].lower(), []).append(entry)
        return found

    def _take_over(self, entry: Entry, contact: Contact, run: ImportRun) -> bool:
        """Whether anything differed."""
        label = str(contact)
        differences = {name: value for name, value in entry.items() if getattr(contact, name) != value}
        for name, value in differences.items():
            run.changed(self.noun, label, describe_change(name, getattr(contact, name), value))
            setattr(contact, name, value)
        return bool(differences)


def _pair(entries: list[Entry], existing: list[Contact]) -> tuple[list[tuple[Entry, Contact | None]], list[Contact]]:
    """Each entry with the contact it means - the one of that name, or the only one left for the only entry left - and
    the contacts that no entry means."""
    left = list(existing)
    pairs: list[tuple[Entry, Contact | None]] = []
    unmatched = []
    for entry in entries:
        same = next((contact for contact in left if contact.name == entry["name"]), None)
        if same is None:
            unmatched.append(entry)
        else:
            left.remove(same)
            pairs.append((entry, same))
    if len(unmatched) == 1 and len(left) == 1:
        return [*pairs, (unmatched[0], left[0])], []
    return pairs + [(entry, None) for entry in unmatched], left


def all_sections() -> list[Section]:
    # Templates first: routing addresses name them.
    return [EmailTemplates(), QuickTexts(), *routing_sections(), CaseStatuses(), CaseFields(), Contacts()]


def export_configuration(*, without: Collection[str] = ()) -> str:
    """The configuration as YAML; the same text for the same configuration. `without`: names of sections."""
    return write_yaml(export_document([section for section in all_sections() if section.name not in without]))


def import_configuration(
    text: str,
    *,
    dry_run: bool = False,
    delete: bool = False,
    by: User | None = None,
    announce: Callable[[ImportRun], None] | None = None,
) -> ImportRun:
    """Merge a YAML text into this instance. ConfigurationError: nothing was written, and the error says why.

    `announce` hears of the changes before they are committed; an error that it raises stops them.
    """
    try:
        document = read_yaml(text)
        return import_document(document, all_sections(), dry_run=dry_run, delete=delete, by=by, announce=announce)
    except ConfigurationError as error:
        raise with_line(error, text) from error.__cause__


def with_line(error: ConfigurationError, text: str) -> ConfigurationError:
    """The error with the line of the file that it is about."""
    try:
        error.line = line_of(text, error.where)
    except (yaml.YAMLError, ValueError, RecursionError):
        error.line = None  # the text is not YAML at all; the error says where
    return error
