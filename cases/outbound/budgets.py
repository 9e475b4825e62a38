"""How much automatic mail may leave. Two machines that answer each other stop here at the latest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from cases.models import Outbox
from routing.models import EmailToCaseSettings
from routing.named_settings import NamedSetting, of_organisation

WINDOW = timedelta(hours=24)
# Mail to outsiders: automatic answers, questions after closing, and notices that belong to no case. Notices to queues
# and colleagues have limits of their own (cases.outbound.notices, cases.notifications) and take nothing away from it.
TO_OUTSIDERS = Q(kind__in=[Outbox.Kind.AUTO, Outbox.Kind.SURVEY]) | (
    Q(kind=Outbox.Kind.NOTICE, case__isnull=True) & ~Q(key__startswith="digest:")
)


def lock_budgets() -> EmailToCaseSettings:
    """The limits, locked until the transaction ends: two workers do not both take the last place of a budget, nor
    answer one sender twice.
    """
    return EmailToCaseSettings.objects.select_for_update().filter(pk=1).first() or EmailToCaseSettings(pk=1)


@dataclass(frozen=True, slots=True)
class OverBudget:
    because: str
    setting: NamedSetting


def over_budget(recipient: str, *, now: datetime, limits: EmailToCaseSettings | None = None) -> OverBudget | None:
    """Why no automatic mail may go to this address now; None when it may. Call it in the transaction that inserts the
    row; `limits` are locked (`lock_budgets`), and are by this when they are not given.
    """
    limits = limits or lock_budgets()
    recent = Outbox.objects.filter(TO_OUTSIDERS, created_at__gt=now - WINDOW).exclude(state=Outbox.State.CANCELLED)
    sent = recent.aggregate(overall=Count("pk"), to_recipient=Count("pk", filter=Q(recipient=recipient)))
    if sent["to_recipient"] >= limits.automatic_mail_recipient_budget:
        because = f"{recipient} got {sent['to_recipient']} automatic mails within 24 hours"
        return OverBudget(because, of_organisation("automatic_mail_recipient_budget"))
    if sent["overall"] >= limits.automatic_mail_daily_budget:
        because = f"{sent['overall']} automatic mails were sent within 24 hours"
        return OverBudget(because, of_organisation("automatic_mail_daily_budget"))
    return None
