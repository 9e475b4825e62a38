"""Who was refused to send, and who was allowed to: read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from cases.admin.case import case_link
from cases.admin.history import HistoryAdmin, isolated, short_time
from cases.admin.who_can_send import address_page, user_page
from cases.models import SendDecision


@admin.register(SendDecision)
class SendDecisionAdmin(HistoryAdmin):
    empty_words = _("Each answer to “may this user send from this address?” that counted stands here.")
    list_display = ["when", "allowed", "who", "sender", "stage", "on_case", "why"]
    list_filter = ["allowed", ("stage", ChoicesDropdownFilter)]
    list_select_related = ["case", "address"]
    search_fields = ["id"]
    search_help_text = _("The number of the decision")
    fields = ["at", "allowed", "who", "sender", "stage", "on_case", "why", "outbox"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SendDecision]:
        return super().get_queryset(request).select_related("case", "address").defer("case__description")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("address/<int:address_id>/", view(self.address_view), name="cases_senddecision_of_address"),
            path("user/<int:user_id>/", view(self.user_view), name="cases_senddecision_of_user"),
            *super().get_urls(),
        ]

    def address_view(self, request: HttpRequest, address_id: int) -> HttpResponse:
        return address_page(request, address_id, self.admin_site.each_context(request))

    def user_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        return user_page(request, user_id, self.admin_site.each_context(request))

    @display(description=_("at"))
    def when(self, decision: SendDecision) -> SafeString | str:
        return short_time(decision.at)

    @display(description=_("user"))
    def who(self, decision: SendDecision) -> SafeString:
        return isolated(decision.user_name or "–")

    @display(description=_("address"))
    def sender(self, decision: SendDecision) -> SafeString:
        return isolated(decision.address.email_address)

    @display(description=_("because"))
    def why(self, decision: SendDecision) -> SafeString:
        return isolated(decision.because)

    @display(description=_("case"))
    def on_case(self, decision: SendDecision) -> Any:
        return case_link(decision.case)
