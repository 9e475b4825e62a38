"""One routing address from a command line: make it, or change what is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from routing.addresses import normalise_address
from routing.configuration.errors import ConfigurationError, configuration_error
from routing.configuration.fields import References, editable_field, fields_of, show_moment
from routing.configuration.sending import ADDRESS_OWNER
from routing.models import RoutingAddress
from routing.registration import save_routing_address
from routing.verification import mark_verified

OWNER_COLUMNS = {"owner_user": "owner_queue", "owner_queue": "owner_user"}


@dataclass(frozen=True, slots=True)
class AddressOrder:
    """What a command line says about an address. None and empty: leave as it is, or the model's default."""

    email_address: str
    routing_name: str | None = None
    owner: str | None = None  # user:NAME or queue:NAME
    is_verified: bool = False
    is_controlled: bool = False
    assignments: Sequence[tuple[str, str]] = ()  # (field, value as text), in order


def find_routing_address(email_address: str) -> RoutingAddress | None:
    """The address that is not deleted, in whatever spelling it is given."""
    normalised = normalise_address(email_address) or email_address
    return RoutingAddress.objects.not_deleted().filter(email_address__iexact=normalised).first()


@transaction.atomic
def configure_address(order: AddressOrder) -> tuple[RoutingAddress, bool]:
    """(the saved address, whether it is new). ConfigurationError, nothing written: bad field, owner or value."""
    address = find_routing_address(order.email_address)
    is_new = address is None
    if address is None:
        address = RoutingAddress(email_address=order.email_address, routing_name=order.routing_name or "")
    if order.routing_name is not None:
        address.routing_name = order.routing_name
    references = References()
    if order.owner is not None:
        ADDRESS_OWNER.write(address, ADDRESS_OWNER.read(order.owner, "owner", references))
    if order.is_controlled:
        address.controlled_by_permission_set = True
    for name, text in order.assignments:
        _assign(address, name, text, references)
    try:
        address.full_clean()
    except ValidationError as error:
        raise configuration_error("", error) from error
    save_routing_address(address, by=None)
    if order.is_verified and not address.is_verified:
        mark_verified(address, by=None, because="create_routing_address --verified")
    return address, is_new


def _assign(address: RoutingAddress, name: str, text: str, references: References) -> None:
    if name == ADDRESS_OWNER.name:
        ADDRESS_OWNER.write(address, ADDRESS_OWNER.read(text, name, references))
        return
    field = editable_field(RoutingAddress, name, name)
    value = field.read(field.from_text(text, name), name, references)
    if value is not None and name in OWNER_COLUMNS:
        setattr(address, OWNER_COLUMNS[name], None)  # an address has one owner: the new one replaces the other kind
    field.write(address, value)


def represent_address(address: RoutingAddress) -> dict[str, Any]:
    """The address as commands answer: null where there is no value, times in ISO 8601 UTC."""
    owner = None
    if address.owner_queue is not None:
        owner = {"type": "queue", "name": address.owner_queue.name}
    elif address.owner_user is not None:
        owner = {"type": "user", "name": address.owner_user.get_username()}
    head = {
        "id": address.pk,
        "email_address": address.email_address,
        "services_address": address.services_address,
        "routing_name": address.routing_name,
        "is_active": address.is_active,
        "is_verified": address.is_verified,
        "verified_at": show_moment(address.verified_at) if address.is_verified else None,
        "controlled_by_permission_set": address.controlled_by_permission_set,
        "owner": owner,
    }
    fields = fields_of(RoutingAddress, owner=ADDRESS_OWNER)
    return head | {field.name: field.show(address) for field in fields if field.name not in head}


def split_assignment(text: str) -> tuple[str, str]:
    """("case_priority", "High") of `case_priority=High`; ConfigurationError without a field or a "="."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError("--set", f'"{text}" must have the form FIELD=VALUE.')
    return name.strip(), value
