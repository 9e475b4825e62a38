"""Fields of a company's own: which ones a case has, and what may stand in them (Case.custom_fields)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change, seen_is_current
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, CaseField

__all__ = ["ShownField", "fields_of", "set_field"]

LONGEST_TEXT = 1000
Kind = CaseField.Kind


@dataclass(frozen=True, slots=True)
class ShownField:
    field: CaseField
    value: Any  # as stored; None: not set
    words: str
    choices: tuple[str, ...] = ()


def fields_of(case: Case) -> list[ShownField]:
    """The active fields that cases of this type have, with their values. One statement."""
    return [
        ShownField(
            field, value := case.custom_fields.get(field.slug), words_of(field, value), tuple(choices_of(field))
        )
        for field in fields_for(case.record_type_id)
    ]


def fields_for(record_type_id: int) -> Iterable[CaseField]:
    return CaseField.objects.filter(
        Q(record_types=record_type_id) | Q(record_types__isnull=True), is_active=True
    ).distinct()


def choices_of(field: CaseField) -> list[str]:
    return [line.strip() for line in field.choices.splitlines() if line.strip()] if field.kind == Kind.CHOICE else []


def words_of(field: CaseField, value: Any) -> str:
    if value is None:
        return ""
    if field.kind == Kind.CHECKBOX:
        return _("Yes") if value else _("No")
    if field.kind == Kind.DATE:
        try:
            return date_format(date.fromisoformat(str(value)), "DATE_FORMAT")
        except ValueError:  # the kind of the field was changed after the value was given
            return str(value)
    return str(value)


def read_value(field: CaseField, text: str) -> str | bool | None:
    """What is stored for what was typed: a checked text, a number or date in its one spelling. None: nothing.

    Raises CannotChange with a sentence that says what is expected.
    """
    text = clean_text(text).strip()
    if field.kind == Kind.CHECKBOX:
        return text.lower() in ("1", "on", "true", "yes")
    if not text:
        return None
    match field.kind:
        case Kind.NUMBER:
            return _number(text)
        case Kind.DATE:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError as error:
                raise CannotChange(_("Write the date as 2026-12-31."), field="value") from error
        case Kind.CHOICE:
            if text not in choices_of(field):
                raise CannotChange(_("Choose one of the values."), field="value")
            return text
    if len(text) > LONGEST_TEXT:
        raise CannotChange(_("At most %(most)d characters.") % {"most": LONGEST_TEXT}, field="value")
    return text


def _number(text: str) -> str:
    """In one spelling, as text: JSON's numbers would round it."""
    try:
        number = Decimal(text.replace(" ", "").replace(",", "."))
    except InvalidOperation as error:
        raise CannotChange(_("Write a number, such as 12 or 12.5."), field="value") from error
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise CannotChange(_("Write a number, such as 12 or 12.5."), field="value")
    return f"{number:f}"


@transaction.atomic
def set_field(*, case: Case, slug: str, text: str, by: Any, seen: str | None = None) -> CaseEvent | None:
    """Give a field another value; the other fields of the case stay as they are even when two people save at once."""
    case = case_to_change(case, by=by)
    field = next((each for each in fields_for(case.record_type_id) if each.slug == slug), None)
    if field is None:
        raise CannotChange(_("This case has no such field."), field="value")
    value, was = read_value(field, text), case.custom_fields.get(slug)
    if value == was or (value is False and was is None):
        return None
    current = "" if was is None else str(was)
    words = _("Somebody wrote “%(value)s” here meanwhile.") % {"value": words_of(field, was)}
    seen_is_current(seen, current, words=words)
    values = {**case.custom_fields, slug: value}
    if value is None:
        del values[slug]
    Case.objects.filter(pk=case.pk).update(custom_fields=values)
    return CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.FIELD_CHANGED,
        actor=by,
        because=f"{field.label}: {words_of(field, value) or '–'}"[:500],
        detail={"slug": slug, "was": was, "now": value},
    )
