"""What can be said about conditions without any mail: one makes another superfluous, one can never hold. Pure.

The answers are careful: True is proven, False only means that nothing was proven.
"""

from __future__ import annotations

from collections.abc import Sequence

from routing.conditions import Conditions, Test

__all__ = ["can_never_hold", "implies"]


def implies(stronger: Conditions | Test, weaker: Conditions | Test) -> bool:
    """Whether `weaker` holds for every mail for which `stronger` holds."""
    if stronger == weaker:
        return True
    if isinstance(weaker, Conditions) and weaker.word == "all":
        return all(implies(stronger, part) for part in weaker.parts)
    if isinstance(stronger, Conditions) and stronger.word == "any":
        return bool(stronger.parts) and all(implies(part, weaker) for part in stronger.parts)
    if (
        isinstance(weaker, Conditions)
        and weaker.word == "any"
        and any(implies(stronger, part) for part in weaker.parts)
    ):
        return True
    if isinstance(stronger, Conditions) and stronger.word == "all":
        return any(implies(part, weaker) for part in stronger.parts)
    if isinstance(stronger, Conditions) and isinstance(weaker, Conditions) and stronger.word == weaker.word == "not":
        return implies(weaker.parts[0], stronger.parts[0])
    if isinstance(stronger, Test) and isinstance(weaker, Test):
        return _test_implies(stronger, weaker)
    return False


def can_never_hold(conditions: Conditions | Test) -> bool:
    """Whether no mail can satisfy it: it asks for two things that exclude each other."""
    if isinstance(conditions, Test):
        return False
    if conditions.word == "any":
        return all(can_never_hold(part) for part in conditions.parts)
    if conditions.word == "not":
        inner = conditions.parts[0]
        return isinstance(inner, Conditions) and inner.always_holds
    tests = [part for part in _flat(conditions) if isinstance(part, Test)]
    if any(_exclude(one, other) for index, one in enumerate(tests) for other in tests[index + 1 :]):
        return True
    denied = [part.parts[0] for part in _flat(conditions) if isinstance(part, Conditions) and part.word == "not"]
    rest = Conditions("all", tuple(part for part in _flat(conditions) if not _is_not(part)))
    return any(implies(rest, each) for each in denied) or any(
        can_never_hold(part) for part in conditions.parts if isinstance(part, Conditions)
    )


def _is_not(part: Conditions | Test) -> bool:
    return isinstance(part, Conditions) and part.word == "not"


def _flat(conditions: Conditions) -> list[Conditions | Test]:
    """The parts of nested "all" as one list."""
    parts: list[Conditions | Test] = []
    for part in conditions.parts:
        if isinstance(part, Conditions) and part.word == "all":
            parts += _flat(part)
        else:
            parts.append(part)
    return parts


def _test_implies(stronger: Test, weaker: Test) -> bool:
    if stronger.field != weaker.field:
        return False
    if isinstance(stronger.value, bool) or isinstance(weaker.value, bool):
        names_values = stronger.operator in ("is", "is_one_of") and not isinstance(stronger.value, bool)
        return names_values and weaker.operator == "is_empty" and weaker.value is False
    if stronger.operator in ("is", "is_one_of"):
        return all(_holds(weaker.operator, value, weaker.wanted) for value in stronger.wanted)
    has, wanted = stronger.wanted[0], weaker.wanted[0]
    match stronger.operator, weaker.operator:
        case (("contains" | "starts_with" | "ends_with" | "has_word"), "contains"):
            return wanted in has
        case "starts_with", "starts_with":
            return has.startswith(wanted)
        case "ends_with", "ends_with":
            return has.endswith(wanted)
        case "is_within", "is_within":
            return has == wanted or has.endswith("." + wanted)
        case "does_not_contain", "does_not_contain":
            return has in wanted
        case _:
            return False


def _holds(operator: str, value: str, wanted: Sequence[str]) -> bool:
    match operator:
        case "is" | "is_one_of":
            return value in wanted
        case "is_not":
            return value != wanted[0]
        case "contains":
            return wanted[0] in value
        case "does_not_contain":
            return wanted[0] not in value
        case "starts_with":
            return value.startswith(wanted[0])
        case "ends_with":
            return value.endswith(wanted[0])
        case "is_within":
            return value == wanted[0] or value.endswith("." + wanted[0])
        case _:
            return False


def _exclude(one: Test, other: Test) -> bool:
    """Whether no value of a field satisfies both."""
    if one.field != other.field:
        return False
    if one.operator == other.operator == "is" and isinstance(one.value, bool):
        return one.value is not other.value
    for whole, rest in ((one, other), (other, one)):
        if whole.operator in ("is", "is_one_of") and not isinstance(whole.value, bool):
            if rest.operator == "is_empty":
                return rest.value is True
            if not isinstance(rest.value, bool) and rest.operator != "has_word":
                return not any(_holds(rest.operator, value, rest.wanted) for value in whole.wanted)
    return False
