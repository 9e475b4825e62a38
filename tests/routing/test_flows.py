from __future__ import annotations

from datetime import UTC, datetime, timedelta

from routing.conditions import read_conditions
from routing.facts import RoutingFacts
from routing.flows import Rep, Step, choose
from routing.rules import Entry, first_match

NOW = datetime(2030, 1, 2, 10, tzinfo=UTC)
FACTS = RoutingFacts(received_at=NOW, subject="Invoice")
ALWAYS = read_conditions({})
NEVER = read_conditions({"field": "subject", "operator": "is", "value": "else"})


def rep(
    key: int, *, open_cases: int = 0, capacity: int = 5, minutes_ago: int | None = None, status: str = "available"
) -> Rep:
    given = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return Rep(key, f"rep {key}", status, capacity, open_cases, last_assigned_at=given)


def step(target: str = "members", **more: object) -> Step:
    return Step(**({"key": 1, "label": "Step", "conditions": ALWAYS, "target": target, "queue": 7} | more))  # type: ignore[arg-type]


def test_the_first_entry_that_holds_wins() -> None:
    entries = [Entry(1, "never", NEVER), Entry(2, "always", ALWAYS), Entry(3, "too late", ALWAYS)]

    matched = first_match(entries, FACTS)

    assert matched is not None
    assert (matched.entry.key, matched.because) == (2, "always")
    assert first_match(entries[:1], FACTS) is None


def test_round_robin_takes_who_waited_longest_and_who_never_had_one_first() -> None:
    reps = [rep(1, minutes_ago=5), rep(2, minutes_ago=50), rep(3)]

    assert [choose([step()], FACTS, lambda _step, n=n: reps[:n]).rep for n in (1, 2, 3)] == [1, 2, 3]  # type: ignore[union-attr,misc]


def test_least_loaded_compares_parts_of_the_own_capacity() -> None:
    reps = [rep(1, open_cases=3, capacity=4), rep(2, open_cases=5, capacity=10)]

    choice = choose([step(method="least_loaded")], FACTS, lambda _step: reps)

    assert choice is not None
    assert choice.rep == 2
    assert choice.because == "step “Step”: always; rep 2 is the least loaded with 5 of 10 cases"


def test_nobody_free_waits_in_the_overflow_queue() -> None:
    reps = [rep(1, open_cases=5), rep(2, status="away"), Rep(3, "rep 3", "available", 5, 0, is_active=False)]

    choice = choose([step(overflow_queue=9)], FACTS, lambda _step: reps)

    assert choice is not None
    assert (choice.rep, choice.queue, choice.waits) == (None, 9, True)
    assert "rep 1 has 5 of 5 cases; rep 2 is away; rep 3 is not active" in choice.because


def test_reps_are_read_for_the_chosen_step_alone() -> None:
    asked: list[int] = []
    steps = [step(key=1, conditions=NEVER), step(key=2, target="queue"), step(key=3)]

    choice = choose(steps, FACTS, lambda chosen: asked.append(chosen.key) or [])  # type: ignore[func-returns-value]

    assert choice is not None
    assert (choice.step.key, choice.queue, asked) == (2, 7, [])
    assert choose(steps[:1], FACTS, lambda _step: []) is None
