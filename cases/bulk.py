"""One action on many cases: each in a transaction of its own, and every one that was not changed says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, NotAllowed
from cases.editing import change_priority, change_status, close_case
from cases.models import Case, CaseEvent, CaseStatus
from cases.models.case import NUMBER_OFFSET
from cases.ownership import assign_to_queue, assign_to_user, take_case
from cases.selectors.cursor import MAX_KEY
from cases.snoozing import preset_moment, snooze
from cases.tags import add_tag
from routing.choices import Priority
from routing.models import Queue

__all__ = ["ACTIONS", "MOST_CASES", "BulkResult", "change_cases"]

MOST_CASES = 200
ACTIONS = ("take", "assign", "status", "priority", "tag", "snooze", "close")
Change = Callable[[Case], CaseEvent | None]


@dataclass(slots=True)
class BulkResult:
    changed: list[int] = field(default_factory=list)  # numbers
    unchanged: list[int] = field(default_factory=list)  # it was so already
    refused: list[tuple[int, str]] = field(default_factory=list)  # number, the sentence why
    events: list[int] = field(default_factory=list)  # to undo it all

    @property
    def reasons(self) -> dict[str, list[int]]:
        """The numbers by the sentence that refused them."""
        by_sentence: dict[str, list[int]] = {}
        for number, because in self.refused:
            by_sentence.setdefault(because, []).append(number)
        return by_sentence


def change_cases(
    *, numbers: Sequence[int], action: str, value: str, by: User, now: datetime | None = None
) -> BulkResult:
    """`value`: of assign `user:<id>` or `queue:<id>`, of status its id, of priority and tag the word, of snooze a
    preset or an ISO time. Raises CannotChange when nothing can be done at all.
    """
    numbers = list(dict.fromkeys(numbers))
    if not numbers:
        raise CannotChange(_("Choose the cases first."))
    if len(numbers) > MOST_CASES:
        raise CannotChange(_("At most %(most)d cases can be changed at once.") % {"most": MOST_CASES})
    change = _change_of(action, value, by, now or timezone.now())
    result = BulkResult()
    for number in numbers:
        try:
            event = change(Case(pk=min(number - NUMBER_OFFSET, MAX_KEY)))
        except (NotAllowed, CannotChange) as refusal:
            result.refused.append((number, str(refusal)))
            continue
        if event is None:
            result.unchanged.append(number)
        else:
            result.changed.append(number)
            result.events.append(event.pk)
    return result


def _change_of(action: str, value: str, by: User, now: datetime) -> Change:
    match action:
        case "take":
            return lambda case: take_case(case=case, by=by)
        case "assign":
            return _assignment(value, by)
        case "status":
            status = CaseStatus.objects.filter(pk=_key(value)).first()
            if status is None:
                raise CannotChange(_("There is no such status."))
            return lambda case: change_status(case=case, status=status, by=by, now=now)
        case "close":
            # Many at once: drafts are kept, they can be found on the case.
            return lambda case: close_case(case=case, by=by, keep_draft=True, now=now)
        case "priority":
            if value not in Priority.values:
                raise CannotChange(_("There is no such priority."))
            return lambda case: change_priority(case=case, priority=value, by=by)
        case "tag":
            return lambda case: add_tag(case=case, name=value, by=by)
        case "snooze":
            until = _moment(value, now)
            return lambda case: snooze(case=case, until=until, by=by, now=now)
    raise CannotChange(_("There is no such action."))


def _assignment(value: str, by: User) -> Change:
    kind, _colon, key = value.partition(":")
    if kind == "queue" and (queue := Queue.objects.filter(pk=_key(key)).first()):
        return lambda case: assign_to_queue(case=case, queue=queue, by=by)
    if kind == "user" and (user := User.objects.filter(pk=_key(key)).first()):
        return lambda case: assign_to_user(case=case, user=user, by=by)
    raise CannotChange(_("Choose who shall own the cases."))


def _key(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _moment(value: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return preset_moment(value, now=now, zone=timezone.get_current_timezone())
    return at if at.tzinfo else at.replace(tzinfo=timezone.get_current_timezone())
