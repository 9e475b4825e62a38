"""What may be edited: contacts, and the statuses, tags and fields of cases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from cases.admin.history import BoundedPaginator
from cases.models import CaseField, CaseStatus, Contact, Tag
from routing.admin.access import AuditedAdmin
from routing.admin.one_default import OneDefaultAdmin, OneDefaultForm


class CaseStatusForm(OneDefaultForm):
    def clean(self) -> dict[str, Any]:
        """The constraint says the same; it is not asked of forms that may take the mark from another row."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_default") and cleaned.get("is_closed"):
            self.add_error("is_default", _("A new case cannot start closed."))
        return cleaned


@admin.register(CaseStatus)
class CaseStatusAdmin(OneDefaultAdmin):
    form = CaseStatusForm
    list_display = ["label", "is_closed", "is_default", "position"]
    fieldsets = [
        (
            None,
            {
                "description": _("Where a case stands. New cases get the default; a closed status ends the work."),
                "fields": ["label", "is_closed", "is_default", "position"],
            },
        )
    ]


@admin.register(CaseField)
class CaseFieldAdmin(AuditedAdmin):
    empty_words = _("A case field is a value of your own on every case, such as an order number.")
    list_display = ["label", "kind", "slug", "is_active", "position"]
    prepopulated_fields = {"slug": ["label"]}
    filter_horizontal = ["record_types"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A field of your own on the case page. Switched off, its values are kept, not shown."
                ),
                "fields": ["label", "slug", "kind", "choices", "help_text", "record_types", "position", "is_active"],
            },
        )
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The values of cases stand under the key."""
        return ["slug"] if obj is not None else []

    def more_values(self, row: Any) -> dict[str, str]:
        names = row.record_types.order_by("name").values_list("name", flat=True) if row.pk else []
        return {"record_types": ", ".join(names)}

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj is not None else {"slug": ["label"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # switched off instead: cases keep what was written


@admin.register(Tag)
class TagAdmin(AuditedAdmin):
    empty_words = _("A tag is a word by which reps find cases again.")
    list_display = ["name"]
    paginator = BoundedPaginator
    show_full_result_count = False
    search_fields = ["name"]
    fieldsets = [
        (
            None,
            {
                "description": _("A word that reps put on cases. Renamed here, it is renamed on all of them."),
                "fields": ["name"],
            },
        )
    ]


@admin.register(Contact)
class ContactAdmin(ModelAdmin):
    empty_words = _("A contact is a customer who is known by name and address. Reps make one from a mail.")
    list_display = ["name", "email", "company"]
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    search_fields = ["email"]
    search_help_text = _("The whole email address")
    ordering = ["-id"]
    sortable_by: Any = ()
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A person outside. Mail from exactly one contact's address is shown under their name."
                ),
                "fields": ["name", "email", "company"],
            },
        )
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        term = search_term.strip()
        return (queryset.filter(email__iexact=term) if term else queryset), False
