"""Assignment rules and, beside them, the page of lint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from routing.admin.lint_page import URL_NAME, lint_page
from routing.admin.routing_pages import RoutingPage, RowInline
from routing.lint import LintWarning, lint_rule
from routing.models import AssignmentRule, RuleEntry


class EntryForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "notice_cc" in self.fields:
            self.fields["notice_cc"].widget.attrs["rows"] = 2

    def clean(self) -> dict[str, Any]:
        """The constraint says the same; here it is said beside the field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("owner_user")) == bool(cleaned.get("owner_queue")) and "owner_user" in self.fields:
            self.add_error("owner_queue", _("An entry names one owner: a user or a queue."))
        return cleaned


class EntryInline(RowInline):
    model = RuleEntry
    parent = "rule"
    form = EntryForm
    autocomplete_fields = ["owner_user", "owner_queue"]
    fields = [
        "in_words",
        "label",
        ("position", "is_active"),
        "conditions",
        ("owner_user", "owner_queue"),
        "notice_template",
        "notice_cc",
    ]
    verbose_name = _("entry")
    verbose_name_plural = _("entries, the first one whose conditions hold wins")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleEntry]:
        return super().get_queryset(request).select_related("rule", "owner_user", "owner_queue")


@admin.register(AssignmentRule)
class AssignmentRuleAdmin(RoutingPage):
    empty_words = _(
        "A rule names the owner of a new case by what the mail says. Without one an address gives its cases to "
        "one owner."
    )
    address_field = "assignment_rule"
    inlines = [EntryInline]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Names the owner of a new case: entries are asked in their order, and the first one whose "
                    "conditions hold decides. When none does, the fallback queue of the address gets the case, else "
                    "its case owner."
                ),
                "fields": ["name", "description"],
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AssignmentRule]:
        in_use = Count("addresses", distinct=True, filter=Q(addresses__deleted_at__isnull=True))
        return super().get_queryset(request).annotate(rows_now=Count("entries", distinct=True), uses_now=in_use)

    @admin.display(description=_("entries"), ordering="rows_now")
    def row_count(self, rule: AssignmentRule) -> int:
        return rule.rows_now  # type: ignore[attr-defined]

    @admin.display(description=_("addresses that use it"), ordering="uses_now")
    def used_by(self, rule: AssignmentRule) -> int:
        return rule.uses_now  # type: ignore[attr-defined]

    def rows_of(self, parent: Any) -> Sequence[RuleEntry]:
        rows = RuleEntry.objects.filter(rule=parent.pk)
        return list(rows.select_related("owner_user", "owner_queue", "notice_template"))

    def lint(self, parent: Any) -> list[LintWarning]:
        return lint_rule(parent)

    def get_urls(self) -> list[URLPattern]:
        return [path("lint/", self.admin_site.admin_view(self.lint_view), name=URL_NAME), *super().get_urls()]

    def lint_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return lint_page(request, self.admin_site.each_context(request))
