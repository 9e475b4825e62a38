"""The list of routing addresses by their state."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from routing.models import RoutingAddress
from routing.permission_sets import addresses_without_senders


class StateFilter(DropdownFilter):
    """Deleted addresses are hidden until asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("verified", _("Verified")),
            ("unverified", _("Not verified")),
            ("inactive", _("Switched off")),
            ("no_sender", _("Controlled, nobody can send")),
            ("deleted", _("Deleted")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RoutingAddress]) -> QuerySet[RoutingAddress]:
        value = self.value()
        if value == "deleted":
            return queryset.filter(deleted_at__isnull=False)
        queryset = queryset.filter(deleted_at__isnull=True)
        if value == "verified":
            return queryset.filter(pk__in=RoutingAddress.objects.verified().values("pk"))
        if value == "unverified":
            return queryset.exclude(pk__in=RoutingAddress.objects.verified().values("pk"))
        if value == "inactive":
            return queryset.filter(is_active=False)
        if value == "no_sender":
            return queryset.filter(pk__in=addresses_without_senders().values("pk"))
        return queryset
