"""Rules, flows and addresses that do not do what they seem to: shadowed, unreachable, conflicting, dead.

Everything here is read from the configuration alone; whether mail comes is another page's question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from routing.address_patterns import AddressPatterns
from routing.choices import Origin, Priority, Strategy
from routing.condition_logic import can_never_hold, implies
from routing.conditions import BadConditions, Conditions, Test, read_conditions
from routing.models import (
    AssignmentRule,
    BusinessHours,
    FlowStep,
    Queue,
    RecordType,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    RuleEntry,
)

__all__ = ["Known", "LintWarning", "lint_addresses", "lint_all", "lint_flow", "lint_rule", "staffed_queues"]

Row = RuleEntry | FlowStep


@dataclass(frozen=True, slots=True)
class LintWarning:
    """`kind` is a slug: unreadable, never_holds, unknown_name, no_hours, shadowed, conflicting, no_owner,
    unused, empty, no_members, no_rep, superfluous. `about` is the row, `words` a sentence that says what to do.
    """

    kind: str
    about: RoutingAddress | AssignmentRule | RoutingFlow | RuleEntry | FlowStep
    words: str


def lint_all() -> list[LintWarning]:
    """Of the whole configuration. A few statements, and one or two for each step that chooses a rep."""
    known = Known.load()
    found = list(lint_addresses(known.staffed))
    for rule in AssignmentRule.objects.prefetch_related("entries__owner_user", "entries__owner_queue", "addresses"):
        found += lint_rule(rule, known)
    flows = RoutingFlow.objects.prefetch_related(
        "steps__queue", "steps__overflow_queue", "steps__user", "steps__skills", "addresses"
    )
    for flow in flows:
        found += lint_flow(flow, known)
    return found


@dataclass(frozen=True, slots=True)
class Known:
    """What rules and flows may name, read once: queues with an active member, the values that a field can have, and
    whether there are business hours to ask about.
    """

    staffed: set[int]
    values: Mapping[str, frozenset[str]]
    has_hours: bool

    @classmethod
    def load(cls) -> Known:
        addresses = RoutingAddress.objects.not_deleted().values_list("email_address", flat=True)
        values = {
            "routing_address": frozenset(addresses),
            "record_type": frozenset(RecordType.objects.values_list("name", flat=True)),
            "priority": frozenset(Priority.values),
            "origin": frozenset(Origin.values),
        }
        folded = {name: frozenset(value.casefold() for value in found) for name, found in values.items()}
        return cls(staffed_queues(), folded, BusinessHours.objects.filter(is_default=True).exists())

    def unknown_in(self, conditions: Conditions | Test) -> Iterator[str]:
        """Values that no case can have: names that were changed, or never were."""
        for test in tests_of(conditions):
            if test.field in self.values and test.operator in ("is", "is_not", "is_one_of"):
                yield from (each for each in test.wanted if each not in self.values[test.field])


def tests_of(conditions: Conditions | Test) -> Iterator[Test]:
    if isinstance(conditions, Test):
        yield conditions
    else:
        for part in conditions.parts:
            yield from tests_of(part)


def lint_rule(rule: AssignmentRule, known: Known | None = None) -> list[LintWarning]:
    known = known or Known.load()
    entries = [entry for entry in rule.entries.all() if entry.is_active]
    found = list(_lint_order(entries, _same_owner, known))
    for entry in entries:
        if entry.owner_user is not None and not entry.owner_user.is_active:
            words = f"{entry.owner_user} is not active: cases go to the owner of the address instead."
            found.append(LintWarning("no_owner", entry, words))
        if entry.owner_queue is not None and entry.owner_queue.pk not in known.staffed:
            words = f"The queue {entry.owner_queue} has no active member: its cases wait for nobody."
            found.append(LintWarning("no_members", entry, words))
    if not any(not address.is_deleted for address in rule.addresses.all()):
        found.append(LintWarning("unused", rule, "No routing address uses this rule."))
    elif not entries:
        words = "It has no active entry: every case goes to the fallback queue or the case owner of its address."
        found.append(LintWarning("empty", rule, words))
    return found


def lint_flow(flow: RoutingFlow, known: Known | None = None) -> list[LintWarning]:
    known = known or Known.load()
    steps = [step for step in flow.steps.all() if step.is_active]
    found = list(_lint_order(steps, _same_target, known))
    for step in steps:
        found += _lint_step(step, known.staffed)
    if not any(not address.is_deleted for address in flow.addresses.all()):
        found.append(LintWarning("unused", flow, "No routing address uses this flow."))
    elif not steps:
        words = "It has no active step: every case goes to the fallback queue of its address."
        found.append(LintWarning("empty", flow, words))
    return found


def _lint_order(rows: Sequence[Row], same: Callable[[Any, Any], bool], known: Known) -> Iterator[LintWarning]:
    """What a row's conditions say, and what earlier rows take from later ones."""
    read: list[tuple[Row, Conditions]] = []
    for row in rows:
        try:
            conditions = read_conditions(row.conditions)
        except BadConditions as error:
            yield LintWarning("unreadable", row, f"{error} Everything that reaches this point goes to the fallback.")
            continue
        if can_never_hold(conditions):
            yield LintWarning("never_holds", row, "Its conditions exclude each other: no mail can satisfy them.")
            continue
        if unknown := list(dict.fromkeys(known.unknown_in(conditions))):
            words = f"No case can have {', '.join(f'“{each}”' for each in unknown)}: correct the name."
            yield LintWarning("unknown_name", row, words)
        if not known.has_hours and any(test.field == "in_business_hours" for test in tests_of(conditions)):
            words = "It asks for business hours, and none are marked as the default: that part never holds."
            yield LintWarning("no_hours", row, words)
        by = next((earlier for earlier, condition in read if implies(conditions, condition)), None)
        if by is not None:
            is_same_condition = any(earlier is by and condition == conditions for earlier, condition in read)
            if is_same_condition and not same(by, row):
                words = f"“{by}” has the same conditions and another destination; this one is never reached."
                yield LintWarning("conflicting", row, words)
            else:
                yield LintWarning("shadowed", row, f"“{by}” takes all of its mail before it; move it up or delete it.")
        read.append((row, conditions))


