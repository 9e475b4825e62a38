"""The first owner of a new case, by the strategy of its routing address: owner, assignment rules or flow.

The caller is in the transaction that opens the case. A strategy that fails, in whatever way, costs no mail: the case
goes to the fallback queue (a flow's), else to the owner of the address or the default case owner, and says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from routing.choices import Strategy
from routing.conditions import read_conditions
from routing.facts import RoutingFacts
from routing.flows import Rep, Step, choose, choose_rep
from routing.models import EmailToCaseSettings, FlowStep, Queue, RepPresence, RoutingAddress, RuleEntry
from routing.named_settings import of_address, of_entry, of_step
from routing.owners import OwnerChoice, choose_owner
from routing.rules import Entry, first_match

__all__ = ["FirstOwner", "OpenCases", "choose_first_owner", "free_rep_of", "note_given"]

logger = logging.getLogger(__name__)

# The cases that await us and are owned by these users, counted by whoever knows cases.
OpenCases = Callable[[Collection[int]], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """`waits_for`: the step whose next free rep shall get the case. `failure`: what went wrong, "" for nothing.
    `one_of`: whose turn it is among several free reps, in words that are the same whoever of them has it; "" for an
    owner who does not change from mail to mail.
    """

    owner: OwnerChoice
    entry: RuleEntry | None = None
    waits_for: FlowStep | None = None
    failure: str = ""
    one_of: str = ""


def choose_first_owner(
    address: RoutingAddress | None,
    settings_row: EmailToCaseSettings,
    facts: Callable[[], RoutingFacts],
    *,
    open_cases: OpenCases,
) -> FirstOwner:
    """`facts` is asked for by rules and flows alone. Locks the presence rows of the reps among whom a flow chooses, so
    that two cases at once are not given to the same one.
    """
    if address is None or address.strategy == Strategy.OWNER:
        return FirstOwner(choose_owner(address, settings_row))
    try:
        with transaction.atomic():  # a savepoint: a failed statement must not take the case with it
            if address.strategy == Strategy.RULES:
                return _by_rules(address, settings_row, facts())
            return _by_flow(address, settings_row, facts(), open_cases)
    except Exception as error:  # noqa: BLE001 - recorded on the case as a failed routing; the mail must not wait for it
        logger.warning("routing for %s failed: %s", address.email_address, type(error).__name__)
        failure = f"{address.get_strategy_display()} failed: {type(error).__name__}: {error}"[:400]
        return FirstOwner(_fallback(address, settings_row, failure), failure=failure)


def _fallback(address: RoutingAddress, settings_row: EmailToCaseSettings, why: str) -> OwnerChoice:
    if address.fallback_queue is not None:
        setting = of_address(address.pk, "fallback_queue")
        return OwnerChoice(None, address.fallback_queue, f"fallback queue, because {why}", setting)
    choice = choose_owner(address, settings_row)
    return OwnerChoice(choice.user, choice.queue, f"{choice.because}, because {why}", choice.setting)


def _by_rules(address: RoutingAddress, settings_row: EmailToCaseSettings, facts: RoutingFacts) -> FirstOwner:
    rows = {
        row.pk: row
        for row in RuleEntry.objects.filter(rule=address.assignment_rule_id, is_active=True)
        .select_related("owner_user", "owner_queue", "notice_template")
        .order_by("position", "pk")
    }
    entries = [Entry(row.pk, row.label, read_conditions(row.conditions)) for row in rows.values()]
    matched = first_match(entries, facts)
    if matched is None:
        return FirstOwner(_fallback(address, settings_row, f"no entry of “{address.assignment_rule}” holds"))
    row = rows[matched.entry.key]
    because = f"entry “{row.label}” of “{address.assignment_rule}”: {matched.because}"
    if row.owner_user is not None and not row.owner_user.is_active:
        return FirstOwner(_fallback(address, settings_row, f"{row.owner_user} of {because} is not active"))
    return FirstOwner(OwnerChoice(row.owner_user, row.owner_queue, because, of_entry(row.rule_id, row.pk)), entry=row)


def _by_flow(
    address: RoutingAddress, settings_row: EmailToCaseSettings, facts: RoutingFacts, open_cases: OpenCases
) -> FirstOwner:
    rows = {
        row.pk: row
        for row in FlowStep.objects.filter(flow=address.flow_id, is_active=True)
        .select_related("queue", "overflow_queue", "user")
        .order_by("position", "pk")
    }
    chosen = choose(
        [_as_step(row) for row in rows.values()], facts, lambda step: _locked_reps(rows[step.key], open_cases)
    )
    if chosen is None:
        return FirstOwner(_fallback(address, settings_row, f"no step of “{address.flow}” holds"))
    row = rows[chosen.step.key]
    by_step = of_step(row.flow_id, row.pk)
    if chosen.rep is not None:
        user = get_user_model().objects.get(pk=chosen.rep)
        one_of = _one_of(row) if chosen.among > 1 else ""
        return FirstOwner(OwnerChoice(user, None, chosen.because, by_step), one_of=one_of)
    queue = (
        Queue.objects.get(pk=chosen.queue)
        if chosen.queue is not None
        else _fallback(address, settings_row, "no rep is free").queue
    )
    if queue is None:
        return FirstOwner(_fallback(address, settings_row, chosen.because))
    return FirstOwner(OwnerChoice(None, queue, chosen.because, by_step), waits_for=row if chosen.waits else None)


def _one_of(row: FlowStep) -> str:
    whom = f"a member of {row.queue}" if row.queue is not None else f"a rep of step “{row.label}”"
    return f"{whom}, {'the least loaded' if row.method == FlowStep.Method.LEAST_LOADED else 'by turn'}"


def free_rep_of(step: FlowStep, open_cases: OpenCases) -> OwnerChoice | None:
    """The rep of a step whose turn it is now, for a case that waited; None: nobody is free. In a transaction."""
    rep, why = choose_rep(_as_step(step), _locked_reps(step, open_cases))
    if rep is None:
        return None
    return OwnerChoice(get_user_model().objects.get(pk=rep.key), None, f"waited for step “{step.label}”; {why}")


def note_given(user_id: int) -> None:
    """A flow gave a case to this rep: the next turn is somebody else's. In the transaction that locked the reps."""
    # The time is taken under the lock: whoever began earlier and waited for it comes after whoever held it.
    RepPresence.objects.filter(user=user_id).update(last_assigned_at=timezone.now())


