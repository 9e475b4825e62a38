"""Who wrote a mail that somebody forwarded to us becomes the customer: by a rep's click, or by an address's policy.

What a forward shows of its original is the forwarder's word (EmailMessage.forwarded_original), so nothing happens by
itself unless the routing address trusts the forwarder (`unwrap_forwards_from`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cases.contacts import find_contact
from cases.models import Case, CaseEvent, Contact, EmailMessage, Participant
from cases.outbound.recipients import own_addresses_among
from routing.address_patterns import AddressPatterns
from routing.addresses import MailAddress, normalise_address
from routing.models import RoutingAddress

__all__ = [
    "NoOriginalSender",
    "contact_for",
    "is_unwrapped",
    "let_original_sender_take_part",
    "make_original_sender_contact",
    "original_sender",
]


class NoOriginalSender(ValueError):
    """The mail shows no original sender who could be a customer; the message says why."""


def original_sender(forwarded: Mapping[str, Any] | None) -> MailAddress | None:
    """The author that a forward shows (`forwarded_original`); None without a readable address."""
    if not forwarded:
        return None
    address = normalise_address(str(forwarded.get("from_address") or ""))
    if address is None or len(address) > 254:
        return None
    return MailAddress(name=" ".join(str(forwarded.get("from_name") or "").split())[:150], address=address)


def is_unwrapped(address: RoutingAddress | None, sender: str) -> bool:
    """Whether the routing address takes the customer from what this sender forwards."""
    return bool(
        address is not None
        and sender
        and address.unwrap_forwards_from
        and AddressPatterns.parse(address.unwrap_forwards_from).matches(sender)
    )


@transaction.atomic
def make_original_sender_contact(*, case: Case, message: EmailMessage, by: Any) -> Contact | None:
    """A person says: the author of the forwarded mail is the customer. Raises NoOriginalSender.

    The contact with that address is found or made; None when several have it, then only the case's own fields change.
    The forwarder stays in the case as somebody copied.
    """
    original = original_sender(message.forwarded_original)
    if original is None:
        raise NoOriginalSender(_("The forwarded mail shows no address of its sender."))
    if own_addresses_among([original.address]):
        raise NoOriginalSender(_("%(address)s is one of our own addresses.") % {"address": original.address})
    case = Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if case.merged_into_id is not None or message.case_id != case.pk:
        raise NoOriginalSender(_("The mail is not part of this case any more."))
    if case.supplied_email == original.address and case.contact_id is not None:
        return case.contact
    contact = contact_for(original)
    before = {"supplied_email": case.supplied_email, "supplied_name": case.supplied_name, "contact": case.contact_id}
    Case.objects.filter(pk=case.pk).update(
        contact=contact, supplied_email=original.address, supplied_name=original.name
    )
    let_original_sender_take_part(case, original, forwarder=message.from_address)
    CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.CUSTOMER_CHANGED,
        actor=by,
        email_message=message,
        because=_("%(customer)s, who wrote the mail that %(forwarder)s forwarded")
        % {"customer": original.address, "forwarder": message.from_address},
        detail=before,
    )
    return contact


def contact_for(person: MailAddress) -> Contact | None:
    """The one contact with this address, made when nobody has it; None when several have it."""
    contact, _because = find_contact(person.address)
    if contact is not None:
        return contact
    if Contact.objects.annotate(email_lower=Lower("email")).filter(email_lower=person.address).exists():
        return None
    return Contact.objects.create(name=person.name or person.address.partition("@")[0], email=person.address)


def let_original_sender_take_part(case: Case, original: MailAddress, *, forwarder: str) -> None:
    """The author takes part as the customer, the forwarder as somebody copied. In the caller's transaction."""
    if forwarder != original.address:
        Participant.objects.filter(case=case, address=forwarder, role=Participant.Role.CUSTOMER).update(
            role=Participant.Role.COPIED
        )
    Participant.objects.update_or_create(
        case=case,
        address=original.address,
        defaults={"role": Participant.Role.CUSTOMER},
        create_defaults={"role": Participant.Role.CUSTOMER, "name": original.name},
    )
