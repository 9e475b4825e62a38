from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from routing.admin.access import AuditedAdmin
from routing.models import RecordType


@admin.register(RecordType)
class RecordTypeAdmin(AuditedAdmin):
    list_display = ["name", "is_default", "default_from", "default_template", "requires_approval", "description"]
    list_select_related = ["default_from", "default_template"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    fieldsets = [
        (
            None,
            {
                "description": _("A kind of case, stamped by the routing address that the customer wrote to."),
                "fields": ["name", "description", "is_default", "requires_approval"],
            },
        )
    ]
