"""May this mail still leave? Asked by the worker at the moment of sending, after form and use case."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.models import EmailAddress, EmailMessage, Outbox, SatisfactionRequest, SendDecision
from cases.outbound.allowed_senders import permission_to_send, record_decision
from cases.outbound.auto_response import refusal_of_address
from cases.outbound.satisfaction import refusal_to_ask
from routing.addresses import normalise_address
from routing.connections import refusal_of_connection
from routing.models import RoutingAddress
from routing.permission_sets import may_send_from
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
    if outbox.kind not in ASK or outbox.from_address is None:
        sender = outbox.from_address or _("the system address")
        return f"No rule permits mail of the kind {outbox.kind} to leave from {sender}."
    if words := refusal_of_connection(outbox.from_address):
        return words
    for person, answer in _answers(outbox, outbox.from_address):
        if keeps_permission or not answer.allowed:
            record_decision(
                answer,
                stage=SendDecision.Stage.SEND,
                user=person,
                address=outbox.from_address,
                case=outbox.case,
                outbox=outbox,
            )
        if not answer.allowed:
            return answer.because
    return ""


def _answers(outbox: Outbox, address: RoutingAddress) -> Iterator[tuple[User | None, Permission]]:
    """Each person who is asked about, with the answer: of a person's mail its author, and who made it leave after all
    when that is somebody else.
    """
    author = outbox.email_message.created_by if outbox.email_message else outbox.requested_by
    yield author, ASK[Outbox.Kind(outbox.kind)](outbox, address)
    if outbox.kind != Outbox.Kind.REPLY:
        return
    if outbox.requested_by is None:
        if outbox.human_resends:
            yield None, Permission(False, _("Who sent it again is not known any more."))
    elif outbox.requested_by != author:
        yield outbox.requested_by, _answer_for_second(outbox.requested_by, address)


def _answer_for_second(person: User, address: RoutingAddress) -> Permission:
    answer = permission_to_send(person, address)
    if answer.allowed:
        return answer
    words = _("%(user)s made this mail leave and may not send from its address. %(because)s")
    return Permission(False, words % {"user": person.get_username(), "because": answer.because})


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


def _answer_for_auto_response(outbox: Outbox, address: RoutingAddress) -> Permission:
    """Nobody wrote it, so nobody's permission counts: the address must still answer by itself, and the mail must go to
    the one proven person whose mail it answers.
    """
    stored = RoutingAddress.objects.select_related("auto_response_template").filter(pk=address.pk).first()
    message = outbox.email_message
    if stored is None or message is None or stored.email_address != message.from_address:
        return Permission(False, _("The routing address was changed after the mail was written."))
    if because := refusal_of_address(stored):
        return Permission(False, because[:1].upper() + because[1:] + ".")
    if message.created_by_id is not None or not message.is_automatic:
        return Permission(False, _("It is not an automatic answer."))
    answered = EmailMessage.objects.filter(inbound_email=outbox.answers_id, incoming=True).first()
    if answered is None or answered.is_automatic or answered.dmarc != "pass":
        return Permission(False, _("It answers no mail of a proven person."))
    to = [each.address for each in message.addresses.all() if each.role != EmailAddress.Role.REPLY_TO]
    if not to == [outbox.recipient] == [answered.from_address]:
        return Permission(False, _("It goes to somebody else than the one who wrote."))
    return Permission(True, _("An automatic answer of the address, to the person who wrote."))


def _answer_for_survey(outbox: Outbox, address: RoutingAddress) -> Permission:
    """Nobody wrote it: the address must still ask, the case must still be closed, and it goes to whom it was decided
    to ask.
    """
    stored = RoutingAddress.objects.select_related("satisfaction_template").filter(pk=address.pk).first()
    message = outbox.email_message
    if stored is None or message is None or stored.email_address != message.from_address:
        return Permission(False, _("The routing address was changed after the mail was written."))
    if because := refusal_to_ask(stored):
        return Permission(False, because[:1].upper() + because[1:] + ".")
    asked = SatisfactionRequest.objects.filter(case=outbox.case_id, refused_because="").select_related("case").first()
    if asked is None or not asked.case.is_closed or asked.case.is_merged:
        return Permission(False, _("The case was opened again or joined to another one."))
    to = [each.address for each in message.addresses.all() if each.role != EmailAddress.Role.REPLY_TO]
    if not to == [outbox.recipient] == [asked.recipient] or message.created_by_id is not None:
        return Permission(False, _("It goes to somebody else than the customer who is asked."))
    return Permission(True, _("The question of the address after closing, to the customer."))


def _answer_for_test_mail(outbox: Outbox, address: RoutingAddress) -> Permission:
    """To the person who asked for it, who may send from the address."""
    person = outbox.requested_by
    if person is None or normalise_address(person.email) != outbox.recipient:
        return Permission(False, _("It goes to somebody else than the one who asked for it."))
    return may_send_from(person, address)


ASK: dict[Outbox.Kind, Callable[[Outbox, RoutingAddress], Permission]] = {
    Outbox.Kind.REPLY: _answer_for_reply,
    Outbox.Kind.AUTO: _answer_for_auto_response,
    Outbox.Kind.SURVEY: _answer_for_survey,
    Outbox.Kind.TEST: _answer_for_test_mail,
}
