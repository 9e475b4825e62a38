"""Mail on its way out, and what providers reported about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from cases.admin.case import case_link
from cases.admin.history import HistoryAdmin, is_key, isolated, short_time
from cases.models import Outbox, TrackingRequest

STATE_COLOURS = {
    Outbox.State.SENT: "success",
    Outbox.State.UNCERTAIN: "warning",
    Outbox.State.FAILED: "danger",
}


@admin.register(Outbox)
class OutboxAdmin(HistoryAdmin):
    empty_words = _("Every mail that leaves stands here: replies, notices, automatic answers and tests.")
    list_display = ["when", "state_label", "kind", "to", "about", "on_case", "result"]
    list_filter = [("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter)]
    list_select_related = ["case"]
    search_fields = ["recipient"]
    search_help_text = _("The number of the outgoing mail, or its message identifier")
    fields = [
        "state",
        "result",
        "kind",
        "to",
        "about",
        "on_case",
        "from_address",
        "created_at",
        "not_before",
        "sent_at",
        "attempts",
        "human_resends",
        "message_identifier",
        "provider_id",
    ]
    readonly_fields = ["result", "to", "about", "on_case"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outbox]:
        return super().get_queryset(request).select_related("case").defer("text_body", "case__description")

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(pk=int(term)) if is_key(term) else rows.filter(message_identifier=term)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, mail: Outbox) -> tuple[str, str]:
        return mail.state, mail.get_state_display()

    @display(description=_("created"))
    def when(self, mail: Outbox) -> SafeString | str:
        return short_time(mail.created_at)

    @display(description=_("result"))
    def result(self, mail: Outbox) -> SafeString:
        return isolated(mail.detail or "–")

    @display(description=_("to"))
    def to(self, mail: Outbox) -> SafeString:
        return isolated(mail.recipient)

    @display(description=_("subject"))
    def about(self, mail: Outbox) -> SafeString:
        return isolated(mail.subject)

    @display(description=_("case"))
    def on_case(self, mail: Outbox) -> SafeString | str:
        return case_link(mail.case)


@admin.register(TrackingRequest)
class TrackingRequestAdmin(HistoryAdmin):
    empty_words = _("What providers report about mail that left: delivered, bounced, complained about.")
    list_display = ["received_at", "provider", "state", "reason"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["id"]
    search_help_text = _("The number of the request")
    fields = ["received_at", "provider", "state", "reason", "attempts", "settled_at", "remote_address", "last_error"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrackingRequest]:
        return super().get_queryset(request).defer("headers", "query")
