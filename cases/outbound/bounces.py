"""A delivery report that came as a mail marks the recipients of the mail that we sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cases.models import Delivery, EmailMessage
from cases.outbound.tracking import ORDER

MOST_RECIPIENTS = 50  # of one report


def mark_deliveries(
    message: EmailMessage, recipients: Sequence[str], state: Delivery.State, *, detail: str, at: datetime
) -> None:
    """Bring each recipient's delivery line to `state`, never back from a later one. In the caller's transaction.

    The caller has the proof that the report is about this mail (its signed Message-ID).
    """
    wanted = list(dict.fromkeys(recipients))[:MOST_RECIPIENTS]
    # Locked: a provider's report about the same recipient may be applied at this moment.
    rows = Delivery.objects.select_for_update().filter(email_message=message, recipient__in=wanted)
    known = {row.recipient: row for row in rows}
    Delivery.objects.bulk_create(
        (
            Delivery(email_message=message, recipient=recipient[:254], state=state, detail=detail[:500], at=at)
            for recipient in wanted
            if recipient not in known
        ),
        ignore_conflicts=True,
    )
    behind = [row.pk for row in known.values() if ORDER.index(Delivery.State(row.state)) < ORDER.index(state)]
    if behind:
        Delivery.objects.filter(pk__in=behind).update(state=state, detail=detail[:500], at=at)
