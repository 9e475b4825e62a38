"""What was only needed while something was done goes when it is done long enough. Mail, history and audit stay.

Each answers how many rows went, at most MOST_FORGOTTEN at once. The rows are looked at in the order in which they
came, so that the old ones are found without an index of their own. What failed, or waits, stays until it is looked at.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cases.models import HookRun, InboundEmail, LoopTest, Outbox, RawBody, RefusedCall, TrackingRequest
from cases.selectors.figures import LONGEST_PERIOD

__all__ = ["forget_what_is_done"]

MOST_FORGOTTEN = 1000


def forget_what_is_done(*, now: datetime | None = None) -> int:
    """What is older than E2C_WORK_RECORD_DAYS. Returns how many; 0 when nothing is left to forget."""
    now = now or timezone.now()
    oldest = now - timedelta(days=settings.E2C_WORK_RECORD_DAYS)
    gone = forget_hook_runs(oldest) + forget_tracking_requests(oldest) + forget_canaries(oldest)
    # Counted in the figures, which look back a while whatever the setting says.
    return gone + forget_refused_calls(min(oldest, now - timedelta(days=LONGEST_PERIOD)))


def forget_hook_runs(oldest: datetime) -> int:
    """Those that are done; one that failed names its error."""
    done = HookRun.objects.filter(state=HookRun.State.DONE)
    return _delete(HookRun.objects.filter(pk__in=_older(done, "done_at", oldest)))


@transaction.atomic
def forget_tracking_requests(oldest: datetime) -> int:
    """Reports of providers that were read, with their bytes: what they said stands on the mail they are about."""
    done = TrackingRequest.objects.filter(state__in=[TrackingRequest.State.APPLIED, TrackingRequest.State.IGNORED])
    rows = TrackingRequest.objects.filter(pk__in=_older(done, "received_at", oldest))
    bodies = list(rows.values_list("raw", flat=True))
    deleted = _delete(rows)
    RawBody.objects.filter(
        ~Exists(TrackingRequest.objects.filter(raw=OuterRef("pk"))),
        ~Exists(InboundEmail.objects.filter(raw=OuterRef("pk"))),
        pk__in=bodies,
    ).delete()
    return deleted


@transaction.atomic
def forget_canaries(oldest: datetime) -> int:
    """Test mails of the schedule that came back, but for the last one of each address, which is its proof."""
    back = LoopTest.objects.filter(is_canary=True, arrived_at__isnull=False)
    newer = back.filter(routing_address=OuterRef("routing_address"), pk__gt=OuterRef("pk"))
    back = back.filter(Exists(newer))
    rows = LoopTest.objects.filter(pk__in=_older(back, "asked_at", oldest))
    sent = list(rows.values_list("outbox", flat=True))
    deleted = _delete(rows)
    Outbox.objects.filter(pk__in=sent, kind=Outbox.Kind.TEST).delete()
    return deleted


def forget_refused_calls(oldest: datetime) -> int:
    """The counts of webhook calls that were turned away, by hour."""
    return _delete(RefusedCall.objects.filter(pk__in=_older(RefusedCall.objects.all(), "hour", oldest)))


def _older(rows: QuerySet[Any], moment: str, oldest: datetime) -> list[int]:
    first = rows.order_by("pk").values_list("pk", moment)[:MOST_FORGOTTEN]
    return [key for key, at in first if at is not None and at < oldest]


def _delete(rows: QuerySet[Any]) -> int:
    deleted, _by_model = rows.delete()
    return deleted
