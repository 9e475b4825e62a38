"""What the merge fields of a template stand for on one case (routing.merge_fields)."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import formats, timezone, translation

from cases.models import Case
from cases.outbound.composing import one_line
from routing.addresses import MailAddress
from routing.models import RoutingAddress

__all__ = ["first_name_in", "merge_values", "sample_values"]

LONGEST_VALUE = 250  # characters; a name or a subject, not a text

_DOUBLE_BRACE = re.compile(r"\{(?=\{)")
# Words before a first name. Lower case, without their dot.
_TITLES = frozenset(
    {"dr", "prof", "mr", "mrs", "ms", "miss", "mx", "sir", "herr", "frau", "hr", "fr", "m", "mme", "mlle"}
)


def merge_values(
    case: Case | None,
    *,
    author: User | None,
    send_from: RoutingAddress | None,
    customer: MailAddress | None = None,
    subject: str | None = None,
) -> dict[str, str]:
    """A value for each field, "" when there is none. `customer` and `subject` stand in for those of the case. One
    query when the case's contact was not read with it.

    Strangers chose the name and the subject: each value is one line, and no value can be taken for a field.
    """
    person = customer or _customer_of(case)
    # A name that is an address was written to be taken for another sender.
    name = "" if "@" in person.name else person.name
    rep = author.get_full_name() or author.get_username() if author else ""
    language = (send_from.language if send_from else "") or settings.LANGUAGE_CODE
    with translation.override(language):
        today = formats.date_format(timezone.localdate(timezone=timezone.get_default_timezone()), "j F Y")
    values = {
        "case.number": case.number_text if case else "",
        "case.subject": subject if subject is not None else case.subject if case else "",
        "customer.name": name,
        "customer.first_name": first_name_in(name),
        "customer.email": person.address,
        "rep.name": rep,
        "rep.first_name": (author.first_name or first_name_in(rep)) if author else "",
        "address.name": send_from.display_name if send_from else "",
        "address.email": send_from.email_address if send_from else "",
        "satisfaction.link": "",  # filled in by cases.outbound.satisfaction alone
        "today": today,
    }
    return {field: _plain(value) for field, value in values.items()}


def sample_values(*, author: User) -> dict[str, str]:
    """A value for each field of a customer who does not exist, for previews."""
    case = Case(
        pk=41, subject="My order has not come", supplied_name="Casey Customer", supplied_email="casey@example.net"
    )
    address = RoutingAddress(email_address="support@company.example", display_name="Company Support")
    return merge_values(case, author=author, send_from=address)


def _plain(value: str) -> str:
    return _DOUBLE_BRACE.sub("{ ", one_line(value, limit=LONGEST_VALUE))


def _customer_of(case: Case | None) -> MailAddress:
    if case is None:
        return MailAddress("", "")
    if case.contact is not None:
        return MailAddress(case.contact.name or case.supplied_name, case.supplied_email or case.contact.email)
    return MailAddress(case.supplied_name, case.supplied_email)


def first_name_in(name: str) -> str:
    """The first name of "Ann Lee", "Lee, Ann" and "Dr. Ann Lee"; "" when there is no name."""
    last, comma, first = name.partition(",")
    words = (first if comma and first.strip() else last).split()
    while len(words) > 1 and words[0].rstrip(".").lower() in _TITLES:
        words = words[1:]
    return words[0] if words else ""
