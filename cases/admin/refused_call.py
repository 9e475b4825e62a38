"""Webhook calls that were turned away: a provider with a wrong password shows here before anybody misses mail."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from cases.admin.history import HistoryAdmin
from cases.models import RefusedCall


@admin.register(RefusedCall)
class RefusedCallAdmin(HistoryAdmin):
    empty_words = _("Calls of webhooks with a wrong password or signature are counted here by the hour. None is good.")
    list_display = ["hour", "provider", "reason", "count", "last_at", "last_remote_address"]
    list_filter = [("hour", RangeDateTimeFilter)]
    search_fields = ["id"]
    search_help_text = _("The number of the row")
    fields = list_display
