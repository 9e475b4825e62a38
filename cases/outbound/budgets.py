"""How much automatic mail may leave. Two machines that answer each other stop here at the latest."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from cases.models import Outbox
from routing.models import EmailToCaseSettings

WINDOW = timedelta(hours=24)
# Mail to outsiders: automatic answers, and notices that belong to no case. Notices to owners of cases are limited by
# their own interval (cases.outbound.notices) and take nothing away from this.
TO_OUTSIDERS = Q(kind=Outbox.Kind.AUTO) | Q(kind=Outbox.Kind.NOTICE, case__isnull=True)


def over_budget(recipient: str, *, now: datetime) -> str:
    """Why no automatic mail may go to this address now; "" when it may.

    Call it in the transaction that inserts the row: it locks the settings row, so that two workers do not both take
    the last place of a budget.
    """
    limits = EmailToCaseSettings.objects.select_for_update().filter(pk=1).first() or EmailToCaseSettings(pk=1)
    recent = Outbox.objects.filter(TO_OUTSIDERS, created_at__gt=now - WINDOW).exclude(state=Outbox.State.CANCELLED)
    to_recipient = recent.filter(recipient=recipient).count()
    if to_recipient >= limits.automatic_mail_recipient_budget:
        return f"{recipient} got {to_recipient} automatic mails within 24 hours"
    overall = recent.count()
    if overall >= limits.automatic_mail_daily_budget:
        return f"{overall} automatic mails were sent within 24 hours"
    return ""
