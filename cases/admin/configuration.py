"""What may be edited: contacts and the statuses of cases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from cases.admin.history import BoundedPaginator
from cases.models import CaseStatus, Contact
from routing.admin.access import AuditedAdmin


@admin.register(CaseStatus)
class CaseStatusAdmin(AuditedAdmin):
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


@admin.register(Contact)
class ContactAdmin(ModelAdmin):
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
