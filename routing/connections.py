"""Django mail connections for both applications. Nothing else opens a way out for mail."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from routing import email_url
from routing.email_url import EmailService, esp_service, parse_email_url
from routing.models import Connection, RoutingAddress
from routing.oauth import fresh_access_token, mail_server_of

__all__ = ["connection_for", "note_state", "open_service", "refusal_of_connection", "system_connection"]

SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
XOAUTH2_BACKEND = "routing.xoauth2.XOAuth2Backend"
USUAL_PORTS = {Connection.Security.STARTTLS: 587, Connection.Security.TLS: 465, Connection.Security.NONE: 25}


def system_connection() -> BaseEmailBackend:
    """A new, closed connection to the service of E2C_EMAIL_URL. Errors of the service are raised, never swallowed."""
    return _backend(parse_email_url(settings.E2C_EMAIL_URL, api_url=settings.E2C_ESP_API_URL))


def connection_for(address: RoutingAddress | None) -> BaseEmailBackend:
    """A new, closed connection to the service that mail from this address leaves through; None: notices.

    Raises CannotUnseal and CannotSeal when its secrets cannot be read. Whether the address may use it at all is
    `refusal_of_connection`'s answer.
    """
    if address is None or address.connection is None:
        return system_connection()
    return open_service(address.connection)


def refusal_of_connection(address: RoutingAddress) -> str:
    """Why the connection of this address must not be used for it, by what is stored now; "" when it may."""
    connection = Connection.objects.filter(routing_addresses=address.pk).first()
    return connection.refusal_for(address.email_address) if connection is not None else ""


def note_state(connection: Connection, state: Connection.State, words: str) -> None:
    """What a test or a mail found out. That an account must be connected again only connecting it ends."""
    Connection.objects.filter(pk=connection.pk).exclude(state=Connection.State.NEEDS_CONNECTING).update(
        state=state, state_detail=words[:500], state_at=timezone.now()
    )


@sensitive_variables()
def open_service(connection: Connection) -> BaseEmailBackend:
    """A new, closed connection to this service."""
    if connection.kind == Connection.Kind.ANYMAIL:
        secrets = connection.secrets()
        keys = (secrets.api_key, secrets.second_key)
        return _backend(esp_service(connection.esp, keys, api_url=connection.api_url))
    if connection.uses_oauth:
        host, port = mail_server_of(connection)
        key = connection.pk
        return _backend(
            EmailService(
                XOAUTH2_BACKEND,
                _smtp_options(connection, host, port)
                | {
                    "username": connection.username or connection.account,
                    "token_source": lambda rejected: fresh_access_token(key, rejected=rejected),
                },
            )
        )
    port = connection.port or USUAL_PORTS[Connection.Security(connection.security)]
    login = {"username": connection.username, "password": connection.secrets().password}
    return _backend(EmailService(SMTP_BACKEND, _smtp_options(connection, connection.host, port) | login))


def _smtp_options(connection: Connection, host: str, port: int) -> dict[str, Any]:
    return {
        "host": host,
        "port": port,
        "use_tls": connection.security == Connection.Security.STARTTLS,
        "use_ssl": connection.security == Connection.Security.TLS,
        "timeout": email_url.SMTP_TIMEOUT,
    }


def _backend(service: EmailService) -> BaseEmailBackend:
    backend: BaseEmailBackend = get_connection(service.backend, fail_silently=False, **service.options)
    return backend
