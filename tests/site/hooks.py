"""Hooks that note what they hear, and automations that want to route."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cases.assignment import AlreadyRouted, CaseChangedMeanwhile, OwnerWrittenElsewhere, assign
from cases.hooks import HookEvent, on_case_opened, on_email_added
from cases.models import Case, RoutingDecision
from routing.models import Queue
from routing.owners import OwnerChoice

heard: list[tuple[str, str, int]] = []  # (hook, event key, case)
refusals: list[str] = []
failures_left = 0


@on_case_opened
def note_opened(event: HookEvent) -> None:
    heard.append(("opened", event.key, event.case.pk))


@on_email_added
def note_added(event: HookEvent) -> None:
    heard.append(("added", event.key, event.case.pk))


@on_case_opened
def fail_first(event: HookEvent) -> None:
    global failures_left
    if failures_left:
        failures_left -= 1
        raise RuntimeError("the warehouse does not answer")
    heard.append(("late", event.key, event.case.pk))


def says_nothing(event: HookEvent) -> None:
    """Without a decorator: nobody knows what it hears."""


@on_case_opened
def route_new_cases(event: HookEvent) -> None:
    """The conflicting Case automation of the guide: tries every way to own the case at its creation."""
    queue = Queue.objects.get(name="Automation")
    case = Case.objects.get(pk=event.case.pk)
    for kind in (RoutingDecision.Kind.INITIAL, RoutingDecision.Kind.REASSIGNED):
        try:
            assign(
                case=case,
                owner=OwnerChoice(None, queue, "automation"),
                kind=kind,
                expected_version=case.routing_version,
            )
        except AlreadyRouted as refusal:
            refusals.append(type(refusal).__name__)
    try:
        Case.objects.filter(pk=case.pk).update(owner_queue=queue)
    except OwnerWrittenElsewhere as refusal:
        refusals.append(type(refusal).__name__)
    try:
        case.owner_user, case.owner_queue = None, queue
        case.save()
    except OwnerWrittenElsewhere as refusal:
        refusals.append(type(refusal).__name__)


@on_email_added
def escalate_answers(event: HookEvent) -> None:
    """An automation on messages that is in its right: answers go to another queue, unless somebody was faster."""
    case = Case.objects.get(pk=event.case.pk)
    queue = Queue.objects.get(name="Automation")
    if case.owner_queue_id == queue.pk:
        return
    try:
        assign(
            case=case,
            owner=OwnerChoice(None, queue, "an answer came"),
            kind=RoutingDecision.Kind.REASSIGNED,
            expected_version=case.routing_version,
        )
    except CaseChangedMeanwhile as refusal:
        refusals.append(type(refusal).__name__)


@on_case_opened
def write_and_hang(event: HookEvent) -> None:
    """For tests that kill: notes the call in a file, then does not return while the file "hang" is there."""
    folder = Path(os.environ["E2C_DATA_DIR"])
    with (folder / "heard.txt").open("a") as file:
        file.write(f"{event.key} {event.attempt}\n")
    while (folder / "hang").exists():
        time.sleep(0.05)