def _as_step(row: FlowStep) -> Step:
    return Step(
        key=row.pk,
        label=row.label,
        conditions=read_conditions(row.conditions),
        target=row.target,
        method=row.method,
        queue=row.queue_id,
        overflow_queue=row.overflow_queue_id,
    )


def _locked_reps(row: FlowStep, open_cases: OpenCases) -> list[Rep]:
    """The reps of a step with what they have to do, their presence rows locked in the order of their keys."""
    presences = RepPresence.objects.select_for_update(of=("self",)).select_related("user").order_by("pk")
    match row.target:
        case FlowStep.Target.USER:
            presences = presences.filter(user=row.user_id)
        case FlowStep.Target.MEMBERS:
            presences = presences.filter(user__in=_members_of(row.queue_id))
        case _:
            presences = presences.filter(user__in=_who_has_all_skills(row))
    found = list(presences)
    counts = open_cases([presence.user_id for presence in found]) if found else {}
    return [
        Rep(
            key=presence.user_id,
            name=presence.user.get_full_name() or presence.user.get_username(),
            status=presence.status,
            capacity=presence.capacity,
            open_cases=counts.get(presence.user_id, 0),
            is_active=presence.user.is_active,
            last_assigned_at=presence.last_assigned_at,
        )
        for presence in found
    ]


def _members_of(queue_id: int | None) -> list[int]:
    # Keys and not a sub-select: what FOR UPDATE waits for must be the presence rows alone.
    return list(get_user_model().objects.filter(case_queues=queue_id).values_list("pk", flat=True))


def _who_has_all_skills(row: FlowStep) -> list[int]:
    skills = list(row.skills.values_list("pk", flat=True))
    if not skills:
        return []
    users = get_user_model().objects.annotate(fitting=Count("skills", filter=Q(skills__in=skills), distinct=True))
    return list(users.filter(fitting=len(skills)).values_list("pk", flat=True))
