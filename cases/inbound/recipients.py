"""Whom did a mail go to? The evidence, best first, for routing.matching. Pure."""

from __future__ import annotations

from cases.inbound.parsed import ParsedEmail, ProviderFacts
from routing.addresses import normalise_address
from routing.matching import Recipient

ENVELOPE, DELIVERY_HEADER, ADDRESS_HEADER = 0, 1, 2


def recipients_of(email: ParsedEmail, facts: ProviderFacts) -> list[Recipient]:
    """Envelope recipients (all of them), delivery headers, then To, Cc, Bcc and Resent-* in order of appearance."""
    found = [
        Recipient(address, ENVELOPE, "envelope")
        for written in facts.envelope_recipients
        if (address := normalise_address(written))
    ]
    found += [Recipient(address, DELIVERY_HEADER, "delivery header") for address in email.delivered_to]
    headers = (("To", email.to), ("Cc", email.cc), ("Bcc", email.bcc), ("Resent-To", email.resent_to))
    found += [Recipient(person.address, ADDRESS_HEADER, name) for name, people in headers for person in people]
    return found
