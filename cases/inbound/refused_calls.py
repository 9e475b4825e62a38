"""Count the webhook calls that were turned away, by hour, provider and reason: admins see a wrong password here."""

from __future__ import annotations

import logging

from django.db import DatabaseError, IntegrityError
from django.db.models import F
from django.utils import timezone

from cases.models import RefusedCall

__all__ = ["count_refused_call"]

logger = logging.getLogger(__name__)


def count_refused_call(provider: str, reason: str, *, remote_address: str) -> None:
    """Add one. Never raises: the answer to the provider does not depend on it."""
    logger.info("refused a call of %s: %s", provider, reason)
    try:
        _count(provider, reason, remote_address[:45])
    except DatabaseError as error:
        logger.error("a refused call of %s (%s) was not counted: %s", provider, reason, type(error).__name__)


def _count(provider: str, reason: str, remote_address: str) -> None:
    now = timezone.now()
    row = {"hour": now.replace(minute=0, second=0, microsecond=0), "provider": provider, "reason": reason}
    counted = {"count": F("count") + 1, "last_at": now, "last_remote_address": remote_address}
    if RefusedCall.objects.filter(**row).update(**counted):
        return
    try:
        RefusedCall.objects.create(**row, count=1, last_at=now, last_remote_address=remote_address)
    except IntegrityError:  # another process made the row
        RefusedCall.objects.filter(**row).update(**counted)
