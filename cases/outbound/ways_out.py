"""Which service a mail leaves through, and what a service that is down means for the mail that waits for it.

A service is a connection, by its key, or None: the one of E2C_EMAIL_URL. Each stands for itself: the mail of one waits
while the others go on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.models import Outbox
from cases.outbound.handing_over import NotNow
from cases.outbound.notices import queue_connection_notices
from routing.connections import connection_for, note_state
from routing.email_url import BadEmailUrl
from routing.models import Connection, RoutingAddress
from routing.sealing import CannotSeal, CannotUnseal

__all__ = [
    "OPEN_STATES",
    "connection_of",
    "due_in_order",
    "has_waited_enough",
    "hold_back",
    "later_for_a_person",
    "note_trouble",
    "note_working",
    "release",
    "service_of",
    "way_out",
]

Service = int | None
OPEN_STATES = (Outbox.State.QUEUED, Outbox.State.SENDING)  # in the order of the index outbox_open
# What only a person can mend is tried again in ever longer steps, and not for ever.
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=1)
PATIENCE = timedelta(days=3)


def connection_of(outbox: Outbox) -> Connection | None:
    return outbox.from_address.connection if outbox.from_address is not None else None


def service_of(outbox: Outbox) -> Service:
    return outbox.from_address.connection_id if outbox.from_address is not None else None


def way_out(outbox: Outbox) -> BaseEmailBackend | NotNow:
    """The closed connection that this mail leaves through; NotNow when its settings do not allow to make one."""
    try:
        return connection_for(outbox.from_address)
    except (CannotSeal, CannotUnseal) as error:
        return NotNow(str(error), whole_service=True, waits_for_person=True)
    except (BadEmailUrl, ImproperlyConfigured, ImportError) as error:
        return NotNow(f"{type(error).__name__}: {error}", whole_service=True, waits_for_person=True)


def due_in_order(*, now: datetime, down: Collection[Service] = ()) -> QuerySet[Outbox]:
    """What may leave now through a service that is not down, without replies that have an earlier one of their case
    before them: a customer reads them in our order.

    An earlier one that waits for its day on purpose, or for somebody's approval, holds up no other: when its time
    comes, it leaves then.
    """
    due = Outbox.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
    for service in down:
        due = due.filter(~_through(service))
    earlier = Outbox.objects.filter(
        case=OuterRef("case"), kind=Outbox.Kind.REPLY, state__in=OPEN_STATES, pk__lt=OuterRef("pk")
    ).exclude(is_scheduled=True, not_before__gt=now)
    return due.filter(~Q(kind=Outbox.Kind.REPLY) | ~Exists(earlier))


def _through(service: Service) -> Q:
    """By a sub-select: PostgreSQL locks no rows of an outer join, and the claim must lock none of the addresses."""
    addresses = RoutingAddress.objects.filter(connection=service)  # None: those without a connection
    of_addresses = Q(from_address__in=addresses)
    return of_addresses if service is not None else of_addresses | Q(from_address__isnull=True)


def hold_back(service: Service, *, until: datetime) -> int:
    """Let everything that waits for this service wait until then, without using up an attempt. Returns how much."""
    waiting = Outbox.objects.filter(_through(service), state=Outbox.State.QUEUED, claim_token="")
    due = Q(not_before__isnull=True) | Q(not_before__lte=until)
    sooner = Q(lease_until__isnull=True) | Q(lease_until__lt=until)
    return waiting.filter(due, sooner).update(lease_until=until)


def release(connection: Connection) -> int:
    """Let its mail go at once: somebody mended it. Returns how much waited."""
    waiting = Outbox.objects.filter(_through(connection.pk), state=Outbox.State.QUEUED, claim_token="")
    return waiting.filter(lease_until__isnull=False).update(lease_until=None)


def later_for_a_person(outbox: Outbox, *, now: datetime) -> datetime:
    """When to try again what only a person can mend."""
    return now + min(max(_waited(outbox, now) / 4, SHORTEST_WAIT), LONGEST_WAIT)


def has_waited_enough(outbox: Outbox, *, now: datetime) -> bool:
    return _waited(outbox, now) > PATIENCE


def _waited(outbox: Outbox, now: datetime) -> timedelta:
    return now - max(outbox.created_at, outbox.not_before or outbox.created_at)


def note_trouble(outbox: Outbox, answer: NotNow) -> None:
    """The connection's page says what is wrong with it; what waits for a person, people hear of by mail as well."""
    connection = connection_of(outbox)
    if connection is None:
        return
    note_state(connection, Connection.State.BROKEN, answer.detail)
    if answer.waits_for_person:
        queue_connection_notices(connection, answer.detail)


def note_working(outbox: Outbox) -> None:
    connection = connection_of(outbox)
    if connection is not None and connection.state != Connection.State.WORKS:
        note_state(connection, Connection.State.WORKS, "")
