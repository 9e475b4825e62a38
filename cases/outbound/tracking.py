"""What providers report about mail that we sent: delivered, deferred, bounced, complained, opened.

A report is stored first (TrackingRequest), like mail. Here it is read and applied to the one Delivery row of its
recipient.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases.claims import LONGEST_ERROR, LostLease, claim, claimed_rows, prove, release_for_retry, retry_at
from cases.message_ids import clean_id, hash_of
from cases.models import Case, CaseEvent, Delivery, EmailMessage, Outbox, TrackingRequest
from cases.outbound.closing import open_again
from cases.outbound.endings import follow
from cases.outbound.locking import lock_case_of
from cases.outbound.notices import queue_owner_notice
from cases.outbound.outcomes import note_sent
from routing.addresses import normalise_address

__all__ = ["TrackingEvent", "TrackingReader", "settle_tracking"]

logger = logging.getLogger(__name__)

State = TrackingRequest.State
BATCH = 50

# Anymail's event types in our words. What is not listed says nothing about a delivery.
STATE_OF_EVENT = {
    "queued": Delivery.State.QUEUED,
    "sent": Delivery.State.SENT,
    "deferred": Delivery.State.DEFERRED,
    "delivered": Delivery.State.DELIVERED,
    "opened": Delivery.State.OPENED,
    "clicked": Delivery.State.OPENED,
    "rejected": Delivery.State.BOUNCED,
    "failed": Delivery.State.BOUNCED,
    "bounced": Delivery.State.BOUNCED,
    "complained": Delivery.State.COMPLAINED,
}
# Reports overtake each other: a state only gives way to a later one of this order.
ORDER = [
    Delivery.State.QUEUED,
    Delivery.State.SENT,
    Delivery.State.DEFERRED,
    Delivery.State.DELIVERED,
    Delivery.State.OPENED,
    Delivery.State.BOUNCED,
    Delivery.State.COMPLAINED,
]
BAD_NEWS = (Delivery.State.BOUNCED, Delivery.State.COMPLAINED)


class TrackingEvent(Protocol):
    """The part of anymail.signals.AnymailTrackingEvent that is read here; unknown values are None."""

    event_type: str
    message_id: str | None
    recipient: str | None
    timestamp: datetime | None
    description: str | None
    mta_response: str | None


@dataclass(frozen=True, slots=True)
class TrackingReader:
    """How a stored request becomes events. What `read` raises is a failed attempt, which is tried again, except for
    errors that another attempt cannot mend: `ignored` says that there is no event, `unreadable` that a person must
    look.
    """

    read: Callable[[TrackingRequest], Iterable[TrackingEvent]]
    ignored: tuple[type[Exception], ...] = ()
    unreadable: tuple[type[Exception], ...] = ()


def settle_tracking(reader: TrackingReader, *, limit: int = BATCH, min_age: timedelta = timedelta(0)) -> int:
    """Claim up to `limit` stored requests, apply their events. Returns how many were claimed. Not in a transaction."""
    token = claim(
        TrackingRequest.objects.all(),
        limit=limit,
        lease=timedelta(seconds=settings.E2C_LEASE_SECONDS),
        waiting_state=State.RECEIVED,
        claiming_state=State.PROCESSING,
        min_age=min_age,
    )
    rows = claimed_rows(
        TrackingRequest.objects.select_related("raw__blob"), token, state=(State.RECEIVED, State.PROCESSING)
    )
    for row in rows:
        _settle(row, reader)
    return len(rows)


def _settle(row: TrackingRequest, reader: TrackingReader) -> None:
    try:
        events = list(reader.read(row))
        with transaction.atomic():
            prove(row)  # locks the row: nobody else applies its events meanwhile
            state, reason = _outcome([_apply(event) for event in events])
            TrackingRequest.objects.filter(pk=row.pk).update(
                state=state, reason=reason, lease_until=None, settled_at=timezone.now()
            )
    except reader.ignored as error:
        _end_unread(row, State.IGNORED, "no_events", error)
    except reader.unreadable as error:
        _end_unread(row, State.QUARANTINED, "parse_failed", error)
    except LostLease:
        logger.info("tracking request %s: the claim was lost, another worker has it", row.pk)
    except Exception as error:  # noqa: BLE001 - recorded on the row, tried again, quarantined after the last try
        logger.warning("tracking request %s: attempt %s: %s", row.pk, row.attempts, type(error).__name__)
        _record_failure(row, traceback.format_exc(limit=-8))


def _end_unread(row: TrackingRequest, state: TrackingRequest.State, reason: str, error: Exception) -> None:
    try:
        prove(row, state=state, reason=reason, lease_until=None, last_error=_text(error), settled_at=timezone.now())
    except LostLease:
        logger.info("tracking request %s: the claim was lost, another worker has it", row.pk)


def _text(error: object) -> str:
    return str(error).replace("\x00", "").encode("utf-8", "replace").decode()[-LONGEST_ERROR:]


def _record_failure(row: TrackingRequest, error: str) -> None:
    """In a transaction of its own, after the one that failed was rolled back."""
    error = _text(error)
    try:
        if row.attempts < settings.E2C_SETTLE_ATTEMPTS:
            not_before = retry_at(row.attempts, now=timezone.now())
            release_for_retry(row, waiting_state=State.RECEIVED, not_before=not_before, last_error=error)
        else:
            now = timezone.now()
            prove(row, state=State.QUARANTINED, reason="failed", lease_until=None, last_error=error, settled_at=now)
    except LostLease:
        logger.info("tracking request %s: the claim was lost, another worker has it", row.pk)


def _outcome(reasons: list[str]) -> tuple[TrackingRequest.State, str]:
    """Applied when any event was; else ignored, for the first reason."""
    if not reasons:
        return State.IGNORED, "no_events"
    return (State.APPLIED, "") if "" in reasons else (State.IGNORED, reasons[0])


def _apply(event: TrackingEvent) -> str:
    """Apply one event. Returns "" when it was, else the reason why it was ignored."""
    state = STATE_OF_EVENT.get(event.event_type or "")
    if state is None:
        return "not_about_delivery"
    recipient = normalise_address(event.recipient or "") or ""
    outbox = _find_outbox(event.message_id or "", recipient)
    if outbox is None:
        return "unknown_message"
    detail = " ".join((event.mta_response or event.description or "").replace("\x00", "").split())[:500]
    lock_case_of(outbox)
    _confirm(outbox)
    if outbox.email_message is None:
        return _apply_to_notice(outbox, state, detail)
    if not recipient:
        return "unknown_recipient"
    return _apply_to_delivery(outbox, outbox.email_message, recipient, state, detail, at=event.timestamp)


def _find_outbox(message_id: str, recipient: str) -> Outbox | None:
    """The mail that a report is about: by the provider's id, which it gave us, or by our own Message-ID."""
    identifier = clean_id(message_id)
    if not identifier:
        return None
    ids = [message_id.strip()[:255], identifier[:255], f"<{identifier}>"[:255]]
    rows = Outbox.objects.select_related("email_message__case", "case").order_by("pk")
    delivery = Delivery.objects.filter(provider_id__in=ids).order_by("pk").first()
    if delivery is not None:
        return rows.filter(email_message=delivery.email_message_id).first()
    known = Q(message_identifier=identifier.lower()) | Q(
        email_message__incoming=False, email_message__message_identifier_hash=hash_of(identifier)
    )
    # Notices have no Delivery row; with its recipient, a provider's id is found by the index of the budgets.
    by_recipient = Q(kind__in=Outbox.Kind.values, recipient=recipient, provider_id__in=ids)
    return rows.filter(known).first() or (rows.filter(by_recipient).first() if recipient else None)


