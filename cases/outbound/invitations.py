"""Answer a calendar invitation: a reply like any other, with the iTIP answer beside its words (RFC 5546, RFC 6047)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext as _

from cases.blobs import open_blob
from cases.calendars import ANSWERS, MOST_BYTES, Invitation, NotAnInvitation, answer_invitation, read_invitation
from cases.models import Case, CaseEvent, EmailMessage
from cases.outbound.allowed_senders import permission_to_send
from cases.outbound.messages import ITIP_REPLY
from cases.outbound.replies import CannotReply, NewAttachment, reply_to_case
from routing.models import RoutingAddress

__all__ = ["OfferedAnswer", "answer_to_invitation", "answering_address", "given_answer", "offered_answer"]


@dataclass(frozen=True, slots=True)
class OfferedAnswer:
    """Exactly one of `address`, which would answer, and `refusal`. `given`: a word of ANSWERS, "" for none yet."""

    address: RoutingAddress | None
    refusal: str
    given: str


def offered_answer(case: Case, told: Mapping[str, Any], *, by: User) -> OfferedAnswer:
    """For an invitation as cases.inbound.special_parts tells it. At most seven queries."""
    given = given_answer(case, told["uid"])
    address = answering_address(case, [each["address"] for each in told["attendees"]])
    if address is None:
        return OfferedAnswer(None, _("This case belongs to no routing address that could answer."), given)
    permission = permission_to_send(by, address, case=case)
    if not permission.allowed:
        return OfferedAnswer(None, permission.because, given)
    return OfferedAnswer(address, "", given)


def answering_address(case: Case, attendees: list[str]) -> RoutingAddress | None:
    """The routing address that was invited; else the one the case came by, which the organizer's mail reached."""
    invited = RoutingAddress.objects.not_deleted().filter(email_address__in=attendees).order_by("priority_order", "pk")
    own = case.routing_address
    if own is not None and own.email_address in attendees:
        return own
    return invited.first() or own


def answer_to_invitation(
    *, case: Case, message: EmailMessage, position: int, answer: str, by: User, now: datetime, key: str = ""
) -> EmailMessage:
    """Accept, decline or leave open the invitation in that attachment. `answer` is a word of ANSWERS.

    Raises CannotReply for what cannot be answered and SendingNotAllowed as reply_to_case does; then nothing was
    written. Must not be called inside a transaction.
    """
    attachment = message.attachments.select_related("blob").filter(position=position).first()
    if attachment is None or answer not in ANSWERS or message.case_id != case.pk:
        raise CannotReply(_("There is no such invitation."))
    try:
        with open_blob(attachment.blob) as stream:
            content = stream.read(MOST_BYTES + 1)
        invitation = read_invitation(content)
        address = answering_address(case, [each.address for each in invitation.attendees])
        if address is None:
            raise CannotReply(_("This case belongs to no routing address that could answer."))
        calendar = answer_invitation(
            content, answer, attendee=address.email_address, name=address.display_name, now=now
        )
    except NotAnInvitation as error:
        raise CannotReply(_("This invitation cannot be answered.")) from error
    except OSError as error:
        raise CannotReply(_("The invitation could not be read from the storage. Try again.")) from error
    subject, text = _words(invitation, answer, address)
    chosen = f"{answer} {invitation.sequence} {invitation.uid}"
    sent = reply_to_case(
        case=case,
        author=by,
        send_from=address,
        to=[invitation.organizer.address],
        subject=subject,
        text=text,
        attachments=[NewAttachment("invite.ics", ITIP_REPLY, calendar, stands_for=chosen)],
        now=now,
        key=key,
    )
    CaseEvent.objects.get_or_create(
        case=case,
        kind=CaseEvent.Kind.INVITATION_ANSWERED,
        email_message=sent,
        defaults={
            "actor": by,
            "because": subject[:500],
            "detail": {"uid": invitation.uid, "sequence": invitation.sequence, "answer": answer},
        },
    )
    return sent


def _words(invitation: Invitation, answer: str, address: RoutingAddress) -> tuple[str, str]:
    """(subject, text) in the language of the address."""
    who, what = address.display_name or address.email_address, invitation.summary or _("the invitation")
    with translation.override(address.language or settings.LANGUAGE_CODE):
        subjects = {
            "accept": _("Accepted: %(what)s"),
            "tentative": _("Tentative: %(what)s"),
            "decline": _("Declined: %(what)s"),
        }
        texts = {
            "accept": _("%(who)s has accepted: %(what)s"),
            "tentative": _("%(who)s may come: %(what)s"),
            "decline": _("%(who)s has declined: %(what)s"),
        }
        return subjects[answer] % {"what": what}, texts[answer] % {"who": who, "what": what}


def given_answer(case: Case, uid: str) -> str:
    """The last answer that was sent, or waits to be: a word of ANSWERS, "" for none."""
    kept = (EmailMessage.Status.QUEUED, EmailMessage.Status.SENDING, EmailMessage.Status.SENT)
    event = (
        CaseEvent.objects.filter(
            case=case,
            kind=CaseEvent.Kind.INVITATION_ANSWERED,
            detail__uid=uid,
            email_message__status__in=[*kept, EmailMessage.Status.UNCERTAIN],
        )
        .order_by("-pk")
        .first()
    )
    return str(event.detail.get("answer", "")) if event else ""
