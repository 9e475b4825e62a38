"""What reps say about themselves: whether flows may give them new cases.

Who takes part in flows at all, and how many cases at a time, is configuration: the page "Rep presence".
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from routing import audit
from routing.models import RepPresence

__all__ = ["set_own_presence"]


@transaction.atomic
def set_own_presence(user: User, status: RepPresence.Status) -> RepPresence | None:
    """None: this user takes no part in flows. A flow that chooses among reps at this moment is waited for, or waits:
    once this returns, nobody who said away is given a case.
    """
    presence = RepPresence.objects.select_for_update().filter(user=user).first()
    if presence is None or presence.status == status:
        return presence
    before = presence.status
    # Nothing but the status: a flow may write down a turn, an administrator another capacity.
    RepPresence.objects.filter(pk=presence.pk).update(status=status, changed_at=timezone.now())
    presence.status = status
    audit.record("presence-changed", presence, by=user, changes={"status": [before, str(status)]})
    return presence
