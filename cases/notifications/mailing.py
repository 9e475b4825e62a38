"""Mails about notifications: at once, one for each case in a few minutes, or in a digest.

Each person's mails are decided in one transaction that writes the Outbox rows and notes what is mailed. What was read
meanwhile, or may not be seen any more, needs no mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import ngettext

from cases.models import Case, Notification, NotificationChoice, Outbox
from cases.notifications.choices import mail_time
from cases.notifications.reading import unread
from cases.notifications.words import link_of, mail_line, mail_subject
from cases.outbound.composing import one_line
from cases.outbound.notices import is_ours, queue_notice, short_hash
from cases.selectors.visible import who_may_see
from routing.addresses import normalise_address

__all__ = ["mail_notifications"]

PEOPLE_AT_ONCE = 20
AT_ONCE = 500  # notifications of one person in a round
# About one case, however much happens on it.
INTERVAL = timedelta(minutes=5)
# A flood becomes a digest.
MOST_MAILS_A_DAY = 60
MOST_LINES = 50  # of a digest


def mail_notifications(*, now: datetime | None = None) -> int:
    """Write the mails that are due. Returns for how many people; 0: nothing is due. Several at once are safe."""
    now = now or timezone.now()
    due = Notification.objects.filter(mail_due_at__lte=now).order_by("user").values_list("user", flat=True)
    people = list(due.distinct()[:PEOPLE_AT_ONCE])
    for user in User.objects.filter(pk__in=people):
        _mail_to(user, now)
    return len(people)


@transaction.atomic
def _mail_to(user: User, now: datetime) -> None:
    rows = _take(user, now)
    address = normalise_address(user.email)
    if address is None or not user.is_active or is_ours(address):
        _let_go(rows)
        return
    may_see = who_may_see([user.pk], [row.case for row in rows])
    news = set(unread(Notification.objects.filter(pk__in=[row.pk for row in rows])).values_list("pk", flat=True))
    wanted = [row for row in rows if row.pk in news and (user.pk, row.case_id) in may_see]
    told = _told_by_a_rule(wanted, address)
    _let_go(row for row in rows if row not in wanted or row.case_id in told)
    wanted = [row for row in wanted if row.case_id not in told]
    with translation.override(settings.LANGUAGE_CODE):
        _mail_at_once(user, address, [row for row in wanted if not row.in_digest], now)
        _mail_digest(user, address, [row for row in wanted if row.in_digest], now)


def _take(user: User, now: datetime) -> list[Notification]:
    rows = Notification.objects.filter(user=user, mail_due_at__lte=now).order_by("pk")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows.select_related("case", "event__actor").defer("case__description")[:AT_ONCE])


def _let_go(rows: Iterable[Notification]) -> None:
    keys = [row.pk for row in rows]
    if keys:
        Notification.objects.filter(pk__in=keys).update(mail_due_at=None)


def _told_by_a_rule(rows: Sequence[Notification], address: str) -> set[int]:
    """Cases about whose opening the entry of an assignment rule wrote to this person already."""
    opened = {
        f"entry:{row.case_id}:{short_hash(address)}"[:64]: row.case_id
        for row in rows
        if row.event.kind == row.event.Kind.CASE_OPENED
    }
    found = Outbox.objects.filter(key__in=opened).values_list("key", flat=True) if opened else ()
    return {opened[key] for key in found}


def _mail_at_once(user: User, address: str, rows: Sequence[Notification], now: datetime) -> None:
    if not rows:
        return
    mailed = Notification.objects.filter(user=user, mailed_at__gt=now - timedelta(days=1), in_digest=False)
    if mailed.order_by().values("case", "mailed_at").distinct()[:MOST_MAILS_A_DAY].count() >= MOST_MAILS_A_DAY:
        later = mail_time(NotificationChoice.Mail.HOURLY, now=now)
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(in_digest=True, mail_due_at=later)
        return
    recent = mailed.filter(mailed_at__gt=now - INTERVAL, case__in={row.case_id for row in rows})
    last = dict(recent.order_by().values("case").annotate(last=Max("mailed_at")).values_list("case", "last"))
    by_case: dict[int, list[Notification]] = {}
    for row in rows:
        by_case.setdefault(row.case_id, []).append(row)
    for case_id, about in by_case.items():
        if case_id in last:
            Notification.objects.filter(pk__in=[row.pk for row in about]).update(mail_due_at=last[case_id] + INTERVAL)
        else:
            _write(address, about[0].case, about, now)


def _write(address: str, case: Case, about: Sequence[Notification], now: datetime) -> None:
    newest = about[-1]
    has_subject = any(row.kind != Notification.Kind.MENTION for row in about)
    queue_notice(
        key=f"told:{newest.pk}",
        recipient=address,
        subject=mail_subject(newest),
        text=render_to_string(
            "email/notification.txt",
            {
                "lines": dict.fromkeys(mail_line(row) for row in about),
                "number": case.number_text,
                "subject": one_line(case.subject) if has_subject else "",
                "link": settings.E2C_PUBLIC_URL + link_of(newest),
                "choices": _choices_link(),
            },
        ),
        case=case,
    )
    _note_mailed(about, now)


def _mail_digest(user: User, address: str, rows: Sequence[Notification], now: datetime) -> None:
    """By kind, in the order of the kinds, each with its cases."""
    if not rows:
        return
    shown = rows[-MOST_LINES:]
    sections = [
        (
            kind.label,
            [
                {
                    "number": row.case.number_text,
                    "subject": one_line(row.case.subject, limit=100) if kind != Notification.Kind.MENTION else "",
                    "line": mail_line(row),
                    "link": settings.E2C_PUBLIC_URL + link_of(row),
                }
                for row in of_kind
            ],
        )
        for kind in Notification.Kind
        if (of_kind := [row for row in shown if row.kind == kind])
    ]
    queue_notice(
        key=f"digest:{user.pk}:{rows[-1].pk}",
        recipient=address,
        subject=ngettext("%(count)d thing happened on cases", "%(count)d things happened on cases", len(rows))
        % {"count": len(rows)},
        text=render_to_string(
            "email/notification_digest.txt",
            {"sections": sections, "more": len(rows) - len(shown), "link": _list_link(), "choices": _choices_link()},
        ),
    )
    _note_mailed(rows, now)


def _note_mailed(rows: Iterable[Notification], now: datetime) -> None:
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(mail_due_at=None, mailed_at=now)


def _list_link() -> str:
    return settings.E2C_PUBLIC_URL + reverse("notifications")


def _choices_link() -> str:
    return settings.E2C_PUBLIC_URL + reverse("notification_choices")
