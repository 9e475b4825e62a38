"""May this mail still leave? Asked by the worker at the moment of sending, after form and use case."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cases.models import Outbox, SendDecision
from cases.outbound.allowed_senders import permission_to_send, record_decision
from routing.models import RoutingAddress
from routing.sending_rules import Permission

__all__ = ["permit_hand_over", "refusal_at_send"]


def refusal_at_send(outbox: Outbox) -> str:
    """Why the mail must not leave; "" when it may. A refusal of a person's mail is recorded.

    Without a from_address it leaves from E2C_SYSTEM_FROM, which the operator of the instance vouches for. Everything
    else is refused unless a check in here has said yes: no mail leaves from an address because a check was forgotten.
    """
    return _ask(outbox, keeps_permission=False)


def permit_hand_over(outbox: Outbox) -> str:
    """The same question in the transaction that commits `sending`: the permission is recorded too, so that no mail is
    sent without one.
    """
    return _ask(outbox, keeps_permission=True)


def _ask(outbox: Outbox, *, keeps_permission: bool) -> str:
    if outbox.from_address is None and outbox.kind in (Outbox.Kind.NOTICE, Outbox.Kind.TEST):
        return ""
    if outbox.kind != Outbox.Kind.REPLY or outbox.from_address is None:
        sender = outbox.from_address or _("the system address")
        return f"No rule permits mail of the kind {outbox.kind} to leave from {sender}."
    answer = _answer_for_reply(outbox, outbox.from_address)
    if keeps_permission or not answer.allowed:
        record_decision(
            answer,
            stage=SendDecision.Stage.SEND,
            user=outbox.email_message.created_by if outbox.email_message else None,
            address=outbox.from_address,
            case=outbox.case,
            outbox=outbox,
        )
    return "" if answer.allowed else answer.because


def _answer_for_reply(outbox: Outbox, address: RoutingAddress) -> Permission:
    """The author's permission as it is now. Whether the author still sees the case is not asked: who answers and then
    hands the case on has answered it.
    """
    message = outbox.email_message
    if message is None or message.created_by is None:
        return Permission(False, _("Its author is not known any more."))
    stored = RoutingAddress.objects.filter(pk=address.pk).values_list("email_address", flat=True).first()
    if stored != message.from_address:
        return Permission(False, _("The routing address was changed after the mail was written."))
    return permission_to_send(message.created_by, address)
