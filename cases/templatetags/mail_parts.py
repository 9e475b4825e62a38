"""The parts of a mail beside its text; the tags stand in cases/message.html."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.forwarded import original_sender
from cases.inbound.rereading import CHARSETS, shows_charset_choice
from cases.models import Attachment, Case
from routing.addresses import MailAddress

register = template.Library()

SEALS: dict[str, str | Promise] = {
    "smime_signed": _("This mail is signed (S/MIME). The signature is not checked here."),
    "smime_encrypted": _("This mail is encrypted (S/MIME). It can only be read with its recipient's key."),
    "pgp_signed": _("This mail is signed (PGP). The signature is not checked here."),
    "pgp_encrypted": _("This mail is encrypted (PGP). It can only be read with its recipient's key."),
}
STATUS_LABELS: dict[str, str | Promise] = {
    "ACCEPTED": _("accepted"),
    "TENTATIVE": _("maybe"),
    "DECLINED": _("declined"),
}
SHOWN_ATTENDEES = 6


@dataclass(frozen=True, slots=True)
class When:
    """A start or end: `moment` when known everywhere, else `local` or `day` as the sender wrote it."""

    moment: datetime | None = None
    local: datetime | None = None
    day: date | None = None

    @classmethod
    def read(cls, text: str, *, is_end: bool = False) -> When:
        try:
            if text and len(text) == len("2026-12-01"):
                # RFC 5545 section 3.6.1: a day at the end is the first one after the event.
                return cls(day=date.fromisoformat(text) - timedelta(days=1 if is_end else 0))
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            return cls()
        return cls(moment=found) if found.tzinfo else cls(local=found)


@dataclass(frozen=True, slots=True)
class InvitationCard:
    told: dict[str, Any]
    position: int
    start: When
    end: When
    attendees: list[tuple[str, str | Promise]]  # (name or address, what they answered)
    more_attendees: int
    asks: bool
    is_cancelled: bool
    has_end: bool


@register.inclusion_tag("cases/special_parts.html", takes_context=True)
def special_parts(context: Context, shown: Any) -> dict[str, Any]:
    message, case = shown.message, context["case"]
    told = message.special_parts if message.incoming else {}
    return {
        "case": case,
        "message": message,
        "csrf_token": context.get("csrf_token"),
        "seals": [SEALS[seal] for seal in told.get("seals", ()) if seal in SEALS],
        "invitations": [_card(each, case) for each in told.get("invitations", ())],
        "original": _offered_customer(message, case) if message.incoming and message.has_forward else None,
        "charsets": CHARSETS if shows_charset_choice(message) else (),
    }


@register.inclusion_tag("cases/attached_mails.html", takes_context=True)
def attached_mails(context: Context, shown: Any) -> dict[str, Any]:
    files = {file.position: file for file in shown.message.attachments.all()}
    mails = shown.message.special_parts.get("mails", ())
    return {"case": context["case"], "mails": [_nested(each, files) for each in mails]}


@register.inclusion_tag("cases/file_count.html")
def file_count(shown: Any) -> dict[str, Any]:
    """What people would call files: attached mails are, signatures and pictures in the text are not."""
    return {"count": len(shown.files) + len(shown.message.special_parts.get("mails", ()))}


def _offered_customer(message: Any, case: Case) -> MailAddress | None:
    """Who wrote the forwarded mail, unless they are the customer already."""
    if case.is_merged:
        return None
    original = original_sender({"from_address": message.original_address, "from_name": message.original_name})
    return original if original is not None and original.address != case.supplied_email else None


def _nested(told: dict[str, Any], files: dict[int, Attachment]) -> dict[str, Any]:
    return told | {"file": files.get(told["position"]), "at": When.read(told["date"]).moment}


def _card(told: dict[str, Any], case: Case) -> InvitationCard:
    """Who would answer, and what was answered, is asked for by the card once it is shown (cases.views.invitations)."""
    attendees = told["attendees"]
    start, end = When.read(told["start"]), When.read(told["end"], is_end=True)
    return InvitationCard(
        told=told,
        position=told["position"],
        start=start,
        end=end,
        attendees=[
            (each["name"] or each["address"], STATUS_LABELS.get(each["status"], ""))
            for each in attendees[:SHOWN_ATTENDEES]
            if each["name"] or each["address"]
        ],
        more_attendees=max(len(attendees) - SHOWN_ATTENDEES, 0),
        asks=told["method"] == "REQUEST" and bool(told["organizer"]["address"]) and not case.is_merged,
        is_cancelled=told["method"] == "CANCEL",
        has_end=end not in (start, When()),
    )
