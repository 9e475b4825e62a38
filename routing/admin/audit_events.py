"""The audit log: to read, never to edit."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from routing.admin.access import can_configure
from routing.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ModelAdmin):
    list_display = ["at", "who", "deed", "target", "in_short"]
    list_display_links = ["at"]
    list_filter = [("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_select_related = ["actor"]
    list_per_page = 50
    # The table only grows: counting all of it for every page would take ever longer.
    show_full_result_count = False
    search_fields = ["action", "target", "actor__username"]
    search_help_text = _("Action, what it was done to, or user name")
    ordering = ["-id"]
    sortable_by: list[str] = []
    actions = None
    fields = ["at", "who", "deed", "target", "what_changed"]
    readonly_fields = fields

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return can_configure(request) or super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_configure(request) or super().has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        return super().get_queryset(request).select_related("actor")

    @admin.display(description=_("by"))
    def who(self, event: AuditEvent) -> Any:
        return event.actor or _("the system")

    @admin.display(description=_("action"))
    def deed(self, event: AuditEvent) -> str:
        return event.action.replace("-", " ").replace("_", " ").capitalize()

    @admin.display(description=_("detail"))
    def in_short(self, event: AuditEvent) -> str:
        lines = [f"{name}: {words}" if name else words for name, words in _lines(event.detail) if words]
        return Truncator("; ".join(lines)).chars(120) or "-"

    @admin.display(description=_("detail"))
    def what_changed(self, event: AuditEvent) -> SafeString | str:
        return format_html_join("", '<div class="e2c-change"><b>{}</b> {}</div>', _lines(event.detail)) or "-"


def _lines(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, words) of a detail: changes as "before → after", all else as it stands. What a configuration file changed
    is lines already, without a name.
    """
    changes = detail.get("changes") or {}
    if isinstance(changes, dict):
        lines = [
            (name.replace("_", " "), f"{_said(values[0])} → {_said(values[1])}") for name, values in changes.items()
        ]
    else:
        lines = [("", _said(line)) for line in changes]
    lines += [(name.replace("_", " "), _said(value)) for name, value in detail.items() if name != "changes"]
    return lines


def _said(value: Any) -> str:
    if value in (None, ""):
        return str(_("empty"))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
