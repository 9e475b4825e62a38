"""The Email action: which address, and which template, a reply starts with, for all cases and by record type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from routing import audit
from routing.admin.access import signed_in
from routing.models import EmailTemplate, EmailToCaseSettings, RecordType, RoutingAddress
from routing.sender_overview import count_senders
from routing.sending_rules import refusal_by_state

URL_NAME = "routing_recordtype_email_action"
NOTHING = ("", _("– none –"))


@dataclass(frozen=True, slots=True)
class AddressLine:
    """One address as the page explains it. `fault`: why no reply can start with it now, "" when it can."""

    address: RoutingAddress
    senders: str
    fault: str


@dataclass(frozen=True, slots=True)
class TypeRow:
    record_type: RecordType
    from_field: forms.BoundField
    template_field: forms.BoundField
    chosen: AddressLine | None
    template_fault: str


class EmailActionForm(forms.Form):
    """A From for all cases, and a From and a template for each record type."""

    def __init__(
        self,
        *args: Any,
        organisation: EmailToCaseSettings,
        record_types: Sequence[RecordType],
        lines: Sequence[AddressLine],
        templates: Sequence[EmailTemplate],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.organisation, self.record_types = organisation, record_types
        addresses = [
            NOTHING,
            *(
                (str(line.address.pk), f"{line.address}" + (f" – {line.fault}" if line.fault else ""))
                for line in lines
            ),
        ]
        texts = [
            NOTHING,
            *(
                (str(each.pk), each.name if each.is_active else gettext("%s (switched off)") % each)
                for each in templates
            ),
        ]
        self.fields["default_from"] = self._choice(addresses, organisation.default_from_id, _("From for all cases"))
        for each in record_types:
            label = _("From for cases of the type %(type)s") % {"type": each.name}
            self.fields[f"from_{each.pk}"] = self._choice(addresses, each.default_from_id, label)
            label = _("Template for cases of the type %(type)s") % {"type": each.name}
            self.fields[f"template_{each.pk}"] = self._choice(texts, each.default_template_id, label)

    @staticmethod
    def _choice(choices: Sequence[tuple[Any, Any]], chosen: int | None, label: Any) -> forms.ChoiceField:
        return forms.ChoiceField(
            choices=choices, required=False, initial=str(chosen or ""), label=label, widget=UnfoldAdminSelectWidget
        )

    def chosen(self, name: str) -> int | None:
        value = self.cleaned_data[name]
        return int(value) if value else None


def email_action_page(request: HttpRequest, context: dict[str, Any], *, may_change: bool) -> HttpResponse:
    """The page, and its POST. Seven queries for any number of addresses and record types."""
    lines = address_lines()
    record_types = list(RecordType.objects.select_related("default_from", "default_template"))
    organisation = EmailToCaseSettings.load()
    form = EmailActionForm(
        request.POST if request.method == "POST" and may_change else None,
        organisation=organisation,
        record_types=record_types,
        lines=lines,
        templates=list(EmailTemplate.objects.only("name", "is_active")),
    )
    if form.is_bound and form.is_valid():
        changed = save_email_action(form, by=request)
        if changed:
            messages.success(request, gettext("Saved. Replies that are begun from now on start with these values."))
        return HttpResponseRedirect(reverse(f"admin:{URL_NAME}"))
    by_key = {line.address.pk: line for line in lines}
    rows = [
        TypeRow(
            each,
            form[f"from_{each.pk}"],
            form[f"template_{each.pk}"],
            chosen=line_of(each.default_from, by_key),
            template_fault=template_fault(each.default_template),
        )
        for each in record_types
    ]
    context |= {
        "title": _("Email action"),
        "form": form,
        "rows": rows,
        "for_all": line_of(organisation.default_from, by_key),
        "lines": lines,
        "may_change": may_change,
    }
    return TemplateResponse(request, "routing/admin/email_action.html", context)


def address_lines() -> list[AddressLine]:
    addresses = list(RoutingAddress.objects.not_deleted())
    counts = count_senders(addresses)
    lines = []
    for address in addresses:
        count = counts[address.pk]
        refusal = refusal_by_state(address)
        words = ngettext("%(count)s person can send", "%(count)s people can send", count) % {"count": count}
        fault = refusal.because if refusal else "" if count else gettext("Nobody can send from it.")
        lines.append(AddressLine(address, words, fault))
    return lines


def line_of(address: RoutingAddress | None, by_key: dict[int, AddressLine]) -> AddressLine | None:
    """A predefined address may have been deleted since."""
    if address is None:
        return None
    return by_key.get(address.pk) or AddressLine(address, "", gettext("The routing address was deleted."))


def template_fault(template: EmailTemplate | None) -> str:
    return "" if template is None or template.is_active else gettext("The template is switched off: none is used.")


@transaction.atomic
def save_email_action(form: EmailActionForm, *, by: HttpRequest) -> bool:
    """Whether anything changed. Each changed row leaves its line in the audit log."""
    wanted: list[tuple[EmailToCaseSettings | RecordType, dict[str, int | None]]] = [
        (form.organisation, {"default_from_id": form.chosen("default_from")})
    ]
    for each in form.record_types:
        values = {
            "default_from_id": form.chosen(f"from_{each.pk}"),
            "default_template_id": form.chosen(f"template_{each.pk}"),
        }
        wanted.append((each, values))
    changed = False
    for row, values in wanted:
        before = audit.snapshot(row)
        for name, value in values.items():
            setattr(row, name, value)
        if differences := audit.changes(before, audit.snapshot(row)):
            row.save(update_fields=[name.removesuffix("_id") for name in values])
            audit.record("email-action-changed", row, by=signed_in(by), changes=differences)
            changed = True
    return changed
