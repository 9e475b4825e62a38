"""Django mail connections for both applications. Nothing else opens a way out for mail."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from routing.email_url import parse_email_url


def system_connection() -> BaseEmailBackend:
    """A new, closed connection to the service of E2C_EMAIL_URL. Errors of the service are raised, never swallowed."""
    service = parse_email_url(settings.E2C_EMAIL_URL, api_url=settings.E2C_ESP_API_URL)
    connection: BaseEmailBackend = get_connection(service.backend, fail_silently=False, **service.options)
    return connection
