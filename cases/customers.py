"""Who the customer of a case is: chosen among the contacts with the address, made a contact, or corrected."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change
from cases.contacts import find_contact
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, Contact, Participant
from cases.outbound.recipients import own_addresses_among
from routing.addresses import normalise_address

__all__ = ["choose_contact", "contacts_with_address", "correct_customer", "create_contact"]

MOST_OFFERED = 10


def contacts_with_address(address: str) -> list[Contact]:
    """Those a rep chooses from: a contact of another address is somebody else's business."""
    if not address:
        return []
    return list(
        Contact.objects.annotate(email_lower=Lower("email"))
        .filter(email_lower=address.lower())
        .order_by("name", "pk")[:MOST_OFFERED]
    )


@transaction.atomic
def choose_contact(*, case: Case, contact_id: int, by: Any) -> CaseEvent | None:
    case = case_to_change(case, by=by)
    contact = next((each for each in contacts_with_address(case.supplied_email) if each.pk == contact_id), None)
    if contact is None:
        raise CannotChange(_("Choose one of the contacts with this address."), field="contact")
    if case.contact_id == contact.pk:
        return None
    return _set_customer(case, by, str(contact), contact=contact)


@transaction.atomic
def create_contact(*, case: Case, name: str, company: str, by: Any) -> Contact:
    """A contact with the case's address, who becomes its contact."""
    name, company = _line(name), _line(company)
    if not name:
        raise CannotChange(_("A contact needs a name."), field="name")
    case = case_to_change(case, by=by)
    if not case.supplied_email:
        raise CannotChange(_("The case has no address. Correct the customer first."), field="name")
    contact = Contact.objects.create(name=name, email=case.supplied_email, company=company)
    _set_customer(case, by, str(contact), contact=contact)
    return contact


@transaction.atomic
def correct_customer(*, case: Case, address: str, name: str, by: Any) -> CaseEvent | None:
    """Another person is the customer. The one before stays in the case as somebody copied."""
    wanted = normalise_address(address.strip())
    if wanted is None or len(wanted) > 254:
        raise CannotChange(_("This is no email address."), field="address")
    if own_addresses_among([wanted]):
        raise CannotChange(_("%(address)s is one of our own addresses.") % {"address": wanted}, field="address")
    name = _line(name)
    case = case_to_change(case, by=by)
    if (case.supplied_email, case.supplied_name) == (wanted, name):
        return None
    Participant.objects.filter(case=case, role=Participant.Role.CUSTOMER).exclude(address=wanted).update(
        role=Participant.Role.COPIED
    )
    Participant.objects.update_or_create(
        case=case,
        address=wanted,
        defaults={"role": Participant.Role.CUSTOMER},
        create_defaults={"role": Participant.Role.CUSTOMER, "name": name},
    )
    contact, _because = find_contact(wanted)
    return _set_customer(case, by, wanted, contact=contact, supplied_email=wanted, supplied_name=name)


def _set_customer(case: Case, by: Any, because: str, **changes: Any) -> CaseEvent:
    before = {"supplied_email": case.supplied_email, "supplied_name": case.supplied_name, "contact": case.contact_id}
    Case.objects.filter(pk=case.pk).update(**changes)
    return CaseEvent.objects.create(
        case=case, kind=CaseEvent.Kind.CUSTOMER_CHANGED, actor=by, because=because[:500], detail=before
    )


def _line(text: str) -> str:
    return " ".join(clean_text(text).split())[:160]
