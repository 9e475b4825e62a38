"""What the page of a routing address shows above its settings, beside the checklist: how to forward, who can send."""

from __future__ import annotations

from dataclasses import dataclass, field

from routing.admin.forwarding import ForwardingGuide, forwarding_guides
from routing.models import RoutingAddress, VerificationMail
from routing.permission_sets import Sender, who_can_send

# A page names this many senders; the rest is a number.
SENDERS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class AddressState:
    senders: list[Sender]
    hidden_senders: int
    guides: list[ForwardingGuide]
    last_mails: list[VerificationMail] = field(default_factory=list)


def state_of(address: RoutingAddress) -> AddressState:
    """Three queries."""
    mails = list(address.verification_mails.all()[:3])
    senders = who_can_send(address)
    return AddressState(
        senders=senders[:SENDERS_SHOWN],
        hidden_senders=max(0, len(senders) - SENDERS_SHOWN),
        guides=forwarding_guides(address.email_address, address.services_address),
        last_mails=mails,
    )
