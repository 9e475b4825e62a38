"""Whom a rep may want to write to: people of the cases that he or she may see, and their contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cases.models import Case, Contact, Participant
from cases.selectors.visible import visible_cases

MOST_FOUND = 8
MOST_READ = 60  # rows of one source: an address may stand in many cases
SHORTEST = 2  # characters; fewer fit nearly everybody


@dataclass(frozen=True, slots=True)
class FoundPerson:
    address: str
    name: str
    hint: str


def find_people(user: Any, query: str, *, case: Case | None) -> list[FoundPerson]:
    """People whose address or name begins like `query`, those of the case first. Without a query only those of the
    case. At most three statements. Never a row of a case that the user may not see.
    """
    found: dict[str, FoundPerson] = {}
    if case is not None:
        rows = Participant.objects.filter(case=case)
        _add(found, rows.filter(_begins(query)) if query else rows, _("in this case"))
    if len(query) >= SHORTEST:
        may_know = Exists(visible_cases(user).filter(contact=OuterRef("pk")))
        contacts = Contact.objects.annotate(lower=Lower("email")).filter(
            Q(lower__startswith=query.lower()) | Q(name__istartswith=query), may_know
        )
        for contact in contacts.order_by("name", "pk")[:MOST_READ]:
            address = contact.email.lower()
            found.setdefault(address, FoundPerson(address, contact.name, contact.company or _("contact")))
        others = Participant.objects.filter(_begins(query), case__in=visible_cases(user))
        _add(found, others, _("in another case"))
    return list(found.values())[:MOST_FOUND]


def _add(found: dict[str, FoundPerson], rows: QuerySet[Participant], hint: str) -> None:
    for address, name in rows.order_by("-pk").values_list("address", "name")[:MOST_READ]:
        found.setdefault(address, FoundPerson(address, name, hint))


def _begins(query: str) -> Q:
    return Q(address__startswith=query.lower()) | Q(name__istartswith=query)
