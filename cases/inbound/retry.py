"""Another try for a mail that did not become a case: by a person's click, or when a limit resets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from cases.inbound.trail import TrailLine
from cases.models import EmailMessage, InboundEmail
from cases.outbound.notices import queue_over_limit_alert
from cases.reasons import Reason
from routing.models import AuditEvent, EmailToCaseSettings
from routing.named_settings import of_organisation

# States a person may act on. A duplicate's mail is on its case already; a case or an appended mail is settled for
# good.
RETRYABLE = (InboundEmail.State.HELD, InboundEmail.State.QUARANTINED, InboundEmail.State.REJECTED)
HELD_OVER_LIMIT_FOR = timedelta(hours=24)


class CannotRetry(RuntimeError):
    """The mail is in no state to be retried or discarded; the message says which."""


@transaction.atomic
def retry_inbound_email(*, inbound_id: int, by: Any, wave_through: bool = False) -> InboundEmail:
    """Put the mail back into the queue. `wave_through`: settle it without the check that stopped it.

    Two admins who click at once get one mail: the second finds it waiting and is told so.
    """
    inbound = locked(inbound_id)
    reason = inbound.reason
    requeue(
        inbound,
        attempts=0,
        waved_through=reason if wave_through else "",
        waved_through_by=by if wave_through else None,
    )
    AuditEvent.objects.create(
        actor=by,
        action="retry-inbound-email",
        target=f"inbound email {inbound.pk}",
        detail={"was": reason, "waved_through": wave_through},
    )
    return inbound


@transaction.atomic
def discard_inbound_email(*, inbound_id: int, by: Any, reason: str) -> InboundEmail:
    """Reject the mail for good, for a reason a person gives. The row and the raw mail stay."""
    inbound = locked(inbound_id)
    because = f"discarded by {by}: {reason.strip() or 'no reason given'}"[:500]
    was = inbound.reason
    inbound.state, inbound.reason, inbound.because = InboundEmail.State.REJECTED, Reason.DISCARDED.value, because
    inbound.trail = [*inbound.trail, TrailLine("person", Reason.DISCARDED.value, because).as_json()]
    inbound.save(update_fields=["state", "reason", "because", "trail"])
    AuditEvent.objects.create(
        actor=by,
        action="discard-inbound-email",
        target=f"inbound email {inbound.pk}",
        detail={"was": was, "because": because},
    )
    return inbound


def locked(inbound_id: int) -> InboundEmail:
    inbound = InboundEmail.objects.select_for_update().get(pk=inbound_id)
    if inbound.state not in RETRYABLE:
        raise CannotRetry(f"This mail is {inbound.get_state_display()}; there is nothing to retry or discard.")
    if EmailMessage.objects.filter(inbound_email=inbound).exists():
        raise CannotRetry("This mail is on a case already.")
    return inbound


def requeue(inbound: InboundEmail, **changes: Any) -> None:
    changes |= {
        "state": InboundEmail.State.RECEIVED,
        "reason": "",
        "because": "",
        "claim_token": "",
        "lease_until": None,
        "settled_at": None,
    }
    for name, value in changes.items():
        setattr(inbound, name, value)
    inbound.save(update_fields=list(changes))


@transaction.atomic
def end_waiting(held: QuerySet[InboundEmail], *, now: datetime) -> None:
    """Put mails before a person, and tell those who may configure, once a day: the limit may be too low."""
    rows = list(held.select_for_update())
    because = "held over the daily limit for 24 hours; a person must decide"
    for inbound in rows:
        inbound.state, inbound.because = InboundEmail.State.QUARANTINED, because
        line = TrailLine("screen", Reason.OVER_LIMIT.value, because, of_organisation("daily_limit")).as_json()
        inbound.trail = [*inbound.trail, line]
    if rows:
        InboundEmail.objects.bulk_update(rows, ["state", "because", "trail"])
        queue_over_limit_alert(now=now)


def requeue_over_limit(*, cases_today: int, now: datetime, most: int = 100) -> int:
    """Let held mails go on, oldest first, as far as the daily limit has room again. After 24 hours a person must look.

    Called by the sweeper. Returns how many were put back.
    """
    limit = EmailToCaseSettings.load().daily_limit
    room = most if not limit else max(0, min(most, limit - cases_today))
    held = InboundEmail.objects.filter(state=InboundEmail.State.HELD, reason=Reason.OVER_LIMIT.value)
    end_waiting(held.filter(received_at__lt=now - HELD_OVER_LIMIT_FOR).order_by("id")[:most], now=now)
    if not room:
        return 0
    ids = list(held.order_by("id").values_list("pk", flat=True)[:room])
    return InboundEmail.objects.filter(pk__in=ids, state=InboundEmail.State.HELD).update(
        state=InboundEmail.State.RECEIVED,
        reason="",
        because="",
        claim_token="",
        lease_until=None,
        settled_at=None,
        attempts=0,
    )
