"""What happens to a case over its life: mail joins it, it closes and reopens, it joins another."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cases.models import Case, CaseEvent, CaseStatus, EmailMessage, Participant
from routing.choices import ClosedCasePolicy

DEFAULT_REOPEN_DAYS = 14


class CannotJoin(RuntimeError):
    """The cases cannot be joined; the message says why."""


class OnClosedCase(Enum):
    """What a mail does to the case it belongs to."""

    APPEND = "append"
    REOPEN = "reopen"
    FOLLOW_UP = "follow_up"


def effect_of_mail(case: Case, *, now: datetime, may_reopen: bool) -> tuple[OnClosedCase, str]:
    """The closed-case policy of the address that opened the case, and a sentence for the trail."""
    if case.closed_at is None:
        return OnClosedCase.APPEND, "the case is open"
    if not may_reopen:
        return OnClosedCase.APPEND, "the case is closed and this kind of mail does not reopen it"
    address = case.routing_address
    policy = address.closed_case_policy if address else ClosedCasePolicy.REOPEN_WITHIN
    if policy == ClosedCasePolicy.ATTACH_ONLY:
        return OnClosedCase.APPEND, "the case is closed and its address only attaches mail"
    if policy == ClosedCasePolicy.ALWAYS_REOPEN:
        return OnClosedCase.REOPEN, "its address always reopens closed cases"
    days = address.reopen_days if address else DEFAULT_REOPEN_DAYS
    if now - case.closed_at <= timedelta(days=days):
        return OnClosedCase.REOPEN, f"the case was closed within {days} days"
    return OnClosedCase.FOLLOW_UP, f"the case was closed more than {days} days ago"


def record_inbound_activity(case: Case, *, at: datetime, by_person: bool, reopen: bool) -> None:
    """Note that a mail came in. A reopened case gets the default status again. One UPDATE."""
    changes: dict[str, Any] = {"last_activity_at": at}
    if by_person:
        changes |= {"last_inbound_at": at, "awaiting": Case.Awaiting.US}
    if reopen:
        changes |= {"status": default_status(), "closed_at": None, "reopened_count": F("reopened_count") + 1}
    Case.objects.filter(pk=case.pk).update(**changes)


def default_status() -> CaseStatus:
    return CaseStatus.objects.order_by("-is_default", "is_closed", "position")[0]


def set_status(*, case: Case, status: CaseStatus, by: Any | None, now: datetime | None = None) -> None:
    """Give the case another status; closing and opening keep `closed_at` true."""
    now = now or timezone.now()
    Case.objects.filter(pk=case.pk).update(
        status=status, closed_at=now if status.is_closed else None, last_activity_at=now
    )
    CaseEvent.objects.create(case=case, kind=CaseEvent.Kind.STATUS_CHANGED, actor=by, because=status.label)


@transaction.atomic
def join_possible_case(*, case: Case, by: Any) -> Case:
    """A person says: this case is part of the one it possibly belongs to. Its mails move there; it stays as merged."""
    case = Case.objects.select_for_update().get(pk=case.pk)
    if case.merged_into_id is not None:
        raise CannotJoin(f"Case {case.number_text} was joined already.")
    if case.possibly_belongs_to_id is None:
        raise CannotJoin(f"Case {case.number_text} does not possibly belong to another one.")
    target = Case.objects.select_for_update().get(pk=case.possibly_belongs_to_id)
    for _ in range(20):
        if target.merged_into_id is None:
            break
        target = Case.objects.select_for_update().get(pk=target.merged_into_id)
    if target.pk == case.pk or target.merged_into_id is not None:
        raise CannotJoin("The cases are merged into each other; split one of them first.")
    now = timezone.now()
    messages = EmailMessage.objects.filter(case=case)
    messages.update(case=target, thread_basis=EmailMessage.ThreadBasis.MANUAL, approved_by=by)
    known = set(target.participants.values_list("address", flat=True))
    Participant.objects.bulk_create(
        Participant(case=target, address=row.address, name=row.name, role=row.role)
        for row in case.participants.all()
        if row.address not in known
    )
    case.tasks.update(case=target)
    closed = CaseStatus.objects.filter(is_closed=True).order_by("position").first()
    Case.objects.filter(pk=case.pk).update(
        merged_into=target, possibly_belongs_to=None, status=closed or case.status, closed_at=now, last_activity_at=now
    )
    Case.objects.filter(pk=target.pk).update(last_activity_at=now, last_inbound_at=now, awaiting=Case.Awaiting.US)
    CaseEvent.objects.bulk_create(
        [
            CaseEvent(case=case, kind=CaseEvent.Kind.MERGED, actor=by, because=f"joined to case {target.number_text}"),
            CaseEvent(case=target, kind=CaseEvent.Kind.JOINED, actor=by, because=f"case {case.number_text} joined"),
        ]
    )
    return target


@transaction.atomic
def dismiss_possible_case(*, case: Case, by: Any) -> None:
    """A person says: this case has nothing to do with the other one."""
    other = case.possibly_belongs_to
    if other is None:
        return
    Case.objects.filter(pk=case.pk).update(possibly_belongs_to=None)
    CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.JOINED,
        actor=by,
        because=f"kept apart from case {other.number_text}",
        detail={"kept_apart": other.pk},
    )


def may_reopen_cases(*, automatic_kind: str, delayed_bounce: bool, is_thanks: bool) -> bool:
    """A person's mail reopens, unless it only says thanks; of machines only a final bounce does."""
    if automatic_kind == "bounce":
        return not delayed_bounce
    return not automatic_kind and not is_thanks
