"""What pages and lists read of service clocks, inside the statement of the cases themselves."""

from __future__ import annotations

from django.db.models import FilteredRelation, OuterRef, Q, Subquery

from cases.models import CaseQuerySet, ServiceClock


def with_clocks(cases: CaseQuerySet) -> CaseQuerySet:
    """Each case with its two clocks as `first_answer_clock` and `solution_clock`, None where it has none."""
    kinds = {"first_answer_clock": ServiceClock.Kind.FIRST_RESPONSE, "solution_clock": ServiceClock.Kind.RESOLUTION}
    relations = {
        name: FilteredRelation("clocks", condition=Q(clocks__kind=kind.value)) for name, kind in kinds.items()
    }
    return cases.annotate(**relations).select_related(*relations)


def next_clock_value(column: str) -> Subquery:
    """A column of the open clock of a case that is due first; NULL when none runs."""
    running = ServiceClock.objects.filter(
        case=OuterRef("pk"), met_at__isnull=True, dropped_at__isnull=True, due_at__isnull=False
    )
    return Subquery(running.order_by("due_at").values(column)[:1])