def _same_owner(one: RuleEntry, other: RuleEntry) -> bool:
    return (one.owner_user_id, one.owner_queue_id) == (other.owner_user_id, other.owner_queue_id)


def _same_target(one: FlowStep, other: FlowStep) -> bool:
    def target(step: FlowStep) -> tuple[Any, ...]:
        return step.target, step.queue_id, step.user_id, {skill.pk for skill in step.skills.all()}

    return target(one) == target(other)


def _lint_step(step: FlowStep, staffed: set[int]) -> Iterator[LintWarning]:
    if step.target == FlowStep.Target.QUEUE:
        if step.queue_id not in staffed:
            words = f"The queue {step.queue} has no active member: its cases wait for nobody."
            yield LintWarning("no_members", step, words)
        return
    if step.overflow_queue is not None and step.overflow_queue.pk not in staffed:
        words = f"Its overflow queue {step.overflow_queue} has no active member: nobody sees who waits there."
        yield LintWarning("no_members", step, words)
    presences = RepPresence.objects.filter(user__is_active=True)
    match step.target:
        case FlowStep.Target.USER:
            presences, whom = presences.filter(user=step.user_id), f"{step.user} takes no cases from flows"
        case FlowStep.Target.MEMBERS:
            presences = presences.filter(user__case_queues=step.queue_id)
            whom = f"No active member of {step.queue} takes cases from flows"
        case _:
            skills = list(step.skills.all())
            if not skills:
                yield LintWarning("no_rep", step, "It names no skill, so nobody has what it asks for.")
                return
            fitting = Count("user__skills", filter=Q(user__skills__in=skills), distinct=True)
            presences = presences.annotate(fitting=fitting).filter(fitting=len(skills))
            whom = f"Nobody who takes cases from flows has {', '.join(map(str, skills))}"
    if not presences.exists():
        yield LintWarning("no_rep", step, f"{whom}: every case waits in the overflow queue. Give somebody a presence.")


def lint_addresses(staffed: set[int] | None = None) -> Iterator[LintWarning]:
    """`staffed`: the keys of queues with an active member, when the caller knows them. Two statements at most."""
    staffed = staffed_queues() if staffed is None else staffed
    addresses = RoutingAddress.objects.not_deleted().select_related("owner_user", "owner_queue", "fallback_queue")
    for address in addresses:
        yield from _lint_senders(address)
        if address.strategy == Strategy.FLOW and address.fallback_queue_id not in staffed:
            words = f"Its fallback queue {address.fallback_queue} has no active member."
            yield LintWarning("no_members", address, words)
        if address.owner_user is not None and not address.owner_user.is_active:
            words = f"Its case owner {address.owner_user} is not active: the default case owner gets its cases."
            yield LintWarning("no_owner", address, words)
        if address.owner_queue is not None and address.owner_queue_id not in staffed:
            words = f"Its case owner, the queue {address.owner_queue}, has no active member."
            yield LintWarning("no_members", address, words)


def staffed_queues() -> set[int]:
    return set(Queue.objects.filter(members__is_active=True).values_list("pk", flat=True))


def _lint_senders(address: RoutingAddress) -> Iterator[LintWarning]:
    """Senders who are accepted by one list and blocked by the other, or named twice in one."""
    try:
        accepted = AddressPatterns.parse(address.accept_email_from)
        blocked = AddressPatterns.parse(address.block_email_from)
    except ValueError as error:
        yield LintWarning("unreadable", address, str(error))
        return
    both = {each for each in accepted.addresses if blocked.matches(each)}
    both |= {domain for domain in accepted.domains if blocked.matches(f"anybody@{domain}")}
    both |= {f"*.{domain}" for domain in accepted.parent_domains & blocked.parent_domains}
    if both:
        words = f"{', '.join(sorted(both))}: accepted and blocked at once; the block list wins."
        yield LintWarning("conflicting", address, words)
    for patterns in (accepted, blocked):
        wider = AddressPatterns(domains=patterns.domains, parent_domains=patterns.parent_domains)
        superfluous = sorted(each for each in patterns.addresses if wider.matches(each))
        if superfluous:
            words = f"{', '.join(superfluous)}: the domain is in the same list already."
            yield LintWarning("superfluous", address, words)
