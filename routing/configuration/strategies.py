"""Sections for what names the owner of a new case: assignment rules with their entries, flows with their steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import Prefetch

from routing.configuration.errors import ConfigurationError
from routing.configuration.fields import Owner, fields_of, read_list, read_text
from routing.configuration.importing import Difference, ImportRun, RowsSection
from routing.configuration.ordered import OrderedRows
from routing.configuration.ordered import Owner as Parent
from routing.configuration.structured import ConditionsKey
from routing.models import AssignmentRule, FlowStep, RoutingFlow, RuleEntry, Skill
from routing.models.flow import FIELDS_OF_TARGET

ENTRY_OWNER = Owner("owner", user_column="owner_user", queue_column="owner_queue")


class Entries(OrderedRows):
    noun, related_name, model, parent = "entry", "entries", RuleEntry, "rule"

    def __init__(self) -> None:
        self.fields = (
            *fields_of(RuleEntry, names=["is_active"]),
            ConditionsKey(),
            ENTRY_OWNER,
            *fields_of(RuleEntry, names=["notice_template", "notice_cc"]),
        )


class Steps(OrderedRows):
    noun, related_name, model, parent = "step", "steps", FlowStep, "flow"
    extra_keys = ("skills",)

    def __init__(self) -> None:
        self.fields = (
            *fields_of(FlowStep, names=["is_active"]),
            ConditionsKey(),
            *fields_of(FlowStep, names=["target", "queue", "user", "method", "overflow_queue"]),
        )

    def show_extra(self, row: FlowStep) -> dict[str, Any]:
        return {"skills": sorted(skill.name for skill in row.skills.all())}

    def complete(self, row: FlowStep, entry: dict[str, Any], where: str, run: ImportRun) -> None:
        """What another target asked for is cleared when the file is silent about it, and refused when it names it."""
        wanted = FIELDS_OF_TARGET[row.target]
        for name in ("queue", "user", "overflow_queue", "skills"):
            if name not in wanted and entry.get(name):
                raise ConfigurationError(f"{where}.{name}", f"has no meaning with the target {row.target}.")
            if name not in wanted and name != "skills":
                setattr(row, name, None)
        has_skills = bool(entry["skills"]) if "skills" in entry else row.pk is not None and row.skills.exists()
        for name in ("queue", "user", "skills"):
            if name in wanted and not (has_skills if name == "skills" else getattr(row, name)):
                raise ConfigurationError(f"{where}.{name}", f"is needed with the target {row.target}.")

    def merge_extra(self, row: FlowStep, entry: dict[str, Any], where: str, run: ImportRun) -> list[Difference]:
        """Skills are exact, with `delete` or without: each of them is a condition."""
        if "skills" in FIELDS_OF_TARGET[row.target]:
            if "skills" not in entry:
                return []
            wanted = [
                run.references.find(Skill, read_text(item, f"{where}.skills[{index}]"), f"{where}.skills[{index}]")
                for index, item in enumerate(read_list(entry["skills"], f"{where}.skills"))
            ]
        else:
            wanted = []
        before = sorted(skill.name for skill in row.skills.all())
        after = sorted({skill.name for skill in wanted})
        if before == after:
            return []
        row.skills.set(wanted)
        return [Difference("skills", ", ".join(before) or "none", ", ".join(after) or "none")]


class RowsWithRows(RowsSection):
    """Rules or flows: rows that have rows in an order."""

    children: OrderedRows
    needed: ClassVar[tuple[str, ...]]  # of a row of a row, to show it

    def rows(self) -> Iterable[Any]:
        rows = self.children.model._default_manager.select_related(*self.needed).order_by("position", "pk")
        return self.model._default_manager.prefetch_related(
            Prefetch(self.children.related_name, queryset=self.more(rows))
        )

    def more(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return rows

    def show_extra(self, row: Any) -> dict[str, Any]:
        return {self.children.related_name: self.children.export(self._rows_of(row))}

    def merge_extra(self, row: Any, entry: dict[str, Any], where: str, run: ImportRun, *, is_new: bool) -> None:
        if self.children.related_name in entry:
            owner, place = Parent(row, self.noun, self.name_of(row)), f"{where}.{self.children.related_name}"
            self.children.merge(owner, self._rows_of(row), entry[self.children.related_name], place, run)

    def _rows_of(self, row: Any) -> Sequence[Any]:
        return list(getattr(row, self.children.related_name).all())


class AssignmentRules(RowsWithRows):
    name, noun, model, key = "assignment_rules", "assignment rule", AssignmentRule, "name"
    extra_keys = ("entries",)
    needed = ("owner_user", "owner_queue", "notice_template")

    def __init__(self) -> None:
        self.fields = fields_of(AssignmentRule)
        self.children = Entries()


class Flows(RowsWithRows):
    name, noun, model, key = "flows", "flow", RoutingFlow, "name"
    extra_keys = ("steps",)
    needed = ("queue", "user", "overflow_queue")

    def __init__(self) -> None:
        self.fields = fields_of(RoutingFlow)
        self.children = Steps()

    def more(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return rows.prefetch_related("skills")
