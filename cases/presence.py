"""Who is looking at a case and who writes an answer, at this moment; kept on CaseVisit with what each has seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cases.models import Case, CaseVisit

__all__ = ["PRESENT_FOR", "Presence", "note_visit"]

PRESENT_FOR = timedelta(seconds=30)
# A page asks every ten seconds. What it says again is written once in this time, so that looking costs no write.
WRITTEN_EVERY = timedelta(seconds=15)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Presence:
    """The others, by user: who writes an answer, and who only looks."""

    replying: tuple[Any, ...]
    viewing: tuple[Any, ...]


def note_visit(case: Case, user: Any, *, composing: bool, has_seen_all: bool, now: datetime | None = None) -> Presence:
    """Say that the user is here, and who else is. One statement; a second one when there is something to write.

    `has_seen_all`: nothing came in since the page was made, so the case counts as read.
    """
    now = now or timezone.now()
    visits = list(CaseVisit.objects.filter(case=case).select_related("user").order_by("-viewing_at")[:MOST_SHOWN])
    mine = next((visit for visit in visits if visit.user_id == user.pk), None)
    changes = _changes(mine, case, composing=composing, has_seen_all=has_seen_all, now=now)
    if changes:
        CaseVisit.objects.update_or_create(
            case=case,
            user=user,
            defaults=changes,
            # Who has not seen it all yet has seen nothing that is newer than the beginning of time.
            create_defaults={"seen_at": case.created_at} | changes,
        )
    others = [visit for visit in visits if visit.user_id != user.pk and visit.user.is_active]
    replying = [visit.user for visit in others if _is_recent(visit.replying_at, now)]
    viewing = [visit.user for visit in others if _is_recent(visit.viewing_at, now) and visit.user not in replying]
    return Presence(tuple(replying), tuple(viewing))


def _changes(
    mine: CaseVisit | None, case: Case, *, composing: bool, has_seen_all: bool, now: datetime
) -> dict[str, datetime | None]:
    viewing_at, replying_at = (mine.viewing_at, mine.replying_at) if mine else (None, None)
    changes: dict[str, datetime | None] = {}
    if viewing_at is None or now - viewing_at > WRITTEN_EVERY:
        changes["viewing_at"] = now
    if composing and (replying_at is None or now - replying_at > WRITTEN_EVERY):
        changes["replying_at"] = now
    if not composing and replying_at is not None:
        changes["replying_at"] = None
    newest = max(filter(None, (case.last_inbound_at, case.created_at)))
    if has_seen_all and (mine is None or mine.seen_at < newest):
        changes["seen_at"] = now
    return changes


def _is_recent(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at <= PRESENT_FOR
