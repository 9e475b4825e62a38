"""What the demonstration promises its customers, and what they say of it: business hours, a service level, answers to
the question how it went. Notifications make themselves from what reps did (cases.notifications).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from cases.lifecycle import closed_status, set_status
from cases.models import EmailMessage, SatisfactionRequest
from cases.outbound.satisfaction import ANSWERABLE_FOR, token_of
from cases.satisfaction import answer
from routing.models import BusinessHours, EmailTemplate, RoutingAddress, ServiceLevel

Rating = SatisfactionRequest.Rating
# (thread, rating or "" for no answer yet, comment)
SAID = (
    ("demo-japanese", Rating.GOOD, "Quick and friendly, thank you."),
    ("demo-training", Rating.BAD, "It works out now, but I had to explain everything twice."),
)


def promise(*, began: datetime) -> None:
    """The service level is as old as a morning: cases that were there before have no clock."""
    hours, _is_new = BusinessHours.objects.get_or_create(
        name="Office", defaults={"time_zone": "Europe/Berlin", "is_default": not _has_default_hours()}
    )
    level, is_new = ServiceLevel.objects.get_or_create(
        name="Standard",
        defaults={"business_hours": hours, "first_response_minutes": 240, "resolution_minutes": 1440},
    )
    if is_new:
        ServiceLevel.objects.filter(pk=level.pk).update(created_at=began - timedelta(hours=6))


def _has_default_hours() -> bool:
    return BusinessHours.objects.filter(is_default=True).exists()


def ask_and_hear(support: RoutingAddress, *, by: User, now: datetime) -> None:
    """The support address asks from now on, and two customers have said something already."""
    template = EmailTemplate.objects.filter(name="How did it go?").first()
    if template is not None:
        RoutingAddress.objects.filter(pk=support.pk).update(asks_satisfaction=True, satisfaction_template=template)
    for key, rating, comment in SAID:
        case = EmailMessage.objects.select_related("case").get(message_identifier__startswith=f"{key}.0@").case
        if not case.is_closed and (status := closed_status()) is not None:
            set_status(case=case, status=status, by=by, now=now)
        asked = SatisfactionRequest.objects.create(
            case=case,
            routing_address=case.routing_address or support,
            recipient=case.supplied_email,
            decided_at=now,
            nonce=secrets.token_urlsafe(24)[:32],
            expires_at=now + ANSWERABLE_FOR,
        )
        if rating:
            answer(token_of(asked), rating=rating, comment=comment, now=now)
