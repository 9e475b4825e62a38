from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from routing.admin.access import can_configure
from routing.admin.email_action import URL_NAME, email_action_page
from routing.admin.one_default import OneDefaultAdmin
from routing.models import RecordType


@admin.register(RecordType)
class RecordTypeAdmin(OneDefaultAdmin):
    list_display = ["name", "is_default", "default_from", "default_template", "requires_approval", "description"]
    list_select_related = ["default_from", "default_template"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    fieldsets = [
        (
            None,
            {
                "description": _("A kind of case, stamped by the routing address that the customer wrote to."),
                "fields": ["name", "description", "is_default", "requires_approval", "asks_satisfaction"],
            },
        )
    ]

    def get_urls(self) -> list[URLPattern]:
        page = path("email-action/", self.admin_site.admin_view(self.email_action_view), name=URL_NAME)
        return [page, *super().get_urls()]

    def email_action_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = self.admin_site.each_context(request)
        return email_action_page(request, context, may_change=can_configure(request))
