"""What runs by itself, to read: site code that hears of mail, cases that wait for a free rep, test mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from cases.admin.case import case_link
from cases.admin.history import HistoryAdmin, is_key, isolated, short_time
from cases.models import HookRun, LoopTest, Outbox, PendingRouting
from cases.models.case import NUMBER_OFFSET
from cases.selectors.canaries import OVERDUE_AFTER, missing_canaries

HOOK_COLOURS = {
    HookRun.State.DONE: "success",
    HookRun.State.FAILED: "danger",
    HookRun.State.RUNNING: "info",
}
TEST_COLOURS = {"back": "success", "missing": "danger", "under_way": "info"}


def of_case(rows: QuerySet[Any], term: str, path: str) -> QuerySet[Any]:
    """The rows of the case with this number."""
    return rows.filter(**{path: int(term) - NUMBER_OFFSET}) if is_key(term) else rows.none()


@admin.register(HookRun)
class HookRunAdmin(HistoryAdmin):
    empty_words = _("Each call of the site's own code (E2C_HOOKS) stands here.")
    list_display = ["when", "state_label", "hook_shown", "heard", "on_case", "attempts", "ended"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_select_related = ["event__case"]
    search_fields = ["id"]
    search_help_text = _("A case number")
    fields = [
        "state",
        "hook_shown",
        "heard",
        "on_case",
        "created_at",
        "attempts",
        "lease_until",
        "done_at",
        "error",
    ]
    readonly_fields = ["hook_shown", "heard", "on_case", "error"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HookRun]:
        rows = super().get_queryset(request).select_related("event__case")
        return rows.defer("event__because", "event__case__description")

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return of_case(rows, term, "event__case")

    @display(description=_("queued"))
    def when(self, run: HookRun) -> SafeString | str:
        return short_time(run.created_at)

    @display(description=_("state"), label=HOOK_COLOURS)
    def state_label(self, run: HookRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("hook"))
    def hook_shown(self, run: HookRun) -> SafeString:
        return format_html("<code>{}</code>", run.hook)

    @display(description=_("hears"))
    def heard(self, run: HookRun) -> str:
        return run.event.get_kind_display()

    @display(description=_("case"))
    def on_case(self, run: HookRun) -> SafeString | str:
        return case_link(run.event.case)

    @display(description=_("done"))
    def ended(self, run: HookRun) -> SafeString | str:
        return short_time(run.done_at)

    @display(description=_("last error"))
    def error(self, run: HookRun) -> SafeString | str:
        return format_html('<pre class="e2c-pre">{}</pre>', run.last_error) if run.last_error else "–"


@admin.register(PendingRouting)
class PendingRoutingAdmin(HistoryAdmin):
    empty_words = _("Cases stand here while no rep of their flow's step is free.")
    list_display = ["when", "on_case", "flow", "step", "queue", "state"]
    list_filter = [("step__flow", RelatedDropdownFilter)]
    list_select_related = ["case__owner_queue", "step__flow"]
    search_fields = ["id"]
    search_help_text = _("A case number")
    ordering = ["since", "id"]
    fields = ["on_case", "flow", "step", "queue", "since", "state_in_words"]
    readonly_fields = ["on_case", "flow", "queue", "state_in_words"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingRouting]:
        rows = super().get_queryset(request).select_related("case__owner_queue", "step__flow")
        return rows.annotate(version_now=F("case__routing_version")).defer("case__description")

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return of_case(rows, term, "case")

    @display(description=_("waits since"))
    def when(self, pending: PendingRouting) -> SafeString | str:
        return short_time(pending.since)

    @display(description=_("case"))
    def on_case(self, pending: PendingRouting) -> SafeString | str:
        return case_link(pending.case)

    @display(description=_("routing flow"))
    def flow(self, pending: PendingRouting) -> str:
        return str(pending.step.flow)

    @display(description=_("meanwhile in"))
    def queue(self, pending: PendingRouting) -> str:
        return str(pending.case.owner_queue or "–")

    @display(description=_("state"), label={"waits": "info", "taken": "default"})
    def state(self, pending: PendingRouting) -> tuple[str, Any]:
        """Whoever took the case ended the waiting; the next round of the sweeper removes the row."""
        if pending.version_now == pending.routing_version:  # type: ignore[attr-defined]
            return "waits", _("waits")
        return "taken", _("was taken meanwhile")

    @display(description=_("state"))
    def state_in_words(self, pending: PendingRouting) -> str:
        return str(self.state(pending)[1])


class ResultFilter(DropdownFilter):
    title = _("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("back", _("came back")),
            ("under_way", _("under way")),
            ("missing", _("missing")),
            ("missing_now", _("missing, the last canary of its address")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LoopTest]) -> QuerySet[LoopTest]:
        overdue = timezone.now() - OVERDUE_AFTER
        match self.value():
            case "back":
                return queryset.filter(arrived_at__isnull=False)
            case "under_way":
                return queryset.filter(arrived_at__isnull=True, asked_at__gte=overdue)
            case "missing":
                return queryset.filter(arrived_at__isnull=True, asked_at__lt=overdue)
            case "missing_now":
                return queryset.filter(pk__in=missing_canaries(timezone.now()).values("pk"))
        return queryset


@admin.register(LoopTest)
class LoopTestAdmin(HistoryAdmin):
    empty_words = _(
        "A test mail is sent from the page of a routing address, or by its schedule, and shows whether mail comes "
        "back through the forward."
    )
    list_display = ["when", "result", "address", "is_canary", "left", "took", "from_intact", "alerted"]
    list_filter = [ResultFilter, "is_canary"]
    list_select_related = ["routing_address", "outbox"]
    search_fields = ["sent_to"]
    search_help_text = _("The whole address that it is about, or the number of the test mail")
    fields = [
        "result_in_words",
        "address",
        "is_canary",
        "asked_by",
        "asked_at",
        "left",
        "arrived_at",
        "took",
        "recognised",
        "from_intact",
        "authentication",
        "as_received",
        "alerted_at",
    ]
    readonly_fields = ["result_in_words", "address", "left", "took", "recognised", "authentication", "as_received"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoopTest]:
        rows = super().get_queryset(request).select_related("routing_address", "outbox", "asked_by")
        return rows.defer("outbox__text_body")

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(pk=int(term)) if is_key(term) else rows.filter(routing_address__email_address=term.lower())

    @display(description=_("asked"))
    def when(self, test: LoopTest) -> SafeString | str:
        return short_time(test.asked_at)

    @display(description=_("result"), label=TEST_COLOURS)
    def result(self, test: LoopTest) -> tuple[str, Any]:
        if test.arrived_at is not None:
            return "back", _("came back")
        return (
            ("missing", _("missing"))
            if test.asked_at < timezone.now() - OVERDUE_AFTER
            else ("under_way", _("under way"))
        )

    @display(description=_("result"))
    def result_in_words(self, test: LoopTest) -> str:
        return str(self.result(test)[1])

    @display(description=_("by its"))
    def recognised(self, test: LoopTest) -> str:
        return test.matched_by or "–"

    @display(description=_("found on arrival"))
    def authentication(self, test: LoopTest) -> str:
        found = (("SPF", test.spf), ("DKIM", test.dkim), ("DMARC", test.dmarc))
        return ", ".join(f"{name} {verdict}" for name, verdict in found if verdict) or "–"

    @display(description=_("routing address"))
    def address(self, test: LoopTest) -> SafeString:
        return isolated(test.sent_to)

    @display(description=_("sending"))
    def left(self, test: LoopTest) -> SafeString | str:
        words = test.outbox.get_state_display()
        detail = test.outbox.detail if test.outbox.state != Outbox.State.SENT else ""
        link = reverse("admin:cases_outbox_change", args=[test.outbox.pk])
        return format_html('<a class="e2c-link" href="{}">{}</a> {}', link, words, detail)

    @display(description=_("way took"))
    def took(self, test: LoopTest) -> str:
        if test.arrived_at is None:
            return "–"
        return gettext("%(seconds)s s") % {
            "seconds": max(0, round((test.arrived_at - test.asked_at) / timedelta(seconds=1)))
        }

    @display(description=_("alert"))
    def alerted(self, test: LoopTest) -> SafeString | str:
        return short_time(test.alerted_at)

    @display(description=_("as it came in"))
    def as_received(self, test: LoopTest) -> SafeString | str:
        if test.inbound_email_id is None:
            return "–"
        link = reverse("admin:cases_inboundemail_change", args=[test.inbound_email_id])
        return format_html(
            '<a class="e2c-link" href="{}">{}</a>', link, gettext("inbound mail %s") % test.inbound_email_id
        )
