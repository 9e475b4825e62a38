"""What a user has seen of a case. Unread is what a customer wrote after that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError

from cases.models import Case, CaseVisit


def mark_seen(user: Any, case: Case, now: datetime, *, was_here: bool = True) -> None:
    """The user has the case's newest mail on the page; whether they look at it or write is kept. `was_here` is a guess
    whether they had it before: the right one saves a statement.

    One statement without a transaction around it, for it stands before every page of a case: BEGIN and COMMIT go to
    the database and back as well.
    """
    visits = CaseVisit.objects.filter(user=user, case=case)
    if was_here and visits.update(seen_at=now):
        return
    try:
        CaseVisit.objects.create(user=user, case=case, seen_at=now)
    except IntegrityError:  # the first look of that page at who else is here was faster
        visits.update(seen_at=now)
