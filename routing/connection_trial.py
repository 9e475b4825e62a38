"""Try a connection without sending anything: reach the service, log in, say what failed and what to do about it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from routing import audit
from routing.connections import note_state, open_service, system_connection
from routing.email_url import ESP_CREDENTIALS, parse_email_url
from routing.models import Connection
from routing.oauth import NeedsConnecting, TokenNotNow
from routing.sealing import CannotSeal, CannotUnseal

__all__ = ["TrialResult", "try_connection", "try_system_service"]

TIMEOUT = 15  # seconds, for one call of a provider's API

# A call of each provider's API that changes nothing and needs the key: (path below the API's address, header of the
# key). Sources: the API references of the providers. A key that may only send is refused with words of its own.
API_CALLS: dict[str, tuple[str, str]] = {
    "brevo": ("account", "api-key"),
    "mailersend": ("api-quota", "Authorization"),
    "mailgun": ("domains?limit=1", ""),
    "mailjet": ("../v3/REST/user", ""),
    "postmark": ("server", "X-Postmark-Server-Token"),
    "resend": ("domains", "Authorization"),
    "sendgrid": ("scopes", "Authorization"),
    "sparkpost": ("account", "Authorization"),
}
BEARERS = frozenset({"mailersend", "resend", "sendgrid"})
# https://resend.com/docs/api-reference/errors: the key is good, and may do nothing but send.
SENDS_ONLY = "restricted_api_key"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """`words` say what happened, `advice` what to do; both without secrets."""

    works: bool
    words: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.words} {self.advice}".strip()


def try_connection(connection: Connection, *, by: User | None) -> TrialResult:
    """Connect and log in as a mail would, and keep the result on the row. Not in a transaction: it takes its time."""
    result = _try(connection)
    state = Connection.State.WORKS if result.works else Connection.State.BROKEN
    note_state(connection, state, str(result))
    audit.record("connection-tested", connection, by=by, works=result.works, words=result.words[:300])
    connection.refresh_from_db()
    return result


@sensitive_variables()
def try_system_service() -> TrialResult:
    """The same for the service of E2C_EMAIL_URL, which has no row."""
    scheme = settings.E2C_EMAIL_URL.partition(":")[0].lower()
    if scheme in ("file", "memory"):
        words = _("E2C_EMAIL_URL is %(scheme)s: mail stays on this machine.") % {"scheme": scheme}
        return TrialResult(False, words, _("Set it to smtp://… or to your provider, anymail+<provider>://…"))
    try:
        return _try(_connection_of_url(), system_connection)
    except (
        CannotSeal
    ) as error:  # without E2C_FIELD_KEYS there is nothing to keep a provider's key in, even for a moment
        return explain(error, Connection(name="E2C_EMAIL_URL"))


@sensitive_variables()
def _connection_of_url() -> Connection:
    """E2C_EMAIL_URL as a connection that is never saved: the same words and calls fit it."""
    service = parse_email_url(settings.E2C_EMAIL_URL, api_url=settings.E2C_ESP_API_URL)
    scheme = settings.E2C_EMAIL_URL.partition(":")[0].lower()
    connection = Connection(name="E2C_EMAIL_URL", kind=Connection.Kind.SMTP, host=service.options.get("host", ""))
    if scheme.startswith("anymail+"):
        esp = scheme.removeprefix("anymail+").replace("-", "_")
        connection.kind = Connection.Kind.ANYMAIL
        connection.esp = {"ses": "amazon_ses", "sendinblue": "brevo"}.get(esp, esp)
        keys = [str(service.options.get(name, "")) for name in ESP_CREDENTIALS[connection.esp]]
        connection.put_secrets(**dict(zip(("api_key", "second_key"), keys, strict=False)))
    return connection


@sensitive_variables()
def _try(connection: Connection, opener: Callable[[], BaseEmailBackend] | None = None) -> TrialResult:
    try:
        service = opener() if opener is not None else open_service(connection)
        service.open()
    except Exception as error:  # noqa: BLE001 - each way out fails in its own way; every one of them becomes words
        return explain(error, connection)
    try:
        if isinstance(service, SmtpBackend):
            return _greet(service)
        return _ask_api(connection, service)
    except Exception as error:  # noqa: BLE001 - as above
        return explain(error, connection)
    finally:
        _close(service)


def _greet(service: SmtpBackend) -> TrialResult:
    assert service.connection is not None  # noqa: S101 - `open` raises when there is none
    code, _words = service.connection.noop()
    if code != 250:
        return TrialResult(False, _("The server answers %(code)s to a greeting.") % {"code": code})
    logged_in = bool(service.username) or hasattr(service, "account")
    if logged_in:
        return TrialResult(True, _("The server answers and accepts the login."))
    return TrialResult(True, _("The server answers. There is no user name, so no login was tried."))


@sensitive_variables()
def _ask_api(connection: Connection, service: BaseEmailBackend) -> TrialResult:
    if connection.esp == "amazon_ses":
        service.client.get_account()  # type: ignore[attr-defined]
        return TrialResult(True, _("Amazon SES answers and accepts the keys."))
    url = str(getattr(service, "api_url", ""))
    if connection.esp == "mandrill":
        answer = requests.post(f"{url}users/ping2", json={"key": connection.secrets().api_key}, timeout=TIMEOUT)
    elif connection.esp in API_CALLS:
        path, header = API_CALLS[connection.esp]
        answer = requests.get(url + path, timeout=TIMEOUT, allow_redirects=False, **_login(connection, header))
    else:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        words = _("The provider's API answers. Whether it takes the key shows with the first mail.")
        return TrialResult(answer.status_code < 500, words if answer.status_code < 500 else _status(answer))
    if answer.ok or SENDS_ONLY in answer.text[:2000]:
        return TrialResult(True, _("The provider answers and accepts the key."))
    if answer.status_code in (401, 403) or connection.esp == "mandrill":
        return TrialResult(
            False,
            _("The provider does not accept the key (%(status)s).") % {"status": answer.status_code},
            _("Make a new key at the provider, with the permission to send, and enter it here."),
        )
    return TrialResult(False, _status(answer), _("Look at the provider's status page, and at the API address."))


def _status(answer: requests.Response) -> str:
    return _("The provider answers %(status)s.") % {"status": answer.status_code}


@sensitive_variables()
def _login(connection: Connection, header: str) -> dict[str, Any]:
    secrets = connection.secrets()
    if connection.esp == "mailgun":
        return {"auth": ("api", secrets.api_key)}
    if connection.esp == "mailjet":
        return {"auth": (secrets.api_key, secrets.second_key)}
    return {"headers": {header: f"Bearer {secrets.api_key}" if connection.esp in BEARERS else secrets.api_key}}


def explain(error: Exception, connection: Connection) -> TrialResult:
    """A failure in words, with what to do."""
    where = {"host": connection.host or connection.get_kind_display()}
    if isinstance(error, (NeedsConnecting, TokenNotNow)):
        return TrialResult(False, str(error), _("Press “Connect”.") if isinstance(error, NeedsConnecting) else "")
    if isinstance(error, (CannotSeal, CannotUnseal)):
        return TrialResult(False, str(error), _("Set the former key in E2C_FIELD_KEYS, or enter the secrets again."))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _explain_login(error, connection)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        advice = _("Choose TLS from the start (port 465), or ask who runs the server.")
        if "AUTH" in str(error):
            advice = _("Choose the port for people who send (587 or 465), or leave the user name empty.")
        return TrialResult(False, _text(error), advice)
    if isinstance(error, (ssl.SSLCertVerificationError, requests.exceptions.SSLError)):
        words = _("The certificate of %(host)s is not valid for that name.") % where
        return TrialResult(False, words, _("Enter the host name that the certificate was made for."))
    if isinstance(error, ssl.SSLError):
        words = _("%(host)s does not speak TLS from the start on this port.") % where
        return TrialResult(False, words, _("Choose STARTTLS and port 587, or TLS from the start and port 465."))
    if isinstance(error, socket.gaierror):
        return TrialResult(False, _("There is no server %(host)s.") % where, _("Correct the host."))
    if isinstance(error, (TimeoutError, ConnectionError, requests.ConnectionError, requests.Timeout)):
        words = _("Nothing answers at %(host)s (%(kind)s).") % (where | {"kind": type(error).__name__})
        return TrialResult(False, words, _("Check host and port, and whether this server may connect to it."))
    return TrialResult(False, f"{type(error).__name__}: {_text(error)}")


def _explain_login(error: smtplib.SMTPAuthenticationError, connection: Connection) -> TrialResult:
    words = _("The server does not accept the login: %(code)s %(words)s") % {
        "code": error.smtp_code,
        "words": _text(error.smtp_error),
    }
    if connection.kind == Connection.Kind.MICROSOFT365:
        advice = _("Allow “Authenticated SMTP” for this mailbox in the Microsoft 365 admin center (mail apps).")
    elif connection.kind == Connection.Kind.GMAIL:
        advice = _("Connect the account again, signed in as the account itself.")
    else:
        advice = _("Check user name and password. With two-step verification most services want an app password.")
    return TrialResult(False, words, advice)


def _text(error: object) -> str:
    text = error.decode("utf-8", "replace") if isinstance(error, bytes) else str(error)
    return " ".join(text.replace("\x00", " ").split())[:300]


def _close(service: BaseEmailBackend) -> None:
    try:
        service.close()
    except (OSError, smtplib.SMTPException):
        return  # the answer is known; how the other side says goodbye changes nothing
