"""Routing flows with their steps, skills, and the presence of reps among whom flows choose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from routing.admin.access import AuditedAdmin
from routing.admin.routing_pages import RoutingPage, Row, RowInline
from routing.lint import LintWarning, lint_flow
from routing.models import FlowStep, RepPresence, RoutingFlow, Skill
from routing.models.flow import FIELDS_OF_TARGET

STATUS_COLOURS = {"available": "success", "busy": "warning", "away": "info", "offline": "default"}


class StepForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target" in self.fields:  # routing/flow_steps.js shows the others only where the target reads them
            wanted = {target: sorted(names) for target, names in FIELDS_OF_TARGET.items()}
            self.fields["target"].widget.attrs["data-fields-of-target"] = json.dumps(wanted)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        target = str(cleaned.get("target") or "")
        if target not in FIELDS_OF_TARGET:
            return cleaned
        wanted = FIELDS_OF_TARGET[target]
        for name, nothing in (("queue", None), ("user", None), ("overflow_queue", None), ("skills", [])):
            if name not in wanted and name in self.fields and name not in self.errors:
                cleaned[name] = nothing
        for name in wanted & {"queue", "user", "skills"}:
            if name not in self.errors and not cleaned.get(name):
                self.add_error(name, _("Needed for “%(target)s”.") % {"target": FlowStep.Target(target).label})
        return cleaned


class StepInline(RowInline):
    model = FlowStep
    parent = "flow"
    form = StepForm
    autocomplete_fields = ["queue", "user", "skills", "overflow_queue"]
    fields = [
        "in_words",
        "label",
        ("position", "is_active"),
        "conditions",
        "target",
        "queue",
        "user",
        "skills",
        "method",
        "overflow_queue",
    ]
    verbose_name = _("step")
    verbose_name_plural = _("steps, the first one whose conditions hold decides")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FlowStep]:
        rows = super().get_queryset(request).select_related("flow", "queue", "user", "overflow_queue")
        return rows.prefetch_related("skills")


@admin.register(RoutingFlow)
class RoutingFlowAdmin(RoutingPage):
    empty_words = _(
        "A flow gives new cases to reps who are free, in turn or by load. Without one an address gives its cases "
        "to one owner."
    )

    class Media:
        js = ["routing/flow_steps.js"]

    address_field = "flow"
    inlines = [StepInline]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Sends a new case to a queue, or gives it to a rep who is available and below capacity. Steps are "
                    ""
                    "asked in their order; when none holds or anything fails, the fallback queue of the address gets "
                    "the case."
                ),
                "fields": ["name", "description"],
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingFlow]:
        in_use = Count("addresses", distinct=True, filter=Q(addresses__deleted_at__isnull=True))
        return super().get_queryset(request).annotate(rows_now=Count("steps", distinct=True), uses_now=in_use)

    @admin.display(description=_("steps"), ordering="rows_now")
    def row_count(self, flow: RoutingFlow) -> int:
        return flow.rows_now  # type: ignore[attr-defined]

    @admin.display(description=_("addresses that use it"), ordering="uses_now")
    def used_by(self, flow: RoutingFlow) -> int:
        return flow.uses_now  # type: ignore[attr-defined]

    def rows_of(self, parent: Any) -> Sequence[FlowStep]:
        rows = FlowStep.objects.filter(flow=parent.pk).select_related("queue", "user", "overflow_queue")
        return list(rows.prefetch_related("skills"))

    def lint(self, parent: Any) -> list[LintWarning]:
        return lint_flow(parent)

    def more_state(self, parent: Any, rows: Sequence[Row]) -> dict[str, Any]:
        return {"presences": presences_of([row for row in rows if isinstance(row, FlowStep)])}


def presences_of(steps: Sequence[FlowStep]) -> list[RepPresence]:
    """The reps whom any of the active steps may choose, as they are now. One query."""
    whom = Q(pk__in=())
    for step in steps:
        if not step.is_active:
            continue
        match step.target:
            case FlowStep.Target.USER:
                whom |= Q(user=step.user_id)
            case FlowStep.Target.MEMBERS:
                whom |= Q(user__case_queues=step.queue_id)
            case FlowStep.Target.SKILLS:
                whom |= Q(user__skills__in=[skill.pk for skill in step.skills.all()])
    rows = RepPresence.objects.filter(whom, user__is_active=True).select_related("user").distinct()
    return list(rows.order_by("status", "user__username")[:50])


@admin.register(Skill)
class SkillAdmin(AuditedAdmin):
    empty_words = _("A skill is what a step of a flow asks of a rep, such as a language.")
    list_display = ["name", "rep_count"]
    search_fields = ["name"]
    ordering = ["name"]
    autocomplete_fields = ["users"]
    fieldsets = [
        (
            None,
            {
                "description": _("What some reps can do and others cannot: a language, a product. Flows ask for it."),
                "fields": ["name", "users"],
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        return super().get_queryset(request).annotate(reps_now=Count("users"))

    @admin.display(description=_("reps who have it"), ordering="reps_now")
    def rep_count(self, skill: Skill) -> int:
        return skill.reps_now  # type: ignore[attr-defined]

    def more_values(self, row: Any) -> dict[str, str]:
        names = row.users.order_by("username").values_list("username", flat=True) if row.pk else []
        return {"users": ", ".join(names)}


@admin.register(RepPresence)
class RepPresenceAdmin(AuditedAdmin):
    empty_words = _("Flows give cases to the reps in this list while they are available and below their capacity.")
    list_display = ["user", "status_label", "capacity", "changed_at"]
    list_filter = [("status", ChoicesDropdownFilter)]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__first_name", "user__last_name"]
    autocomplete_fields = ["user"]
    ordering = ["user__username"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Who is here takes part in flows, and gets at most so many cases at a time. Reps say in the "
                    "console whether they are available; here it can be said for them. Without a row, a flow never "
                    "chooses somebody."
                ),
                "fields": ["user", "capacity", "status"],
            },
        )
    ]

    @display(description=_("status"), label=STATUS_COLOURS, ordering="status")
    def status_label(self, presence: RepPresence) -> tuple[str, str]:
        return presence.status, presence.get_status_display()
