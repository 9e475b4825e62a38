"""Who makes a mail leave that is written already - sends it again, sends it now - needs the permission for its From as
its author does. Asked here by the use cases; the worker asks about both again (cases.outbound.recheck).

A refusal is kept as a SendDecision: nothing in here may be called inside a transaction that is rolled back with it.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.models import Outbox, SendDecision
from cases.outbound.allowed_senders import permission_to_send, record_decision
from cases.outbound.composed import SendingNotAllowed
from routing.models import RoutingAddress
from routing.sending_rules import Permission

__all__ = ["keep_answer", "permit_author", "permit_person"]


def permit_person(outbox: Outbox, *, by: User) -> Permission:
    """The permission of who makes the mail leave, to be kept with what is done by it. Raises SendingNotAllowed."""
    address = _address_of(outbox)
    answer = permission_to_send(by, address, case=outbox.case)
    if not answer.allowed:
        keep_answer(answer, outbox, person=by)
        words = _("You may not send from %(address)s. %(because)s")
        raise SendingNotAllowed(words % {"address": address.email_address, "because": answer.because})
    return answer


def permit_author(outbox: Outbox, author: User, *, now: datetime | None = None) -> None:
    """Raises SendingNotAllowed when the author may not send from the address any more."""
    address = _address_of(outbox)
    answer = permission_to_send(author, address, at=now)
    if not answer.allowed:
        keep_answer(answer, outbox, person=author)
        words = _("%(author)s may not send from %(address)s any more. %(because)s")
        names = {"author": author.get_username(), "address": address.email_address, "because": answer.because}
        raise SendingNotAllowed(words % names)


def keep_answer(answer: Permission, outbox: Outbox, *, person: User) -> None:
    record_decision(
        answer,
        stage=SendDecision.Stage.USE_CASE,
        user=person,
        address=_address_of(outbox),
        case=outbox.case,
        outbox=outbox,
    )


def _address_of(outbox: Outbox) -> RoutingAddress:
    if outbox.from_address is None:
        raise SendingNotAllowed(_("The address of this mail is not known any more."))
    return outbox.from_address
