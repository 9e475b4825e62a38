"""Routing flows: the first step whose conditions hold names a queue or chooses a rep. Pure.

Among reps only those count who are active, available and below their capacity. Round robin takes whoever was given a
case longest ago; least loaded takes whoever uses the smallest part of the own capacity. Ties go to the smaller key, so
that the same facts give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from routing.conditions import Conditions
from routing.facts import RoutingFacts

__all__ = ["Choice", "Rep", "Step", "choose", "choose_rep"]

AVAILABLE = "available"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rep:
    """One rep as he or she is at this moment. `open_cases` await us; a flow counts nothing itself."""

    key: int
    name: str
    status: str
    capacity: int
    open_cases: int
    is_active: bool = True
    last_assigned_at: datetime | None = None

    @property
    def why_not(self) -> str:
        """Why the rep gets no case now; "" when he or she may."""
        if not self.is_active:
            return f"{self.name} is not active"
        if self.status != AVAILABLE:
            return f"{self.name} is {self.status}"
        if self.open_cases >= self.capacity:
            return f"{self.name} has {self.open_cases} of {self.capacity} cases"
        return ""


@dataclass(frozen=True, slots=True)
class Step:
    """`target`: queue, user, members or skills. `key` is whatever the caller finds its row by."""

    key: int
    label: str
    conditions: Conditions
    target: str
    method: str = "round_robin"
    queue: int | None = None
    overflow_queue: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A rep or a queue; both None: the fallback queue. `waits`: for the first rep of the step who becomes free.
    `among`: the reps who were free, of whom the method chose one.
    """

    step: Step
    rep: int | None
    queue: int | None
    because: str
    waits: bool = False
    among: int = 0


def choose(steps: Iterable[Step], facts: RoutingFacts, reps_of: Callable[[Step], Sequence[Rep]]) -> Choice | None:
    """The choice of the first step that holds; None: no step holds. `reps_of` is asked for that step alone."""
    for step in steps:
        outcome = step.conditions.ask(facts)
        if not outcome.holds:
            continue
        if step.target == "queue":
            return Choice(step, None, step.queue, f"step “{step.label}”: {outcome.because}")
        reps = reps_of(step)
        rep, why = choose_rep(step, reps)
        because = f"step “{step.label}”: {outcome.because}; {why}"
        if rep is not None:
            return Choice(step, rep.key, None, because, among=sum(not each.why_not for each in reps))
        return Choice(step, None, step.overflow_queue or step.queue, because, waits=True)
    return None


def choose_rep(step: Step, reps: Sequence[Rep]) -> tuple[Rep | None, str]:
    """The rep whose turn it is, and the sentence that explains it."""
    free = [rep for rep in reps if not rep.why_not]
    if not free:
        refusals = "; ".join(rep.why_not for rep in reps[:5])
        return None, f"no rep is free ({refusals})" if refusals else "no rep fits"
    if step.method == "least_loaded":
        chosen = min(free, key=lambda rep: (rep.open_cases / rep.capacity, rep.last_assigned_at or _NEVER, rep.key))
        return chosen, f"{chosen.name} is the least loaded with {chosen.open_cases} of {chosen.capacity} cases"
    chosen = min(free, key=lambda rep: (rep.last_assigned_at or _NEVER, rep.key))
    return chosen, f"it is the turn of {chosen.name}"
