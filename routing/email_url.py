"""Read E2C_EMAIL_URL: where mail leaves. Pure.

    file:                                          one .eml per mail in the data folder's outbox
    memory:                                        kept in this process (django.core.mail.outbox), for tests
    smtp://user:password@host:587?tls=1            SMTP, with STARTTLS when tls=1
    smtps://user:password@host:465                 SMTP over TLS
    anymail+postmark://KEY@                        a provider's API; anymail+mailjet://KEY:SECRET@ where it needs two
    anymail+mailgun://KEY@?sender_domain=mg.example.com   further options of that Anymail backend

Percent-encode what a URL cannot hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SMTP_TIMEOUT = 30  # seconds

# What Anymail calls the credential of each provider: (for KEY, for SECRET). Source: anymail/backends/*.py.
ESP_CREDENTIALS: dict[str, tuple[str, ...]] = {
    "amazon_ses": (),
    "brevo": ("api_key",),
    "mailersend": ("api_token",),
    "mailgun": ("api_key",),
    "mailjet": ("api_key", "secret_key"),
    "mailtrap": ("api_token",),
    "mandrill": ("api_key",),
    "postal": ("api_key",),
    "postmark": ("server_token",),
    "resend": ("api_key",),
    "sendgrid": ("api_key",),
    "sparkpost": ("api_key",),
}


IDEMPOTENT_BACKENDS = {
    "brevo": "routing.idempotent_backends.BrevoBackend",
    "resend": "routing.idempotent_backends.ResendBackend",
}
# https://docs.aws.amazon.com/general/latest/gr/ses.html: email.<region>.amazonaws.com
_AMAZON_REGION = re.compile(r"//email(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com", re.IGNORECASE)


class BadEmailUrl(ValueError):
    """E2C_EMAIL_URL cannot be used. The message names the variable and never repeats a password."""


@dataclass(frozen=True, slots=True)
class EmailService:
    """A Django mail backend and the options it is made with. Options may hold secrets: not in the repr."""

    backend: str
    options: dict[str, Any] = field(default_factory=dict, repr=False)


def parse_email_url(url: str, *, api_url: str = "") -> EmailService:
    """The backend of a URL. `api_url` (E2C_ESP_API_URL) sends a provider's API calls elsewhere. Raises BadEmailUrl."""
    name, mark, rest = url.partition("://")
    try:
        parts = urlsplit(
            name.replace("_", "-") + mark + rest
        )  # a scheme holds no underscore (RFC 3986), amazon_ses does
        port = parts.port
    except ValueError as error:
        raise BadEmailUrl("E2C_EMAIL_URL is not a URL.") from error
    scheme = parts.scheme.lower()
    query = dict(parse_qsl(parts.query))
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if scheme == "file":
        return EmailService("routing.email_backends.FileBackend")
    if scheme == "memory":
        return EmailService("django.core.mail.backends.locmem.EmailBackend")
    if scheme in ("smtp", "smtps"):
        if not parts.hostname:
            raise BadEmailUrl("E2C_EMAIL_URL names no host; write smtp://user:password@host:587?tls=1.")
        is_tls_from_start = scheme == "smtps"
        return EmailService(
            "django.core.mail.backends.smtp.EmailBackend",
            {
                "host": parts.hostname,
                "port": port or (465 if is_tls_from_start else 587 if _is_true(query.get("tls")) else 25),
                "username": user,
                "password": password,
                "use_ssl": is_tls_from_start,
                "use_tls": not is_tls_from_start and _is_true(query.get("tls")),
                "timeout": SMTP_TIMEOUT,
            },
        )
    if scheme.startswith("anymail+"):
        return _parse_esp(scheme.removeprefix("anymail+").replace("-", "_"), user, password, query, api_url)
    raise BadEmailUrl("E2C_EMAIL_URL must start with file:, smtp://, smtps:// or anymail+<provider>://KEY@.")


def _parse_esp(esp: str, user: str, password: str, query: dict[str, str], api_url: str) -> EmailService:
    esp = {"ses": "amazon_ses", "sendinblue": "brevo"}.get(esp, esp)
    names = ESP_CREDENTIALS.get(esp)
    if names is None:
        raise BadEmailUrl(f"E2C_EMAIL_URL names the provider {esp!r}; known are {', '.join(sorted(ESP_CREDENTIALS))}.")
    for name, value in zip(names, (user, password), strict=False):
        if not value:
            raise BadEmailUrl(f"E2C_EMAIL_URL holds no {name} for {esp}; write anymail+{esp}://KEY@.")
    if esp == "postal" and not api_url and "api_url" not in query:
        raise BadEmailUrl("E2C_EMAIL_URL: Postal runs on a server of your own; set E2C_ESP_API_URL to it.")
    return esp_service(esp, (user, password), api_url=api_url, further=query)


def esp_service(
    esp: str, keys: tuple[str, str], *, api_url: str = "", further: Mapping[str, str] | None = None
) -> EmailService:
    """The backend of a provider's API. `keys` are what ESP_CREDENTIALS names, in its order; Amazon's access key and
    secret may be left empty: then the machine's own are used.
    """
    options: dict[str, Any] = dict(further or {})
    options |= zip(ESP_CREDENTIALS[esp], keys, strict=False)
    if esp == "amazon_ses":
        options["client_params"] = _amazon_client(keys, api_url)
    elif api_url:
        options["api_url"] = api_url
    return EmailService(IDEMPOTENT_BACKENDS.get(esp, f"anymail.backends.{esp}.EmailBackend"), options)


def _amazon_client(keys: tuple[str, str], api_url: str) -> dict[str, Any]:
    # botocore repeats a call whose answer it did not get: that mail would be sent twice.
    client: dict[str, Any] = {"config": {"retries": {"total_max_attempts": 1}}}
    if api_url:
        client["endpoint_url"] = api_url
        if region := _AMAZON_REGION.search(api_url):
            client["region_name"] = region[1]
    if all(keys):
        client |= {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1]}
    return client


def _is_true(word: str | None) -> bool:
    return (word or "").lower() in {"1", "true", "yes", "on"}
