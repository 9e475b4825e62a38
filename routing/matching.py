"""Which of our addresses did a mail reach? The document's rule: the address is in To, Cc or Bcc; the envelope knows
best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Lower

from routing.addresses import strip_plus_tag
from routing.models import RoutingAddress
from routing.services_address import services_token_of

# A mail may name thousands of recipients; one of ours is among the first of them or in the envelope.
MOST_RECIPIENTS = 2000
# What an address stamps on a case comes with it.
STAMPED = ("owner_user", "owner_queue", "case_record_type")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a mail says it went. `rank` orders the sources: 0 envelope, 1 delivery headers, 2 address headers."""

    address: str
    rank: int
    found_in: str  # "envelope", "Delivered-To", "To", ... for the trail


@dataclass(frozen=True, slots=True)
class Match:
    """A routing address that a mail reached, and by which sign."""

    routing_address: RoutingAddress
    recipient: Recipient
    by: str  # "services address", "email address" or "plus address"


class Directory:
    """The routing addresses behind some mail addresses, fetched with one query."""

    def __init__(self, rows: Iterable[RoutingAddress]) -> None:
        self._by_token: dict[str, RoutingAddress] = {}
        self._by_email: dict[str, RoutingAddress] = {}
        for row in rows:
            self._by_token[row.services_token] = row
            email = row.email_address.lower()
            # A deleted address keeps its name only until another one takes it.
            if email not in self._by_email or self._by_email[email].is_deleted:
                self._by_email[email] = row

    @classmethod
    def of(cls, addresses: Iterable[str]) -> Directory:
        wanted = list(dict.fromkeys(address.lower() for address in addresses if address))[:MOST_RECIPIENTS]
        tokens = {token for address in wanted if (token := services_token_of(address))}
        emails = {base for address in wanted for base in (address, strip_plus_tag(address)[0])}
        if not emails:
            return cls([])
        return cls(
            RoutingAddress.objects.annotate(email_lower=Lower("email_address"))
            .filter(Q(services_token__in=tokens) | Q(email_lower__in=emails))
            .select_related(*STAMPED)
        )

    @classmethod
    def of_all(cls, *, most: int) -> Directory | None:
        """Every routing address, deleted ones too; None when there are more than `most`. One query."""
        rows = list(RoutingAddress.objects.select_related(*STAMPED).order_by("pk")[: most + 1])
        return cls(rows) if len(rows) <= most else None

    def owner_of(self, address: str) -> RoutingAddress | None:
        """The routing address that `address` is, exactly; for recognising ourselves as a sender."""
        token = services_token_of(address)
        return (self._by_token.get(token) if token else None) or self._by_email.get(address.lower())

    def own_addresses(self) -> frozenset[str]:
        """Public and services addresses of the rows fetched."""
        rows = [row for row in self._by_token.values() if not row.is_deleted]
        return frozenset(row.email_address for row in rows) | frozenset(row.services_address for row in rows)

    def match(self, recipient: Recipient, *, plus_tags: bool) -> Match | None:
        token = services_token_of(recipient.address)
        if token and token in self._by_token:
            return Match(self._by_token[token], recipient, "services address")
        if row := self._by_email.get(recipient.address.lower()):
            return Match(row, recipient, "email address")
        if plus_tags and (row := self._by_email.get(strip_plus_tag(recipient.address.lower())[0])):
            return Match(row, recipient, "plus address")
        return None


def find_routing_addresses(recipients: Sequence[Recipient], directory: Directory) -> list[Match]:
    """Every routing address the mail reached, the one that stamps a case first.

    Envelope before delivery headers before To, Cc, Bcc, Resent-* in order of appearance, then the lower order number.
    An exact match anywhere beats every plus-tagged one. Deleted addresses come last and beat nothing: they stamp
    nothing.
    """
    for plus_tags in (False, True):
        matches = [found for recipient in recipients if (found := directory.match(recipient, plus_tags=plus_tags))]
        if any(not found.routing_address.is_deleted for found in matches):
            break
    positions = {id(found): position if found.recipient.rank == 2 else 0 for position, found in enumerate(matches)}
    matches.sort(
        key=lambda found: (
            found.routing_address.is_deleted,
            found.recipient.rank,
            positions[id(found)],
            found.routing_address.priority_order,
            found.routing_address.pk,
        )
    )
    seen: set[int] = set()
    return [m for m in matches if not (m.routing_address.pk in seen or seen.add(m.routing_address.pk))]  # type: ignore[func-returns-value]
