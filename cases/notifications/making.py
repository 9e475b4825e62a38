"""Notifications from events: each event once, each person once an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, QuerySet
from django.utils import timezone

from cases.models import CaseEvent, Notification
from cases.models.event import TOLD_KINDS
from cases.notifications.choices import Defaults, mail_time, stored_choices
from cases.notifications.concerned import Concerned, concerned_by
from cases.selectors.visible import who_may_see

__all__ = ["make_notifications"]

BATCH = 100
# What happened longer ago is history: an archive that was read in, or an instance that stood still.
OLDEST_TOLD = timedelta(days=3)


def make_notifications(*, limit: int = BATCH, now: datetime | None = None) -> int:
    """Tell of up to `limit` events that nobody was told of, oldest first. Returns how many there were; 0: none left.

    Several at once are safe. Ten statements at most, however many events and people.
    """
    now = now or timezone.now()
    if not _untold().exists():
        return 0
    with transaction.atomic():
        events = _take(limit)
        concerned = concerned_by([event for event in events if now - event.at <= OLDEST_TOLD])
        Notification.objects.bulk_create(_notifications(concerned, now), ignore_conflicts=True)
        CaseEvent.objects.filter(pk__in=[event.pk for event in events]).update(told_at=now)
    return len(events)


def _untold() -> QuerySet[CaseEvent]:
    # The kinds as words of the statement: SQLite uses a partial index for nothing else.
    kinds = ", ".join(f"'{kind}'" for kind in TOLD_KINDS)
    is_told = Func(F("kind"), template=f"%(expressions)s IN ({kinds})", output_field=BooleanField())
    return CaseEvent.objects.filter(is_told, told_at__isnull=True)


def _take(limit: int) -> list[CaseEvent]:
    events = _untold().order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        events = events.select_for_update(skip_locked=True, of=("self",))
    taken = events.select_related("case__owner_queue", "email_message")
    return list(
        taken.defer(
            "case__description",
            *(f"email_message__{name}" for name in ("text_body", "html_body", "reply_text", "headers", "references")),
        )[:limit]
    )


def _notifications(concerned: list[Concerned], now: datetime) -> list[Notification]:
    """For those who may see the case, as they want it; none for who wants neither."""
    if not concerned:
        return []
    users = {each.user_id for each in concerned}
    may_see = who_may_see(users, [each.event.case for each in concerned])
    stored, defaults = stored_choices(users), Defaults.load()
    rows = []
    for each in concerned:
        if (each.user_id, each.event.case_id) not in may_see:
            continue
        is_new_mail = each.event.kind == CaseEvent.Kind.EMAIL_ADDED
        choice = stored.get((each.user_id, each.kind.value)) or defaults.of(
            each.kind, queue=each.queue, is_new_mail=is_new_mail
        )
        mail_due_at = mail_time(choice.mail, now=now)
        if not choice.in_app and mail_due_at is None:
            continue
        rows.append(
            Notification(
                user_id=each.user_id,
                event=each.event,
                case=each.event.case,
                kind=each.kind,
                at=each.event.at,
                in_app=choice.in_app,
                mail_due_at=mail_due_at,
                in_digest=mail_due_at is not None and mail_due_at > now,
            )
        )
    return rows
