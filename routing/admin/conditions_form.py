"""Conditions in a form: JSON in a text area, which a script turns into rows of "field - operator - value".

Without JavaScript the text area stays and is what people write; either way the server reads the same JSON, and its
sentences name the place that is wrong.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from routing.choices import Origin, Priority
from routing.conditions import FIELDS, MOST_DEPTH, OPERATORS, WORDS, BadConditions, read_conditions
from routing.models import RecordType, RoutingAddress

__all__ = ["ConditionsField", "conditions_in_words", "vocabulary"]

MOST_SUGGESTED = 200  # routing addresses, or record types, that the form offers
AUTHENTICATION_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")


class ConditionsWidget(UnfoldAdminTextareaWidget):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 4, "spellcheck": "false", "data-conditions": "", **(attrs or {})})


class ConditionsField(forms.JSONField):
    """Empty: always. Shown with its keys in the order in which people read them."""

    widget = ConditionsWidget
    default_error_messages = {
        "invalid": gettext_lazy("This is not JSON. Use the rows, or write it as {“all”: [...]}; see the help below.")
    }

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return {} if found is None else found

    def prepare_value(self, value: Any) -> Any:
        if value in ({}, None):
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """What reads the same is no change: the script writes {} where nothing was, and JSON has no fixed spaces."""
        try:
            return bool(self.to_python(data) != (initial or {}))
        except forms.ValidationError:
            return True


def conditions_in_words(stored: Any) -> str:
    """ "Subject contains “invoice”", or what is wrong with it."""
    try:
        return str(read_conditions(stored))
    except BadConditions as error:
        return _("cannot be read: %(why)s") % {"why": error}


def vocabulary() -> dict[str, Any]:
    """What the script offers: fields, operators, and the values that a field is known to take. Two queries."""
    addresses = RoutingAddress.objects.not_deleted().values_list("email_address", flat=True)[:MOST_SUGGESTED]
    values = {
        "priority": list(Priority.values),
        "origin": list(Origin.values),
        "record_type": list(RecordType.objects.values_list("name", flat=True)[:MOST_SUGGESTED]),
        "routing_address": list(addresses),
        **{name: list(AUTHENTICATION_RESULTS) for name in ("spf", "dkim", "dmarc")},
    }
    return {
        "fields": {
            name: {"label": field.label, "kind": field.kind, "values": values.get(name, [])}
            for name, field in FIELDS.items()
        },
        "operators": OPERATORS,
        "words": WORDS,
        "most_depth": MOST_DEPTH,
        "text": {
            "all": _("All of these"),
            "any": _("Any of these"),
            "not": _("None of these"),
            "always": _("Always: no condition."),
            "add_test": _("Add a condition"),
            "add_group": _("Add a group"),
            "remove": _("Remove"),
            "as_text": _("Show as text"),
            "as_rows": _("Show as rows"),
            "yes": _("yes"),
            "no": _("no"),
            "field": _("Field"),
            "operator": _("Operator"),
            "value": _("Value"),
            "several": _("separated by commas"),
            "unreadable": _("The text cannot be shown as rows: correct it first."),
            "group": _("Conditions hold when"),
        },
    }
