"""What the page of a connection says above its form: whether it works, who uses it, how to get what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from routing.models import Connection, RoutingAddress

COLOURS = {
    Connection.State.WORKS: "ok",
    Connection.State.UNTESTED: "quiet",
    Connection.State.BROKEN: "todo",
    Connection.State.NEEDS_CONNECTING: "todo",
}


@dataclass(frozen=True, slots=True)
class Guide:
    title: str
    steps: list[str]


@dataclass(frozen=True, slots=True)
class ConnectionState:
    colour: str  # ok, todo or quiet
    addresses: list[RoutingAddress]
    return_url: str = ""
    guide: Guide | None = None
    warnings: list[str] = field(default_factory=list)


def return_url() -> str:
    """Where the provider leads the browser back to; it has to be registered there, to the letter."""
    return str(settings.E2C_PUBLIC_URL + reverse("admin:routing_connection_connected"))


def state_of(connection: Connection) -> ConnectionState:
    addresses = list(connection.routing_addresses.not_deleted())
    warnings = []
    if not addresses:
        warnings.append(
            _("No routing address uses it yet. Choose it on the page of %(account)s.")
            % {"account": connection.account}
        )
    if connection.security == Connection.Security.NONE and connection.kind == Connection.Kind.SMTP:
        warnings.append(_("Mail and password go to the server unencrypted: only for this machine."))
    return ConnectionState(
        colour=COLOURS[Connection.State(connection.state)],
        addresses=addresses,
        return_url=return_url() if connection.uses_oauth else "",
        guide=_guide(connection),
        warnings=warnings,
    )


def _guide(connection: Connection) -> Guide | None:
    """Steps in words, as the providers' own pages call them."""
    if connection.kind == Connection.Kind.GMAIL:
        return Guide(
            _("Where the client id comes from: Google Cloud console"),
            [
                _("Open console.cloud.google.com, choose or make a project, and switch on the Gmail API."),
                _("Google Auth platform: set the audience to Internal (Google Workspace), or publish the app."),
                _("Data access: add the scope https://mail.google.com/."),
                _("Clients: create a client of the type Web application with the redirect URI above."),
                _("Copy client id and client secret into this page, save, and press Connect."),
                _("Sign in there as %(account)s and allow the access.") % {"account": connection.account},
            ],
        )
    if connection.kind == Connection.Kind.MICROSOFT365:
        return Guide(
            _("Where the client id comes from: Microsoft Entra admin center"),
            [
                _("Open entra.microsoft.com, App registrations, New registration: Web, redirect URI as above."),
                _("API permissions: add the delegated permission SMTP.Send of Office 365 Exchange Online."),
                _("Certificates & secrets: make a client secret and copy its value, which is shown once."),
                _("Copy application (client) id, directory (tenant) id and the secret into this page, and save."),
                _("Microsoft 365 admin center, the mailbox, Mail, Manage email apps: allow Authenticated SMTP."),
                _("Press Connect and sign in as %(account)s, or as a member who may send as it.")
                % {"account": connection.account},
            ],
        )
    return None
