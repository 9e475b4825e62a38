"""What a person has been told: the list, how much of it is unread, and marking it read.

A notification about a case that its reader may no longer see is not there. Read is what its reader marked, and what
happened before he or she last had the case on the page (CaseVisit): opening a case writes nothing for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cases.models import CaseVisit, Notification
from cases.selectors.visible import visible_cases

__all__ = [
    "COUNTED_TO",
    "PER_PAGE",
    "count_unread",
    "forget_old",
    "list_notifications",
    "mark_read",
    "note_what_was_seen",
    "unread",
]

COUNTED_TO = 100
PER_PAGE = 50
MOST_FORGOTTEN = 2000  # in one statement


def of_reader(user: Any) -> QuerySet[Notification]:
    return Notification.objects.filter(user=user, in_app=True, case__in=visible_cases(user))


def _seen() -> Exists:
    return Exists(CaseVisit.objects.filter(user=OuterRef("user"), case=OuterRef("case"), seen_at__gte=OuterRef("at")))


def unread(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    return rows.filter(~_seen(), read_at__isnull=True)


def count_unread(user: Any) -> int:
    """At most COUNTED_TO. One statement."""
    if not user.is_authenticated:
        return 0
    return unread(of_reader(user)).order_by()[:COUNTED_TO].count()


def list_notifications(user: Any, *, unread_only: bool = False, before: int | None = None) -> Sequence[Notification]:
    """The newest first, one more than PER_PAGE when there are older ones; `is_seen` of each: read without a mark. One
    statement.
    """
    rows = unread(of_reader(user)) if unread_only else of_reader(user)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    rows = rows.annotate(is_seen=_seen())
    return list(rows.select_related("case", "event__actor").defer("case__description").order_by("-pk")[: PER_PAGE + 1])


def mark_read(user: Any, *, keys: Sequence[int] | None = None, up_to: int | None = None) -> int:
    """Of one's own those with these keys, or all up to the one with the key `up_to`: what came later was not seen."""
    rows = Notification.objects.filter(user=user, read_at__isnull=True)
    rows = rows.filter(pk__in=keys) if keys is not None else rows.filter(pk__lte=up_to or 0)
    return rows.update(read_at=timezone.now())


def note_what_was_seen(*, now: datetime | None = None) -> int:
    """Mark what was read by a look at its case, so that what is unread stays little to look through."""
    return Notification.objects.filter(_seen(), read_at__isnull=True).update(read_at=now or timezone.now())


def forget_old(*, now: datetime | None = None) -> int:
    """What is older than E2C_NOTIFICATION_DAYS, read or not. Returns how many; at most MOST_FORGOTTEN at once."""
    oldest = (now or timezone.now()) - timedelta(days=settings.E2C_NOTIFICATION_DAYS)
    keys = Notification.objects.filter(at__lt=oldest).order_by("at").values_list("pk", flat=True)[:MOST_FORGOTTEN]
    deleted, _by_model = Notification.objects.filter(pk__in=list(keys)).delete()
    return deleted
