"""A case that we open by writing first. Its author owns it; the answer to the mail finds it like every other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.assignment import open_owned_case
from cases.contacts import find_contact
from cases.lifecycle import default_status
from cases.models import Case, CaseEvent, EmailAddress, Participant
from cases.outbound.composed import CannotReply
from cases.outbound.composing import one_line
from cases.outbound.quoting import without_token
from cases.outbound.reply_rows import People
from routing.models import RecordType, RoutingAddress
from routing.owners import OwnerChoice

__all__ = ["open_case_for", "record_types_of_new"]


def record_types_of_new(addresses: Iterable[RoutingAddress]) -> dict[int, RecordType]:
    """The type of a case that is opened by writing from each of the addresses, by key of the address. One query."""
    types = {each.pk: each for each in RecordType.objects.order_by("-is_default", "pk")}
    usual = next(iter(types.values()), None)
    found = {address.pk: types.get(address.case_record_type_id or 0, usual) for address in addresses}
    return {key: record_type for key, record_type in found.items() if record_type is not None}


def open_case_for(author: User, send_from: RoutingAddress, people: People, *, subject: str, now: datetime) -> Case:
    """Open it with the settings of the address it is written from, in the caller's transaction.

    Its source stays empty: that is the mail which opened a case by coming in (DESIGN, data model), and ours may still
    be taken back. The first To is the customer.
    """
    first = people[EmailAddress.Role.TO][0]
    contact, _because = find_contact(first.address)
    record_type = record_types_of_new([send_from]).get(send_from.pk)
    if record_type is None:
        raise CannotReply(_("There is no record type yet. Run `manage.py setup`."))
    because = _("%(user)s wrote first, from %(address)s") % {
        "user": author.get_username(),
        "address": send_from.email_address,
    }
    case = open_owned_case(
        Case(
            subject=without_token(one_line(subject, limit=500)) or "(no subject)",
            status=default_status(),
            priority=send_from.case_priority,
            origin=send_from.case_origin,
            record_type=record_type,
            contact=contact,
            supplied_email=first.address[:254],
            supplied_name=first.name[:255],
            routing_address=send_from,
            awaiting=Case.Awaiting.US,  # until the mail is on its way
            created_at=now,
            last_activity_at=now,
        ),
        OwnerChoice(author, None, because),
    )
    Participant.objects.create(case=case, address=first.address, name=first.name, role=Participant.Role.CUSTOMER)
    CaseEvent.objects.create(case=case, kind=CaseEvent.Kind.CASE_OPENED, actor=author, because=because[:500])
    return case
