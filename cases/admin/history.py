"""What the pages of large, read-only tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from routing.admin.access import can_configure

COUNTED_TO = 5_000  # rows; what lies further back is reached by filters and search, not by turning pages


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED_TO, so that a page of a table with millions of rows costs the same."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:COUNTED_TO].count()
        return len(rows)


class HistoryAdmin(ModelAdmin):
    """Rows that a person may read and nobody may edit; settings for tables that only grow."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    list_filter_submit = True
    sortable_by: Any = ()
    ordering = ["-id"]
    actions = None
    list_fullwidth = True

    class Media:
        css = {"all": ["cases/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return can_configure(request) or bool(super().has_view_permission(request, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_configure(request) or bool(super().has_module_permission(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact values of indexed columns only: a search inside texts would read the whole table."""
        term = search_term.strip()
        return (self.found(queryset, term) if term else queryset), False

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(pk=int(term)) if is_key(term) else rows.none()


def is_key(term: str) -> bool:
    """Whether the term can be a key; a longer number would be an error of the database."""
    return term.isascii() and term.isdigit() and len(term) <= 18


def short_time(at: datetime | None) -> SafeString | str:
    """A time that fits into one line of a column; to the second in its title."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    this_year = local.year == timezone.localtime().year
    return format_html(
        '<time class="e2c-when" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{local:%Y-%m-%d %H:%M:%S %Z}",
        date_format(local, "j M, H:i" if this_year else "j M Y"),
    )


def isolated(text: str) -> SafeString:
    """A stranger's words, which keep their direction to themselves."""
    return format_html("<bdi>{}</bdi>", text)
