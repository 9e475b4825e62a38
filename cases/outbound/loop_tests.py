"""Test mail that goes the whole way: out to the public address, through the company's forward, and back in here.

It leaves from E2C_SYSTEM_FROM by the Outbox, carries a signed word that only we can make, and opens no case when it
comes back: it is our own mail. What it proves is kept on its row. A canary is the same, sent by a schedule; when one
does not come back in time, whoever may configure is told.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.db.models import Max, OuterRef, Q, Subquery
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases.models import LoopTest, Outbox
from cases.outbound.composing import domain_of_sender
from cases.outbound.notices import queue_alert
from cases.selectors.canaries import OVERDUE_AFTER
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id
from routing import audit
from routing.models import RoutingAddress

__all__ = [
    "Arrival",
    "CannotTest",
    "alert_missing",
    "last_tests_of",
    "note_arrival",
    "recognise_test",
    "send_canaries",
    "send_test",
]

PAUSE = timedelta(minutes=1)  # between two tests of one address
# A canary that was not sent at all (the mail service is away) is as missing as one that was lost.
_SALT = "cases.loop_test"
_MARK = re.compile(r"e2c-test:([A-Za-z0-9_-]{16,32}:[A-Za-z0-9_-]{43})")


class CannotTest(RuntimeError):
    """No test mail was sent; the message says why."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a test mail came back."""

    routing_address_id: int | None  # that it was matched to
    matched_by: str
    from_address: str
    spf: str
    dkim: str
    dmarc: str


@transaction.atomic
def send_test(address: RoutingAddress, *, by: User | None, is_canary: bool = False, now: datetime) -> LoopTest:
    """Queue one test mail to the public address. Raises CannotTest."""
    stored = RoutingAddress.objects.select_for_update().get(pk=address.pk)
    if stored.is_deleted:
        raise CannotTest(_("The routing address was deleted."))
    if is_canary and not (stored.is_active and stored.is_verified):
        raise CannotTest(_("Only a verified address that is in use runs the canary."))
    last = LoopTest.objects.filter(routing_address=stored).aggregate(at=Max("asked_at"))["at"]
    if last is not None and last > now - PAUSE:
        raise CannotTest(_("A test mail was sent within the last minute. Wait for it to come back."))
    nonce = secrets.token_urlsafe(18)
    with translation.override(stored.language or settings.LANGUAGE_CODE):
        subject = _("Test mail of %(address)s") % {"address": stored.email_address}
        text = render_to_string(
            "email/loop_test.txt", {"address": stored.email_address, "mark": f"e2c-test:{_signer().sign(nonce)}"}
        )
    outbox = Outbox.objects.create(
        key=f"test:{nonce}",
        kind=Outbox.Kind.TEST,
        recipient=stored.email_address,
        subject=subject,
        text_body=text,
        message_identifier=new_message_id(None, domain_of_sender(settings.E2C_SYSTEM_FROM), signing_keys()),
    )
    test = LoopTest.objects.create(
        routing_address=stored,
        sent_to=stored.email_address,
        nonce=nonce,
        outbox=outbox,
        is_canary=is_canary,
        asked_by=by,
        asked_at=now,
    )
    if by is not None:
        audit.record("test-mail-sent", stored, by=by, to=stored.email_address)
    return test


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT)


def recognise_test(message_id: str, text: str) -> LoopTest | None:
    """The test mail that came back, by its signed word or its Message-ID; None for all other mail."""
    for marked in _MARK.findall(text[:20_000]):
        try:
            nonce = _signer().unsign(marked)
        except signing.BadSignature:
            continue
        return LoopTest.objects.select_related("routing_address").filter(nonce=nonce).first()
    if not message_id:
        return None
    return (
        LoopTest.objects.select_related("routing_address")
        .filter(outbox__kind=Outbox.Kind.TEST, outbox__message_identifier=message_id[:255])
        .first()
    )


