"""What rules and flows may ask about a new case: frozen facts, read once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["RoutingFacts"]


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """The mail that opens a case and the case as it will be. Text is clean (no control characters but "\\n")."""

    received_at: datetime  # aware
    # The mail
    sender_address: str = ""  # normalised; "" without a readable sender
    sender_name: str = ""
    subject: str = ""
    body: str = ""  # the new part of the text, cut to 20,000 characters
    language: str = ""  # two letters, "" when not recognised
    automatic_kind: str = ""  # "" for a person
    spf: str = ""  # RFC 8601 words, "" when not known
    dkim: str = ""
    dmarc: str = ""
    has_attachment: bool = False
    is_forwarded: bool = False
    is_list_mail: bool = False
    # The case
    routing_address: str = ""  # its email address
    record_type: str = ""
    priority: str = ""
    origin: str = ""
    contact_known: bool = False
    company: str = ""  # of the contact
    # None: no business hours are set, and a condition on them never holds.
    in_business_hours: bool | None = None

    @property
    def sender_domain(self) -> str:
        return self.sender_address.rpartition("@")[2]
