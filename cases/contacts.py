"""Who wrote: a contact when exactly one has the address."""

from __future__ import annotations

from django.db.models.functions import Lower

from cases.models import Contact


def find_contact(address: str) -> tuple[Contact | None, str]:
    """The one contact with this address and a sentence why; none when nobody or several have it."""
    if not address:
        return None, "the sender is unknown"
    found = list(
        Contact.objects.annotate(email_lower=Lower("email")).filter(email_lower=address.lower()).order_by("id")[:2]
    )
    if len(found) == 1:
        return found[0], f"{found[0].name} is the only contact with {address}"
    return None, f"several contacts have {address}" if found else f"no contact has {address}"
