"""What an administrator does in the company's mail system: forwarding steps, one list for each system. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class ForwardingGuide:
    """Steps for one mail system, in the order in which they are done."""

    system: str
    steps: tuple[str, ...]
    # What commonly goes wrong there.
    note: str


def forwarding_guides(email_address: str, services_address: str) -> list[ForwardingGuide]:
    both = {"email": email_address, "services": services_address}
    return [
        ForwardingGuide(
            "Google Workspace",
            (
                _("In the Admin console open Apps › Google Workspace › Gmail › Routing."),
                _("Add a rule for inbound messages whose envelope recipient is %(email)s.") % both,
                _("Choose “Modify message”, then “Change envelope recipient”, and enter %(services)s.") % both,
                _("Or keep the mailbox: choose “Also deliver to” and add %(services)s there.") % both,
            ),
            _(
                "Forwarding in a user's own Gmail settings works as well; Google then mails a confirmation code, "
                "which arrives as a case."
            ),
        ),
        ForwardingGuide(
            "Microsoft 365 / Exchange",
            (
                _("In the Exchange admin center open Mail flow › Rules and add a rule."),
                _("Condition: the recipient is %(email)s.") % both,
                _("Action: redirect the message to %(services)s.") % both,
                _("In Microsoft Defender, allow automatic forwarding for this mailbox in the outbound spam policy."),
            ),
            _("Redirect, not forward: forwarding puts your mailbox in the place of the customer as the sender."),
        ),
        ForwardingGuide(
            "cPanel",
            (
                _("Open Email › Forwarders and choose “Add Forwarder”."),
                _("Address to forward: %(email)s.") % both,
                _("Forward to: %(services)s.") % both,
            ),
            _("Switch off spam filtering that rewrites subjects for this mailbox."),
        ),
        ForwardingGuide(
            "Postfix",
            (
                _("Add this line to /etc/postfix/virtual: %(email)s %(services)s") % both,
                _("Run: postmap /etc/postfix/virtual && postfix reload"),
            ),
            _("Sign forwarded mail with SRS, or receivers' SPF checks fail for your customers' domains."),
        ),
    ]
