"""What a user has seen of a case. Unread is what a customer wrote after that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.models import Case, CaseVisit


def mark_seen(user: Any, case: Case, now: datetime) -> None:
    """The user has the case's newest mail on the page. One statement; whether they look at it or write is kept."""
    CaseVisit.objects.bulk_create(
        [CaseVisit(user=user, case=case, seen_at=now)],
        update_conflicts=True,
        unique_fields=["case", "user"],
        update_fields=["seen_at"],
    )
