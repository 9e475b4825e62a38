"""What the pages of assignment rules and of routing flows share: ordered rows with conditions, each told in a
sentence, and above them where they are used and what lint says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import StackedInline

from routing.admin.access import AuditedAdmin, ConfigurationPermissions, PlainPickers
from routing.admin.conditions_form import ConditionsField, conditions_in_words, vocabulary
from routing.admin.lint_page import warnings_of
from routing.lint import LintWarning
from routing.models import FlowStep, RoutingAddress, RuleEntry

MOST_ROWS = 100  # of one rule or flow; more are the sign of a table that belongs elsewhere
Row = RuleEntry | FlowStep
AS_TEXT = gettext_lazy(
    'As text: {"all": [{"field": "subject", "operator": "contains", "value": "invoice"}]}, with "any" and "not" in '
    'place of "all". Empty: always.'
)
format_html_lazy = lazy(format_html, str)


@dataclass(frozen=True, slots=True)
class Told:
    """One row as the top of the page tells it."""

    key: int
    label: str
    when: str
    then: str
    is_active: bool
    warnings: list[str]


class RowInline(ConfigurationPermissions, PlainPickers, StackedInline):
    """`collapsible`: a page of many rows is read by its head; only what one changes is opened."""

    parent: str  # the foreign key to the rule or flow
    max_num = MOST_ROWS
    collapsible = True
    ordering_field = "position"  # saved rows are dragged by their handle, or numbered
    readonly_fields = ["in_words"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "conditions":
            return db_field.formfield(
                form_class=ConditionsField,
                help_text=format_html_lazy("<span data-conditions-help>{}</span>", AS_TEXT),
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """A rule or flow begins with one row to fill in."""
        return 1 if obj is None else 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """A new row stands behind the others: one that always holds would else take all their mail."""
        formset = super().get_formset(request, obj, **kwargs)
        position = formset.form.base_fields.get("position")
        if position is not None:
            rows = self.model._default_manager.filter(**{self.parent: obj}) if obj is not None else None
            last = rows.aggregate(last=Max("position"))["last"] if rows is not None else None
            position.initial = 1 if last is None else last + 1
        return formset

    @admin.display(description=gettext_lazy("in words"))
    def in_words(self, row: Row) -> SafeString | str:
        return format_html("{} → {}", conditions_in_words(row.conditions), where_to(row)) if row.pk else "–"


class RoutingPage(AuditedAdmin):
    """A rule or a flow with its rows. The audit line holds each row as a sentence, before and after."""

    address_field = ""  # the column of a routing address that names such a row
    list_display = ["name", "row_count", "used_by", "description"]
    search_fields = ["name", "description"]
    ordering = ["name"]
    change_form_outer_before_template = "routing/admin/routing_state.html"
    change_form_after_template = "routing/admin/conditions_vocabulary.html"
    change_form_outer_after_template = "routing/admin/dry_run_button.html"

    class Media:
        js = ["routing/conditions.js"]

    def rows_of(self, parent: Any) -> Sequence[Row]:
        raise NotImplementedError

    def lint(self, parent: Any) -> list[LintWarning]:
        raise NotImplementedError

    def more_state(self, parent: Any, rows: Sequence[Row]) -> dict[str, Any]:
        """What only one of the two pages shows above its settings."""
        return {}

    def more_values(self, row: Any) -> dict[str, str]:
        found = {}
        for position, each in enumerate(self.rows_of(row), start=1):
            off = "" if each.is_active else f" ({_('switched off')})"
            then = ", ".join(filter(None, (where_to(each), beside(each))))
            sentence = f"{position}. {conditions_in_words(each.conditions)} → {then}{off}"
            found[f"“{each.label}” ({each.pk})"] = sentence
        return found

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        parent = context.get("original")
        context["conditions_vocabulary"] = vocabulary()
        if parent is not None:
            rows, warnings = self.rows_of(parent), self.lint(parent)
            context |= {
                "anchor": f"{'entries' if self.address_field == 'assignment_rule' else 'steps'}-row",
                "told": [_tell(row, warnings) for row in rows],
                "using": RoutingAddress.objects.not_deleted().filter(**{self.address_field: parent}),
                "warnings": warnings_of(warnings, parent),
                **self.more_state(parent, rows),
            }
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response


def where_to(row: Row) -> str:
    """Where a row sends what it matches, in words. Expects owner, queue and skills to be read with it."""
    if isinstance(row, RuleEntry):
        return _("the queue %(name)s") % {"name": row.owner_queue} if row.owner_queue else str(row.owner_user)
    method = row.get_method_display()
    match row.target:
        case FlowStep.Target.QUEUE:
            return _("wait in the queue %(name)s") % {"name": row.queue}
        case FlowStep.Target.USER:
            return _("%(name)s, when free") % {"name": row.user}
        case FlowStep.Target.MEMBERS:
            return _("a free member of %(name)s, %(method)s") % {"name": row.queue, "method": method}
        case _:
            skills = ", ".join(str(skill) for skill in row.skills.all()) or _("no skill yet")
            return _("a free rep with %(skills)s, %(method)s") % {"skills": skills, "method": method}


def beside(row: Row) -> str:
    """What else a row does, in words; "" for nothing. Expects notice and overflow queue to be read with it."""
    if isinstance(row, FlowStep):
        return _("waiting in %(queue)s") % {"queue": row.overflow_queue} if row.overflow_queue else ""
    if row.notice_template is None:
        return ""
    notice, copies = {"notice": row.notice_template}, ", ".join(row.notice_cc.replace(",", " ").split())
    if not copies:
        return _("told by “%(notice)s”") % notice
    return _("told by “%(notice)s”, with copies to %(copies)s") % (notice | {"copies": copies})


def _tell(row: Row, warnings: list[LintWarning]) -> Told:
    then = ", ".join(filter(None, (where_to(row), beside(row))))
    return Told(
        row.pk, row.label, conditions_in_words(row.conditions), then, row.is_active, warnings_of(warnings, row)
    )
