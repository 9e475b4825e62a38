"""Events as the use cases write them, and who was told of what."""

from __future__ import annotations

from typing import Any

from cases.models import Case, CaseEvent, EmailMessage, Notification
from cases.notifications.making import make_notifications
from tests.factories import EmailMessageFactory


def happened(case: Case, kind: str, **fields: Any) -> CaseEvent:
    event: CaseEvent = CaseEvent.objects.create(case=case, kind=kind, **fields)
    return event


def customer_wrote(case: Case, **fields: Any) -> CaseEvent:
    return happened(case, "email_added", email_message=EmailMessageFactory(case=case, **fields))


def our_mail(case: Case, author: Any) -> EmailMessage:
    message: EmailMessage = EmailMessageFactory(case=case, outgoing=True, created_by=author)
    return message


def told() -> list[tuple[str, str]]:
    """(user name, kind) of every notification, after one round."""
    make_notifications()
    return sorted(Notification.objects.values_list("user__username", "kind"))
