"""A mail to oneself through a connection: it takes the way of every mail, permission included."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from cases.models import Outbox
from cases.outbound.composing import domain_of_sender, one_line
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id
from routing import audit
from routing.addresses import normalise_address
from routing.models import Connection
from routing.permission_sets import may_send_from

__all__ = ["CannotSendTestMail", "queue_test_mail"]


class CannotSendTestMail(RuntimeError):
    """Nothing was queued; the message says why."""


@transaction.atomic
def queue_test_mail(connection: Connection, *, by: User) -> Outbox:
    """One mail to whoever asks, from the address that uses the connection. Raises CannotSendTestMail."""
    address = connection.routing_addresses.not_deleted().first()
    if address is None:
        raise CannotSendTestMail(_("No routing address uses this connection: choose it on an address first."))
    recipient = normalise_address(by.email)
    if recipient is None:
        raise CannotSendTestMail(_("Your own user has no email address."))
    permission = may_send_from(by, address)
    if not permission.allowed:
        raise CannotSendTestMail(permission.because)
    with translation.override(address.language or settings.LANGUAGE_CODE):
        mail = Outbox.objects.create(
            key=f"test:{secrets.token_hex(16)}",
            kind=Outbox.Kind.TEST,
            from_address=address,
            recipient=recipient,
            requested_by=by,
            subject=one_line(_("Test of the connection “%(name)s”") % {"name": connection.name}),
            text_body=_("This mail left through the connection “%(name)s” as %(address)s. It works.")
            % {"name": one_line(connection.name), "address": address.email_address},
            # Not signed for a case: an answer to it opens one of its own.
            message_identifier=new_message_id(None, domain_of_sender(address.email_address), signing_keys()),
        )
    audit.record("test-mail-queued", connection, by=by, recipient=recipient)
    return mail
