"""How each person wants to hear of each kind, and what holds for who never chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from cases.models import Notification, NotificationChoice
from routing.models import EmailToCaseSettings, Queue

__all__ = ["Choice", "Defaults", "choices_of", "mail_time", "save_choices", "stored_choices"]

Kind = Notification.Kind
Mail = NotificationChoice.Mail
DIGEST_AT = time(8)  # in the time zone of the instance


@dataclass(frozen=True, slots=True)
class Choice:
    in_app: bool
    mail: NotificationChoice.Mail


# Mail at once where somebody waits for this very person or something went wrong; the rest is seen in the console.
UNCHOSEN = {
    Kind.MENTION: Choice(True, Mail.AT_ONCE),
    Kind.ASSIGNED: Choice(True, Mail.OFF),
    Kind.IN_QUEUE: Choice(False, Mail.OFF),
    Kind.NEW_MAIL: Choice(True, Mail.OFF),
    Kind.SEND_FAILED: Choice(True, Mail.AT_ONCE),
    Kind.APPROVAL_ASKED: Choice(True, Mail.AT_ONCE),
    Kind.APPROVAL_DECIDED: Choice(True, Mail.AT_ONCE),
    Kind.SERVICE_NEAR: Choice(True, Mail.OFF),
    Kind.SERVICE_MISSED: Choice(True, Mail.AT_ONCE),
    Kind.ESCALATED: Choice(True, Mail.AT_ONCE),
    Kind.TASK_DUE: Choice(True, Mail.DAILY),
    Kind.NOT_CONTENT: Choice(True, Mail.OFF),
}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the organisation decided for those who did not choose."""

    mails_owners: bool  # "notify case owner on new email"

    @classmethod
    def load(cls) -> Defaults:
        row = EmailToCaseSettings.objects.filter(pk=1).only("notify_case_owner_on_new_email").first()
        return cls(row is not None and row.notify_case_owner_on_new_email)

    def of(self, kind: Notification.Kind, *, queue: Queue | None = None, is_new_mail: bool = False) -> Choice:
        """`queue`: the person is concerned as a member of it; `is_new_mail`: a mail joined a case."""
        if queue is not None and not queue.notify_members:
            # What is everybody's is shown to all, but lands in nobody's mail unless the queue wants that.
            return Choice(UNCHOSEN[kind].in_app, Mail.OFF if kind != Kind.ESCALATED else UNCHOSEN[kind].mail)
        if kind == Kind.IN_QUEUE and queue is not None:
            return Choice(True, Mail.AT_ONCE if self.mails_owners or not is_new_mail else Mail.OFF)
        if kind == Kind.NEW_MAIL and self.mails_owners:
            return Choice(True, Mail.AT_ONCE)
        return UNCHOSEN[kind]


def stored_choices(users: Iterable[int]) -> dict[tuple[int, str], Choice]:
    """By user and kind. One statement."""
    rows = NotificationChoice.objects.filter(user__in=users)
    return {(row.user_id, row.kind): Choice(row.in_app, Mail(row.mail)) for row in rows}


def choices_of(user: Any) -> dict[Notification.Kind, Choice]:
    """What holds for one person, for the page. Three statements."""
    stored, defaults = stored_choices([user.pk]), Defaults.load()
    telling = Queue.objects.filter(members=user, notify_members=True).first()
    return {
        kind: stored.get((user.pk, kind.value)) or defaults.of(kind, queue=telling if kind == Kind.IN_QUEUE else None)
        for kind in Kind
    }


@transaction.atomic
def save_choices(user: Any, chosen: Mapping[Notification.Kind, Choice]) -> int:
    """Keeps what differs from before; who never touches a kind goes on with what the organisation decides.

    Returns how many kinds changed.
    """
    before = choices_of(user)
    changed = {kind: choice for kind, choice in chosen.items() if before[kind] != choice}
    NotificationChoice.objects.bulk_create(
        [
            NotificationChoice(user=user, kind=kind, in_app=each.in_app, mail=each.mail)
            for kind, each in changed.items()
        ],
        update_conflicts=True,
        unique_fields=["user", "kind"],
        update_fields=["in_app", "mail"],
    )
    return len(changed)


def mail_time(mail: NotificationChoice.Mail, *, now: datetime) -> datetime | None:
    """When a mail about something of this moment is due; None: never."""
    if mail == Mail.OFF:
        return None
    if mail == Mail.AT_ONCE:
        return now
    local = timezone.localtime(now)
    if mail == Mail.HOURLY:
        # Counted on from `now`: the hour after 2:30 is another one in the night in which clocks are put back.
        return now.replace(second=0, microsecond=0) + timedelta(minutes=60 - local.minute)
    morning = datetime.combine(local.date(), DIGEST_AT, tzinfo=local.tzinfo)
    return morning if morning > local else morning + timedelta(days=1)
