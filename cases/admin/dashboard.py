"""The figures on the first page of the back office: what waits for a person, and what providers could not deliver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Min, Model, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import InboundEmail, LoopTest, Outbox, RefusedCall
from cases.selectors.canaries import missing_canaries
from cases.selectors.visible import may_view_all_cases
from routing.admin.access import can_configure
from routing.models import RoutingAddress

COUNTED_TO = 1_000
MISSING_CANARIES = "result=missing_now"
LATE_AFTER = timedelta(minutes=2)  # an unsettled mail of this age says that no worker is at work


@dataclass(frozen=True, slots=True)
class Figure:
    label: str | Promise
    value: str
    explanation: str | Promise
    url: str
    is_bad: bool


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK. Seven statements, each over rows that an index gives, none over the whole table."""
    if can_configure(request) or request.user.has_perm("cases.view_inboundemail"):
        context["figures"] = figures(timezone.now(), request)
    context["may_see_figures"] = may_see_figures(request)
    context["begins_here"] = can_configure(request) and not _is_in_use()
    return context


def _is_in_use() -> bool:
    """Whether a verified address has seen mail come through its forward: until then the first steps are offered."""
    return RoutingAddress.objects.not_deleted().verified().filter(forwarding_seen_at__isnull=False).exists()


def may_see_figures(request: HttpRequest) -> bool:
    """Whoever configures, works on inbound mail or sees every case: the figures count cases of everybody."""
    user = request.user
    return can_configure(request) or user.has_perm("cases.view_inboundemail") or may_view_all_cases(user)


def list_of(request: HttpRequest, model: type[Model], asked: str = "") -> str:
    """The list behind a figure, as the query `asked` narrows it; "" for those who may not open it."""
    if not admin.site.get_model_admin(model).has_view_permission(request):
        return ""
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{listed}?{asked}" if asked else listed


def figures(now: datetime, request: HttpRequest) -> list[Figure]:
    quarantined = _bounded(InboundEmail.objects.filter(state=InboundEmail.State.QUARANTINED))
    held = _bounded(InboundEmail.objects.filter(state=InboundEmail.State.HELD))
    oldest = InboundEmail.objects.filter(state__in=InboundEmail.UNSETTLED).aggregate(at=Min("received_at"))["at"]
    refused = RefusedCall.objects.filter(hour__gte=now - timedelta(hours=24)).aggregate(n=Sum("count"))["n"] or 0
    uncertain = _bounded(Outbox.objects.filter(state=Outbox.State.UNCERTAIN))
    missing = missing_canaries(now).count()
    return [
        Figure(
            _("Quarantined mail"),
            _said(quarantined),
            _("needs a person"),
            list_of(request, InboundEmail, "state__exact=quarantined"),
            quarantined > 0,
        ),
        Figure(
            _("Held mail"),
            _said(held),
            _("waits for a limit or a click"),
            list_of(request, InboundEmail, "state__exact=held"),
            False,
        ),
        Figure(
            _("Oldest unsettled mail"),
            _age(now - oldest) if oldest else "–",
            _("since it was received"),
            list_of(request, InboundEmail, "state__exact=received"),
            oldest is not None and now - oldest > LATE_AFTER,
        ),
        Figure(
            _("Refused calls"),
            f"{refused:,}",
            _("webhooks turned away in 24 hours"),
            list_of(request, RefusedCall),
            refused > 0,
        ),
        Figure(
            _("Uncertain sends"),
            _said(uncertain),
            _("the provider's answer was lost"),
            list_of(request, Outbox, "state__exact=uncertain"),
            uncertain > 0,
        ),
        Figure(
            _("Missing canaries"),
            str(missing),
            _("addresses whose last one did not come back"),
            list_of(request, LoopTest, MISSING_CANARIES),
            missing > 0,
        ),
    ]


def _bounded(rows: Any) -> int:
    return int(rows.order_by()[:COUNTED_TO].count())


def _said(count: int) -> str:
    return f"{COUNTED_TO - 1}+" if count >= COUNTED_TO else str(count)


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
