"""What happens to a case over its life: mail joins it, it closes and reopens, it joins another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models import F
from django.utils import timezone

from cases.models import Case, CaseEvent, CaseStatus
from routing.choices import ClosedCasePolicy
from routing.named_settings import NamedSetting, of_address

DEFAULT_REOPEN_DAYS = 14


class OnClosedCase(Enum):
    """What a mail does to the case it belongs to."""

    APPEND = "append"
    REOPEN = "reopen"
    FOLLOW_UP = "follow_up"


def effect_of_mail(case: Case, *, now: datetime, may_reopen: bool) -> tuple[OnClosedCase, str, NamedSetting | None]:
    """The closed-case policy of the address that opened the case, a sentence for the trail, and what decided."""
    if case.closed_at is None:
        return OnClosedCase.APPEND, "the case is open", None
    if not may_reopen:
        return OnClosedCase.APPEND, "the case is closed and this kind of mail does not reopen it", None
    address = case.routing_address
    policy = address.closed_case_policy if address else ClosedCasePolicy.REOPEN_WITHIN
    by_policy = of_address(address.pk, "closed_case_policy") if address else None
    if policy == ClosedCasePolicy.ATTACH_ONLY:
        return OnClosedCase.APPEND, "the case is closed and its address only attaches mail", by_policy
    if policy == ClosedCasePolicy.ALWAYS_REOPEN:
        return OnClosedCase.REOPEN, "its address always reopens closed cases", by_policy
    days = address.reopen_days if address else DEFAULT_REOPEN_DAYS
    by_days = of_address(address.pk, "reopen_days") if address else None
    if now - case.closed_at <= timedelta(days=days):
        return OnClosedCase.REOPEN, f"the case was closed within {days} days", by_days
    return OnClosedCase.FOLLOW_UP, f"the case was closed more than {days} days ago", by_days


class CaseWasMerged(RuntimeError):
    """The case was merged into another one while a mail for it was being written: decide anew."""


def record_inbound_activity(case: Case, *, at: datetime, by_person: bool, reopen: bool) -> None:
    """Note that a mail came in. A reopened case gets the default status again, and who writes wakes a snoozed one. One
    UPDATE.

    Raises CaseWasMerged when somebody merged the case since it was read; the caller's transaction must be rolled back,
    or its mail stays on a case that nobody works on.
    """
    changes: dict[str, Any] = {"last_activity_at": at}
    if by_person:
        changes |= {"last_inbound_at": at, "awaiting": Case.Awaiting.US, "snoozed_until": None}
    if reopen:
        changes |= {"status": default_status(), "closed_at": None, "reopened_count": F("reopened_count") + 1}
    if not Case.objects.filter(pk=case.pk, merged_into__isnull=True).update(**changes):
        raise CaseWasMerged(f"Case {case.number} was merged meanwhile.")


def default_status() -> CaseStatus:
    return CaseStatus.objects.order_by("-is_default", "is_closed", "position")[0]


def closed_status() -> CaseStatus | None:
    return CaseStatus.objects.filter(is_closed=True).order_by("position", "label").first()


def set_status(
    *,
    case: Case,
    status: CaseStatus,
    by: Any | None,
    now: datetime | None = None,
    noted: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Give the case another status; closing and opening keep `closed_at` true, and what is closed sleeps no more.

    Asks nobody: `cases.editing.change_status` is what a rep does. `noted`: what its event shall say besides.
    """
    now = now or timezone.now()
    changes: dict[str, Any] = {"status": status, "last_activity_at": now}
    if not status.is_closed:
        changes["closed_at"] = None
    elif case.closed_at is None:
        changes |= {"closed_at": now, "snoozed_until": None}
    Case.objects.filter(pk=case.pk).update(**changes)
    return CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.STATUS_CHANGED,
        actor=by,
        because=status.label,
        detail={"was": case.status_id, "now": status.pk, **(noted or {})},
    )


def may_reopen_cases(*, automatic_kind: str, delayed_bounce: bool, is_thanks: bool) -> bool:
    """A person's mail reopens, unless it only says thanks; of machines only a final bounce does."""
    if automatic_kind == "bounce":
        return not delayed_bounce
    return not automatic_kind and not is_thanks
