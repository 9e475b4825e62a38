"""What lint found, beside the rows it is about and all of it on one page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from routing.lint import LintWarning, lint_all
from routing.models import AssignmentRule, FlowStep, RoutingAddress, RoutingFlow, RuleEntry

URL_NAME = "routing_assignmentrule_lint"
# What a kind of warning is called; a row that never does anything is worse than one that says a thing twice.
KINDS = {
    "unreadable": _("Cannot be read"),
    "conflicting": _("Conflict"),
    "never_holds": _("Never holds"),
    "unknown_name": _("Unknown name"),
    "no_hours": _("No business hours"),
    "shadowed": _("Never reached"),
    "no_owner": _("Owner has left"),
    "no_members": _("Nobody there"),
    "no_rep": _("No rep"),
    "unused": _("Not used"),
    "empty": _("Empty"),
    "superfluous": _("Said twice"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A warning as a page shows it. `place`: the entry or step, "" when it is about all of `parent`."""

    kind: Any
    parent: str
    place: str
    link: str
    words: str


def warnings_of(warnings: Iterable[LintWarning], row: Any) -> list[str]:
    return [each.words for each in warnings if type(each.about) is type(row) and each.about.pk == row.pk]


def lint_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    findings = [_as_finding(each) for each in lint_all()]
    return TemplateResponse(request, "routing/admin/lint.html", context | {"title": _("Lint"), "findings": findings})


def _as_finding(warning: LintWarning) -> Finding:
    about, place = warning.about, ""
    parent: RoutingAddress | AssignmentRule | RoutingFlow
    if isinstance(about, RuleEntry):
        parent, place = about.rule, about.label
    elif isinstance(about, FlowStep):
        parent, place = about.flow, about.label
    else:
        parent = about
    link = reverse(f"admin:routing_{parent._meta.model_name}_change", args=[parent.pk])
    return Finding(KINDS.get(warning.kind, warning.kind), str(parent), place, link, warning.words)
