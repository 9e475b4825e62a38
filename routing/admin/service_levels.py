from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from routing.admin.access import AuditedAdmin
from routing.models import ServiceLevel


@admin.register(ServiceLevel)
class ServiceLevelAdmin(AuditedAdmin):
    empty_words = _(
        "A service level promises a first answer and an end of cases within a time. Cases that are opened after "
        "it get its clocks."
    )
    list_display = ["name", "position", "holds_for", "first_response", "resolution", "escalate_to_queue", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["record_type", "escalate_to_queue"]
    search_fields = ["name"]
    ordering = ["position", "id"]
    fieldsets = [
        (
            None,
            {
                "description": _("How soon a case is answered and solved. Switched off, it holds for no new case."),
                "fields": ["name", "is_active"],
            },
        ),
        (
            _("Which cases"),
            {
                "description": _(
                    "Of the active service levels, in their order, the first one that fits a new case holds for it. "
                    "Cases older than the service level have no clock."
                ),
                "fields": ["position", "record_type", "priority"],
            },
        ),
        (
            _("What is promised"),
            {
                "description": _("Minutes of business time. Leave one empty to promise only the other."),
                "fields": ["first_response_minutes", "resolution_minutes", "business_hours"],
            },
        ),
        (
            _("When time runs out"),
            {
                "description": _("Lists and cases say when a promise is near its end, and when it is broken."),
                "fields": ["warn_percent", "escalate_to_queue"],
            },
        ),
    ]

    @admin.display(description=_("cases"))
    def holds_for(self, level: ServiceLevel) -> str:
        parts = [str(level.record_type or ""), str(level.get_priority_display())]
        return ", ".join(part for part in parts if part) or _now("all")

    @admin.display(description=_("first answer"), ordering="first_response_minutes")
    def first_response(self, level: ServiceLevel) -> Any:
        return _span(level.first_response_minutes)

    @admin.display(description=_("solution"), ordering="resolution_minutes")
    def resolution(self, level: ServiceLevel) -> Any:
        return _span(level.resolution_minutes)


def _span(minutes: int | None) -> str:
    if minutes is None:
        return "-"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _now("%d min") % rest
    return _now("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest} if rest else _now("%d h") % hours
