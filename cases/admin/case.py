"""Cases and their history, to read. Work on a case happens on its own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from cases.admin.figures_page import figures_page
from cases.admin.history import HistoryAdmin, is_key, isolated, short_time
from cases.models import Case, CaseComment, CaseEvent, CaseTask, RoutingDecision
from cases.models.case import NUMBER_OFFSET
from cases.selectors.visible import visible_cases


def case_link(case: Case | None) -> SafeString | str:
    """A case by number, to its own page."""
    if case is None:
        return "–"
    return format_html('<a href="{}">{}</a>', reverse("case", kwargs={"number": case.number}), case.number_text)


@admin.register(Case)
class CaseAdmin(HistoryAdmin):
    """Only the cases this person may see at all: `visible_cases` stands before every page."""

    empty_words = _("Cases are opened by mail to a routing address.")

    list_display = ["number_shown", "about", "status", "owner", "customer", "priority", "last_activity"]
    list_display_links = ["number_shown"]
    list_filter = [("status", RelatedDropdownFilter), ("owner_queue", RelatedDropdownFilter)]
    list_select_related = ["status", "owner_user", "owner_queue"]
    search_fields = ["supplied_email"]
    search_help_text = _("A case number, or the customer's whole address")
    ordering = ["-last_activity_at", "-id"]
    fields = [
        "page",
        "about",
        "status",
        "priority",
        "origin",
        "record_type",
        "owner",
        "contact",
        "customer",
        "routing_address",
        "awaiting",
        "created_at",
        "last_activity_at",
        "closed_at",
        "merged",
        "possibly",
    ]
    readonly_fields = ["page", "about", "owner", "customer", "merged", "possibly"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return visible_cases(request.user).defer("description").order_by(*self.ordering)

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(pk=int(term) - NUMBER_OFFSET) if is_key(term) else rows.filter(supplied_email=term.lower())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.figures_view)
        return [path("figures/", view, name="cases_case_figures"), *super().get_urls()]

    def figures_view(self, request: HttpRequest) -> HttpResponse:
        return figures_page(request, self.admin_site.each_context(request))

    @display(description=_("number"))
    def number_shown(self, case: Case) -> str:
        return case.number_text

    @display(description=_("subject"))
    def about(self, case: Case) -> SafeString:
        return format_html('<bdi class="e2c-cut">{}</bdi>', case.subject)

    @display(description=_("owner"))
    def owner(self, case: Case) -> SafeString:
        return isolated(str(case.owner_user or case.owner_queue))

    @display(description=_("customer"))
    def customer(self, case: Case) -> SafeString:
        return format_html("<bdi>{}</bdi> <bdi>{}</bdi>", case.supplied_name, case.supplied_email)

    @display(description=_("conversation"))
    def page(self, case: Case) -> SafeString:
        url = reverse("case", kwargs={"number": case.number})
        return format_html('<a href="{}">{}</a>', url, gettext("Open case %s") % case.number_text)

    @display(description=_("last activity"))
    def last_activity(self, case: Case) -> SafeString | str:
        return short_time(case.last_activity_at)

    @display(description=_("merged into"))
    def merged(self, case: Case) -> SafeString | str:
        return case_link(case.merged_into)

    @display(description=_("possibly belongs to"))
    def possibly(self, case: Case) -> SafeString | str:
        return case_link(case.possibly_belongs_to)


class OfVisibleCases(HistoryAdmin):
    """Rows of one case each: shown when the case may be seen, found by its number."""

    list_select_related = ["case"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(case__in=visible_cases(request.user))

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(case_id=int(term) - NUMBER_OFFSET) if is_key(term) else rows.none()

    @display(description=_("at"))
    def when(self, row: Any) -> SafeString | str:
        return short_time(row.at)

    @display(description=_("case"))
    def on_case(self, row: Any) -> SafeString | str:
        return case_link(row.case)


@admin.register(CaseEvent)
class CaseEventAdmin(OfVisibleCases):
    list_display = ["when", "on_case", "kind", "why", "actor"]
    list_select_related = ["case", "actor"]
    search_fields = ["case__id"]
    search_help_text = _("A case number")
    fields = ["at", "on_case", "kind", "why", "actor", "detail"]
    readonly_fields = ["on_case", "why"]

    @display(description=_("because"))
    def why(self, event: CaseEvent) -> SafeString:
        return isolated(event.because)


@admin.register(RoutingDecision)
class RoutingDecisionAdmin(OfVisibleCases):
    list_display = ["when", "on_case", "kind", "owner", "why", "decided_by"]
    list_select_related = ["case", "owner_user", "owner_queue", "decided_by"]
    search_fields = ["case__id"]
    search_help_text = _("A case number")
    fields = ["at", "on_case", "kind", "owner", "why", "decided_by"]
    readonly_fields = ["on_case", "owner", "why"]

    @display(description=_("owner"))
    def owner(self, decision: RoutingDecision) -> SafeString:
        return isolated(str(decision.owner_user or decision.owner_queue))

    @display(description=_("because"))
    def why(self, decision: RoutingDecision) -> SafeString:
        return isolated(decision.because)


@admin.register(CaseTask)
class CaseTaskAdmin(OfVisibleCases):
    list_display = ["about", "on_case", "status", "owner", "created_at"]
    list_select_related = ["case", "owner"]
    search_fields = ["case__id"]
    search_help_text = _("A case number")
    fields = ["about", "on_case", "status", "owner", "created_at", "completed_at"]
    readonly_fields = ["about", "on_case"]

    @display(description=_("subject"))
    def about(self, task: CaseTask) -> SafeString:
        return isolated(task.subject)


@admin.register(CaseComment)
class CaseCommentAdmin(OfVisibleCases):
    list_display = ["written", "on_case", "words", "author"]
    list_select_related = ["case", "author"]
    search_fields = ["case__id"]
    search_help_text = _("A case number")
    fields = ["created_at", "on_case", "author", "words", "edited_at"]
    readonly_fields = ["on_case", "words"]

    @display(description=_("at"))
    def written(self, note: CaseComment) -> SafeString | str:
        return short_time(note.created_at)

    @display(description=_("note"))
    def words(self, note: CaseComment) -> SafeString:
        return isolated(note.body)
