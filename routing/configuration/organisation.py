"""Sections for the organisation: record types and the Email-to-Case settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import Owner, fields_of, read_mapping, without
from routing.configuration.importing import ImportRun, RowsSection, Section, write_fields
from routing.configuration.structured import DaysKey, WeekKey
from routing.models import BusinessHours, EmailToCaseSettings, RecordType, ServiceLevel

DEFAULT_OWNER = Owner("default_case_owner", "default_case_owner_user", "default_case_owner_queue")


class RowsWithDefault(RowsSection):
    """Rows of which one is the default: naming another one in a file takes it from the one before."""

    needs_default = True

    def merge(self, value: Any, run: ImportRun) -> None:
        named = [key for _where, key, entry in self.entries(value) if entry.get("is_default") is True]
        if len(named) > 1:
            raise ConfigurationError(self.name, f"only one can be the default, not {' and '.join(named)}.")
        if named:
            for row in self.model._default_manager.filter(is_default=True).exclude(**{self.key: named[0]}):
                row.is_default = False  # type: ignore[attr-defined]
                row.save(update_fields=["is_default"])
                run.changed(self.noun, self.name_of(row), "is_default true -> false")
        super().merge(value, run)

    def check(self, run: ImportRun) -> None:
        if self.needs_default and not self.model._default_manager.filter(is_default=True).exists():
            raise ConfigurationError(self.name, f"no {self.noun} would be the default.")


class RecordTypes(RowsWithDefault):
    name, noun, model, key = "record_types", "record type", RecordType, "name"

    def __init__(self) -> None:
        # What these name comes later in the file: the section email_action has them.
        self.fields = without(fields_of(RecordType), "default_from", "default_template")


class OrganisationHours(RowsWithDefault):
    name, noun, model, key = "business_hours", "business hours", BusinessHours, "name"
    needs_default = False  # without any, clocks never stop

    def __init__(self) -> None:
        plain = fields_of(BusinessHours, names=["name", "time_zone", "is_default"])
        self.fields = (*plain, WeekKey(), DaysKey("holidays"))


class ServiceLevels(RowsSection):
    name, noun, model, key = "service_levels", "service level", ServiceLevel, "name"

    def __init__(self) -> None:
        self.fields = fields_of(ServiceLevel)

    def rows(self) -> Iterable[ServiceLevel]:
        return ServiceLevel.objects.select_related("record_type", "business_hours", "escalate_to_queue")


class Settings(Section):
    """The one row of EmailToCaseSettings: a mapping, not a list."""

    name = "settings"
    noun = "settings"

    def __init__(self) -> None:
        self.fields = without(fields_of(EmailToCaseSettings, owner=DEFAULT_OWNER), "default_from")

    def export(self) -> dict[str, Any]:
        row = EmailToCaseSettings.load()
        return {field.name: field.show(row) for field in self.fields}

    def merge(self, value: Any, run: ImportRun) -> None:
        entry = read_mapping(value, self.name, [field.name for field in self.fields])
        row = EmailToCaseSettings.load()
        is_new = row._state.adding
        differences = write_fields(row, self.fields, entry, self.name, run)
        if not is_new and not differences:
            return
        try:
            row.full_clean()
        except ValidationError as error:
            raise configuration_error(self.name, error) from error
        row.save()
        if is_new:
            run.added(self.noun, "row")
        for difference in differences:
            run.changed(self.noun, "", difference)
