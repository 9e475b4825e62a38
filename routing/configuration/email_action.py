"""The Email action: the predefined From for all cases, and From and template of each record type.

A section of its own, after the addresses: record types and settings, which keep the values, come before them.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import Field, fields_of, read_list, read_mapping
from routing.configuration.importing import ImportRun, Section, write_fields
from routing.models import EmailToCaseSettings, RecordType


class EmailAction(Section):
    name = "email_action"
    noun = "email action"

    def __init__(self) -> None:
        self.for_all: tuple[Field, ...] = fields_of(EmailToCaseSettings, names=["default_from"])
        self.for_type: tuple[Field, ...] = fields_of(RecordType, names=["default_from", "default_template"])
        self._listed: set[str] = set()

    def export(self) -> dict[str, Any]:
        settings_row = EmailToCaseSettings.load()
        types = RecordType.objects.select_related("default_from", "default_template").order_by("name")
        of_types = [
            {"name": each.name, **{field.name: field.show(each) for field in self.for_type}}
            for each in types
            if each.default_from_id or each.default_template_id
        ]
        return {**{field.name: field.show(settings_row) for field in self.for_all}, "record_types": of_types}

    def merge(self, value: Any, run: ImportRun) -> None:
        entry = read_mapping(value, self.name, ["default_from", "record_types"])
        row = EmailToCaseSettings.load()
        self._write(row, self.for_all, {key: entry[key] for key in entry if key == "default_from"}, self.name, run)
        for index, item in enumerate(read_list(entry.get("record_types"), f"{self.name}.record_types")):
            where = f"{self.name}.record_types[{index}]"
            of_type = read_mapping(item, where, ["name", *(field.name for field in self.for_type)])
            if "name" not in of_type:
                raise ConfigurationError(where, "the key name is missing.")
            record_type = run.references.find(RecordType, str(of_type["name"]), f"{where}.name")
            self._listed.add(record_type.name)
            self._write(record_type, self.for_type, of_type, where, run)

    def remove_unlisted(self, run: ImportRun) -> None:
        """Record types that the file does not list have no predefined values."""
        for record_type in RecordType.objects.exclude(name__in=self._listed):
            nothing = {field.name: None for field in self.for_type}
            self._write(record_type, self.for_type, nothing, self.name, run)

    def _write(self, row: Any, fields: tuple[Field, ...], entry: dict[str, Any], where: str, run: ImportRun) -> None:
        differences = write_fields(row, fields, entry, where, run)
        if not differences:
            return
        try:
            row.full_clean()
        except ValidationError as error:
            raise configuration_error(where, error) from error
        row.save()
        name = row.name if isinstance(row, RecordType) else ""
        for difference in differences:
            run.changed(self.noun, name, difference)
