"""The state of a routing address as its page shows it above the settings: what is done and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.admin.forwarding import ForwardingGuide, forwarding_guides
from routing.models import RoutingAddress, VerificationMail
from routing.permission_sets import Sender, who_can_send

# A page names this many senders; the rest is a number.
SENDERS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist. `state` is ok, todo or quiet (nothing to do, nothing to praise)."""

    title: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class AddressState:
    checks: list[Check]
    senders: list[Sender]
    hidden_senders: int
    guides: list[ForwardingGuide]
    last_mails: list[VerificationMail] = field(default_factory=list)


def state_of(address: RoutingAddress) -> AddressState:
    """Everything the top of the page says. Three queries."""
    mails = list(address.verification_mails.all()[:3])
    senders = who_can_send(address)
    return AddressState(
        checks=[_verified(address, mails), _forwarding(address), _last_mail(address), _senders(address, senders)],
        senders=senders[:SENDERS_SHOWN],
        hidden_senders=max(0, len(senders) - SENDERS_SHOWN),
        guides=forwarding_guides(address.email_address, address.services_address),
        last_mails=mails,
    )


def _verified(address: RoutingAddress, mails: list[VerificationMail]) -> Check:
    if address.is_verified and address.verified_at:
        day = timezone.localtime(address.verified_at)
        return Check(_("Verified"), "ok", _("since %(day)s") % {"day": f"{day:%Y-%m-%d %H:%M}"})
    if not mails:
        return Check(_("Not verified"), "todo", _("No verification mail was sent yet."))
    mail = mails[0]
    if mail.state == VerificationMail.State.FAILED:
        return Check(
            _("Not verified"), "todo", _("The verification mail could not be sent: %(why)s") % {"why": mail.detail}
        )
    return Check(
        _("Not verified"), "todo", _("Open the verification mail in %(email)s.") % {"email": address.email_address}
    )


def _forwarding(address: RoutingAddress) -> Check:
    if address.forwarding_seen_at:
        day = timezone.localtime(address.forwarding_seen_at)
        return Check(_("Forwarding works"), "ok", _("first seen %(day)s") % {"day": f"{day:%Y-%m-%d %H:%M}"})
    return Check(_("Forwarding not seen"), "todo", _("Forward the address to the services address below."))


def _last_mail(address: RoutingAddress) -> Check:
    if address.last_mail_at:
        day = timezone.localtime(address.last_mail_at)
        return Check(_("Last mail in"), "ok", f"{day:%Y-%m-%d %H:%M}")
    return Check(_("No mail yet"), "quiet", _("Send one to it and watch it become a case."))


def _senders(address: RoutingAddress, senders: list[Sender]) -> Check:
    if address.is_deleted or not address.is_active:
        return Check(_("Nobody can send"), "quiet", _("The address is not in use."))
    if not address.is_verified:
        return Check(_("Nobody can send"), "todo", _("An unverified address receives, but cannot send."))
    count = sum(sender.may_reply for sender in senders)
    if count == 0 and address.controlled_by_permission_set:
        return Check(
            _("Nobody can send"), "todo", _("No member of a permission set that grants it may reply to cases.")
        )
    if count == 0:
        return Check(_("Nobody can send"), "todo", _("No active user has the permission to reply to cases."))
    words = ngettext("%(count)s person can send", "%(count)s people can send", count) % {"count": count}
    because = _("through permission sets") if address.controlled_by_permission_set else _("every rep: not controlled")
    return Check(words, "ok", because)