def _confirm(outbox: Outbox) -> None:
    """A report about an uncertain mail proves that the provider has it."""
    confirmed = Outbox.objects.filter(pk=outbox.pk, state=Outbox.State.UNCERTAIN).update(
        state=Outbox.State.SENT, sent_at=timezone.now(), detail="Confirmed by a report of the provider."
    )
    if confirmed:
        outbox.refresh_from_db(fields=["state", "sent_at", "detail"])
        follow(outbox)
        note_sent(outbox, refused={}, was_returned=True)


def _apply_to_notice(outbox: Outbox, state: Delivery.State, detail: str) -> str:
    """A notice has no deliveries: bad news stands on its own row and, for an owner's notice, on the case."""
    if state in BAD_NEWS:
        words = f"{state.label}: {detail}"[:500]
        if Outbox.objects.filter(pk=outbox.pk).exclude(detail=words).update(detail=words) and outbox.case is not None:
            CaseEvent.objects.create(
                case=outbox.case, kind=CaseEvent.Kind.NOTICE_FAILED, because=f"{outbox.recipient} {words}"[:500]
            )
    return ""


def _apply_to_delivery(
    outbox: Outbox, message: EmailMessage, recipient: str, state: Delivery.State, detail: str, *, at: datetime | None
) -> str:
    of_recipient = Delivery.objects.filter(email_message=message, recipient=recipient)
    if not of_recipient.exists():
        # The report was faster than the answer to our call, or the answer never came.
        if recipient != outbox.recipient and not message.addresses.filter(address=recipient).exists():
            return "unknown_recipient"
        of_recipient.get_or_create(
            email_message=message,
            recipient=recipient,
            defaults={"state": Delivery.State.QUEUED, "at": at or timezone.now()},
        )
    delivery = of_recipient.select_for_update().get()
    before = Delivery.State(delivery.state)
    if ORDER.index(state) <= ORDER.index(before):
        return "" if state == before else "overtaken"
    Delivery.objects.filter(pk=delivery.pk).update(state=state, detail=detail, at=at or timezone.now())
    if state in BAD_NEWS and before not in BAD_NEWS:
        if state == Delivery.State.BOUNCED:
            open_again(outbox, by=None)
        _return_to_owner(message, recipient, state, detail)
    return ""


def _return_to_owner(message: EmailMessage, recipient: str, state: Delivery.State, detail: str) -> None:
    """A mail that did not arrive is our turn again: the case says so, and its owner hears of it."""
    case = message.case
    Case.objects.filter(pk=case.pk).update(awaiting=Case.Awaiting.US, last_activity_at=timezone.now())
    CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.BOUNCE_ADDED,
        email_message=message,
        because=f"{recipient} {state.label}: {detail}"[:500],
    )
    queue_owner_notice(case, message, delivery_failed=True)
