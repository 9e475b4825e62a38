"""The notice of an assignment rule's entry: the new owner of a case, and whoever the entry names, get its template."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone, translation

from cases.models import Case, Outbox
from cases.outbound.filled_templates import fill_template
from cases.outbound.merge_values import merge_values
from cases.outbound.notices import NotQueued, is_ours, owner_addresses, queue_notice, short_hash
from routing.addresses import normalise_address
from routing.models import RuleEntry

__all__ = ["queue_entry_notice"]

MOST_COPIES = 20  # addresses of one entry
COUNTED_FOR = timedelta(hours=24)
MOST_ENTRY_NOTICES = 200  # to one address in COUNTED_FOR: a flood of cases must not become a flood of notices


def queue_entry_notice(case: Case, entry: RuleEntry, *, now: datetime | None = None) -> list[Outbox] | NotQueued:
    """In the transaction that opens the case; once for each case and recipient.

    The text is the template of the entry, filled in and without HTML: what strangers wrote stands in it at most as the
    one line of a merge field.
    """
    now = now or timezone.now()
    template = entry.notice_template
    if template is None or not template.is_active:
        return NotQueued("no_text", "the entry has no notice, or its template is switched off")
    wanted = dict.fromkeys([*owner_addresses(case), *_copies(entry)])
    recipients = [address for address in wanted if not is_ours(address)]
    if not recipients:
        return NotQueued("no_recipient", "nobody has an address for notices")
    told = _told_recently(recipients, now)
    recipients = [address for address in recipients if told.get(address, 0) < MOST_ENTRY_NOTICES]
    if not recipients:
        return NotQueued("over_budget", f"{MOST_ENTRY_NOTICES} notices of rules within 24 hours")
    with translation.override(template.language or settings.LANGUAGE_CODE):
        filled = fill_template(template, merge_values(case, author=case.owner_user, send_from=case.routing_address))
    link = f"{settings.E2C_PUBLIC_URL}/cases/{case.number}/"
    return [
        queue_notice(
            key=f"entry:{case.pk}:{short_hash(recipient)}",
            recipient=recipient,
            subject=filled.subject or f"{case.number_text}: {case.subject}",
            text=f"{filled.text.rstrip()}\n\n{link}\n",
            case=case,
        )
        for recipient in recipients
    ]


def _copies(entry: RuleEntry) -> list[str]:
    lines = entry.notice_cc.replace(",", "\n").split()
    return [address for line in lines[:MOST_COPIES] if (address := normalise_address(line))]


def _told_recently(recipients: list[str], now: datetime) -> dict[str, int]:
    rows = Outbox.objects.filter(
        kind=Outbox.Kind.NOTICE, recipient__in=recipients, created_at__gt=now - COUNTED_FOR, key__startswith="entry:"
    )
    counts: dict[str, int] = {}
    for address in rows.values_list("recipient", flat=True)[: MOST_ENTRY_NOTICES * len(recipients)]:
        counts[address or ""] = counts.get(address or "", 0) + 1
    return counts
