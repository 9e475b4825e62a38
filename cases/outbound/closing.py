"""Send and close: a mail of a person that closes its case when it sets out.

Sent after the undo window it closes at once, after an approval when it is approved, sent later when it has left: a
customer who writes before it leaves takes it back, so nothing was closed. A mail that did not leave - undone, failed,
uncertain, bounced - gives the case the status back that it had, unless somebody changed it since. In the caller's
transaction, which has locked the case.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from cases.lifecycle import closed_status, default_status, set_status
from cases.models import Case, CaseEvent, CaseStatus, Outbox

__all__ = ["close_after_all", "close_with", "open_again"]

Kind = CaseEvent.Kind


def close_with(outbox: Outbox, *, by: User | None, now: datetime) -> None:
    """With the first closed status, as a rep closes; nothing when it is closed, or was joined to another one."""
    case, status = _case_of(outbox), closed_status()
    if status is None or case.is_closed or case.is_merged:
        return
    asleep = case.snoozed_until.isoformat() if case.snoozed_until else None
    set_status(case=case, status=status, by=by, now=now, noted={"outbox": outbox.pk, "snoozed_until": asleep})


def close_after_all(outbox: Outbox, *, now: datetime) -> None:
    """It left: later than it set out, or after it had counted as not sent. Not when the customer wrote since, nor when
    somebody gave the case another status after it was given back.
    """
    case, newest = _case_of(outbox), _status_events(outbox).first()
    if case.last_inbound_at is not None and case.last_inbound_at > outbox.created_at:
        return
    closed_before = _status_events(outbox).filter(detail__outbox=outbox.pk).exists()
    if closed_before and (newest is None or newest.detail.get("outbox") != outbox.pk):
        return
    close_with(outbox, by=outbox.email_message.created_by if outbox.email_message else None, now=now)


def open_again(outbox: Outbox, *, by: User | None) -> None:
    """The status that the case had before the mail closed it. Nothing when it was opened or closed by others since."""
    newest = _status_events(outbox).first() if outbox.closes_case else None
    if newest is None or newest.detail.get("outbox") != outbox.pk:
        return
    case, now = _case_of(outbox), timezone.now()
    if not case.is_closed or case.is_merged:
        return
    status = CaseStatus.objects.filter(pk=newest.detail["was"]).first() or default_status()
    set_status(case=case, status=status, by=by, now=now, noted={"outbox": outbox.pk})
    asleep = newest.detail.get("snoozed_until")
    if asleep and datetime.fromisoformat(asleep) > now:
        Case.objects.filter(pk=case.pk).update(snoozed_until=datetime.fromisoformat(asleep))


def _case_of(outbox: Outbox) -> Case:
    return Case.objects.defer("description").get(outbox=outbox)


def _status_events(outbox: Outbox) -> QuerySet[CaseEvent]:
    """What opened and closed the case of the mail, the newest first."""
    events = CaseEvent.objects.filter(case=outbox.case_id, kind__in=[Kind.STATUS_CHANGED, Kind.CASE_REOPENED])
    return events.order_by("-pk")
