"""Take back what one has just done. The history says what was before; it is taken back only when nothing was changed
since, and the undoing is a line of the history itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, ChangedMeanwhile, case_to_change
from cases.assignment import CaseChangedMeanwhile, assign
from cases.editing import change_priority, change_record_type, change_status, change_subject
from cases.models import Case, CaseEvent, CaseStatus, RoutingDecision, Tag
from cases.snoozing import snooze, wake
from cases.tags import add_tag, remove_tag
from routing.models import Queue, RecordType
from routing.owners import OwnerChoice

__all__ = ["UNDOABLE", "UNDO_FOR", "undo_change"]

Kind = CaseEvent.Kind
UNDO_FOR = timedelta(minutes=10)
UNDOABLE = frozenset(
    {
        Kind.STATUS_CHANGED,
        Kind.OWNER_ASSIGNED,
        Kind.PRIORITY_CHANGED,
        Kind.TYPE_CHANGED,
        Kind.SUBJECT_CHANGED,
        Kind.SNOOZED,
        Kind.WOKEN,
        Kind.TAGS_CHANGED,
    }
)


@transaction.atomic
def undo_change(*, event: CaseEvent, by: User, now: datetime | None = None) -> CaseEvent | None:
    """Raises CannotChange when it is not the person's own, too old, or overtaken by another change."""
    now = now or timezone.now()
    if event.actor_id != by.pk or event.kind not in UNDOABLE or not event.detail:
        raise CannotChange(_("This cannot be undone."))
    if now - event.at > UNDO_FOR:
        raise CannotChange(_("It is too late to undo this; change it by hand."))
    case = case_to_change(event.case, by=by)
    detail = event.detail
    # Only the newest change of its kind: whatever came after it is not ours to throw away.
    if CaseEvent.objects.filter(case=case, kind=event.kind, pk__gt=event.pk).exists():
        raise ChangedMeanwhile(_("Somebody changed this again meanwhile; it was left as it is."))
    match event.kind:
        case Kind.STATUS_CHANGED:
            status = _found(CaseStatus.objects.filter(pk=detail["was"]).first())
            return change_status(case=case, status=status, by=by, seen=str(detail["now"]), now=now)
        case Kind.OWNER_ASSIGNED:
            return _give_back(case, detail, by)
        case Kind.PRIORITY_CHANGED:
            return change_priority(case=case, priority=detail["was"], by=by, seen=detail["now"])
        case Kind.TYPE_CHANGED:
            record_type = _found(RecordType.objects.filter(pk=detail["was"]).first())
            return change_record_type(case=case, record_type=record_type, by=by, seen=str(detail["now"]))
        case Kind.SUBJECT_CHANGED:
            return change_subject(case=case, subject=detail["was"], by=by, seen=detail["now"])
        case Kind.TAGS_CHANGED:
            tag = _found(Tag.objects.filter(pk=detail.get("added") or detail.get("removed")).first())
            return (
                remove_tag(case=case, tag=tag, by=by)
                if "added" in detail
                else add_tag(case=case, name=tag.name, by=by)
            )
        case _:
            return _set_aside_again(case, detail, by, now)


def _give_back(case: Case, detail: dict[str, Any], by: User) -> CaseEvent:
    owner = OwnerChoice(
        User.objects.filter(pk=detail["user"], is_active=True).first(),
        Queue.objects.filter(pk=detail["queue"]).first(),
        "undone",
    )
    if owner.user is None and owner.queue is None:
        raise CannotChange(_("The owner before is not there any more."))
    try:
        return assign(
            case=case,
            owner=owner,
            kind=RoutingDecision.Kind.MANUAL,
            expected_version=detail["version"],
            decided_by=by,
        )
    except CaseChangedMeanwhile as error:
        raise ChangedMeanwhile(_("Meanwhile the case got another owner; it was left there.")) from error


def _set_aside_again(case: Case, detail: dict[str, Any], by: User, now: datetime) -> CaseEvent | None:
    was = datetime.fromisoformat(detail["was"]) if detail.get("was") else None
    current = case.snoozed_until.isoformat() if case.snoozed_until else None
    if current != detail.get("now"):
        raise ChangedMeanwhile(_("Somebody changed this again meanwhile; it was left as it is."))
    if was is None or was <= now:
        return wake(case=case, by=by)
    return snooze(case=case, until=was, by=by, now=now)


def _found(row: Any | None) -> Any:
    if row is None:
        raise CannotChange(_("What stood there before does not exist any more."))
    return row