@transaction.atomic
def note_arrival(test: LoopTest, arrival: Arrival, *, inbound_key: int | None, now: datetime) -> str:
    """Keep what the first arrival proves. Returns the sentence for the trail."""
    if arrival.routing_address_id != test.routing_address_id:
        return f"our own test mail for {test.sent_to} came back, but reached another address: the forward is wrong"
    system = settings.E2C_SYSTEM_FROM
    changed = LoopTest.objects.filter(pk=test.pk, arrived_at__isnull=True).update(
        arrived_at=now,
        inbound_email=inbound_key,
        matched_by=arrival.matched_by[:200],
        from_intact=bool(arrival.from_address) and arrival.from_address in system.lower(),
        spf=arrival.spf[:12],
        dkim=arrival.dkim[:12],
        dmarc=arrival.dmarc[:12],
    )
    if changed and arrival.matched_by.startswith("services address"):
        RoutingAddress.objects.filter(pk=test.routing_address_id, forwarding_seen_at__isnull=True).update(
            forwarding_seen_at=now
        )
    return f"our own test mail for {test.sent_to} came back by its {arrival.matched_by}: the loop works"


def last_tests_of(addresses: Iterable[RoutingAddress]) -> dict[int, LoopTest]:
    """The newest test mail of each address, by its key. One query."""
    newest = LoopTest.objects.filter(routing_address=OuterRef("routing_address")).order_by("-pk").values("pk")[:1]
    tests = LoopTest.objects.filter(routing_address__in=list(addresses), pk=Subquery(newest)).select_related("outbox")
    return {test.routing_address_id: test for test in tests}


# --- by the schedule -------------------------------------------------------------------------------------------------


def send_canaries(*, now: datetime | None = None) -> int:
    """A test mail for each address whose canary is due. Returns how many were sent."""
    now = now or timezone.now()
    addresses = (
        RoutingAddress.objects.not_deleted()
        .verified()
        .filter(is_active=True, canary_hours__gt=0)
        .annotate(last_canary=Max("loop_tests__asked_at", filter=Q(loop_tests__is_canary=True)))
    )
    sent = 0
    for address in addresses:
        last: Any = address.last_canary
        if last is not None and last > now - timedelta(hours=address.canary_hours):
            continue
        try:
            send_test(address, by=None, is_canary=True, now=now)
        except CannotTest:
            continue  # somebody tests by hand at this moment; the next round looks again
        sent += 1
    return sent


def alert_missing(*, now: datetime | None = None) -> int:
    """Tell whoever may configure of canaries that did not come back, once for each. Returns how many are missing."""
    now = now or timezone.now()
    overdue = LoopTest.objects.filter(
        is_canary=True, arrived_at__isnull=True, alerted_at__isnull=True, asked_at__lt=now - OVERDUE_AFTER
    ).select_related("routing_address", "outbox")
    return sum(_alert(test, now=now) for test in overdue.order_by("pk")[:100])


@transaction.atomic
def _alert(test: LoopTest, *, now: datetime) -> int:
    if not LoopTest.objects.filter(pk=test.pk, arrived_at=None, alerted_at=None).update(alerted_at=now):
        return 0
    address = test.routing_address
    with translation.override(settings.LANGUAGE_CODE):
        queue_alert(
            key=f"canary:{test.pk}",
            subject=_("Mail to %(address)s does not arrive") % {"address": address.email_address},
            template="email/canary_alert.txt",
            context={
                "address": address.email_address,
                "services_address": address.services_address,
                "asked_at": test.asked_at,
                "was_sent": test.outbox.state == Outbox.State.SENT,
                "state": test.outbox.get_state_display(),
                "detail": test.outbox.detail,
                "link": f"{settings.E2C_PUBLIC_URL}/admin/routing/routingaddress/{address.pk}/change/",
            },
        )
    audit.record("canary-missing", address, by=None, asked_at=test.asked_at.isoformat())
    return 1
