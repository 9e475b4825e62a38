"""The Email-to-Case page, and beside it the whole configuration as one file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path

from cases.admin.configuration_file import configuration_download, configuration_page
from routing.admin.settings_page import EmailToCaseSettingsAdmin
from routing.models import EmailToCaseSettings

__all__ = ["SettingsWithFileAdmin"]


@admin.register(EmailToCaseSettings)
class SettingsWithFileAdmin(EmailToCaseSettingsAdmin):
    def get_urls(self) -> list[URLPattern]:
        pages = {"configuration": self.configuration_view, "configuration/download": self.download_view}
        own = [
            path(
                f"{page}/",
                self.admin_site.admin_view(view),
                name=f"routing_emailtocasesettings_{page.replace('/', '_')}",
            )
            for page, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def configuration_view(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        context: dict[str, Any] = self.admin_site.each_context(request)
        return configuration_page(request, context)

    def download_view(self, request: HttpRequest) -> HttpResponse:
        return configuration_download(request)
