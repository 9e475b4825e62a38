"""Log in at Gmail and Microsoft 365 with OAuth 2.0: the code flow with PKCE, and access tokens that are always fresh.

Sources: RFC 6749 (sections 4.1 and 6), RFC 7636 (PKCE),
https://developers.google.com/identity/protocols/oauth2/web-server and
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow

Several workers share one connection. Who finds the token too old takes the refresh for itself by one committed UPDATE,
so that no transaction is open while the provider is asked; the others wait for its result.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from routing import audit
from routing.addresses import normalise_address
from routing.models import Connection

__all__ = [
    "CannotConnect",
    "NeedsConnecting",
    "TokenNotNow",
    "authorization_url",
    "finish_connecting",
    "fresh_access_token",
    "mail_server_of",
    "new_verifier",
]

logger = logging.getLogger(__name__)

TIMEOUT = 10  # seconds, for one call of the token endpoint
SKEW = timedelta(minutes=2)  # a token that ends sooner could end during the dialogue
REFRESH_LEASE = timedelta(seconds=30)  # longer than TIMEOUT: who still holds it then is dead
LONGEST_WAIT = 15  # seconds for the result of another worker
LOOK_AGAIN = 0.1  # seconds
# RFC 6749 section 5.2. Only these say that the grant itself is over; the rest may pass, or is a wrong client secret.
GRANT_IS_OVER = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})


class NeedsConnecting(RuntimeError):
    """The provider does not know our permission any more: a person has to connect the account again."""


class TokenNotNow(RuntimeError):
    """No access token could be had; it may be possible later. The message says why, without secrets."""


class CannotConnect(RuntimeError):
    """The account was not connected; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider asks its user, gives tokens and takes mail."""

    authorize: str
    token: str
    smtp_host: str
    smtp_port: int
    scopes: str
    further: Mapping[str, str]


def endpoints_of(connection: Connection) -> Endpoints:
    """E2C_OAUTH_URL puts another server in the place of both providers, for tests and for a proxy."""
    base = settings.E2C_OAUTH_URL
    if connection.kind == Connection.Kind.GMAIL:
        return Endpoints(
            authorize=f"{base}/gmail/authorize" if base else "https://accounts.google.com/o/oauth2/v2/auth",
            token=f"{base}/gmail/token" if base else "https://oauth2.googleapis.com/token",
            smtp_host="smtp.gmail.com",
            smtp_port=587,
            scopes="openid email https://mail.google.com/",
            # Google gives a refresh token only with these two, and only when the person is asked.
            further={"access_type": "offline", "prompt": "consent"},
        )
    tenant = quote(connection.tenant or "organizations", safe="")
    root = f"{base}/microsoft365" if base else f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
    return Endpoints(
        authorize=f"{root}/authorize",
        token=f"{root}/token",
        smtp_host="smtp.office365.com",
        smtp_port=587,
        scopes="openid email offline_access https://outlook.office.com/SMTP.Send",
        further={"prompt": "select_account"},
    )


def mail_server_of(connection: Connection) -> tuple[str, int]:
    endpoints = endpoints_of(connection)
    return connection.host or endpoints.smtp_host, connection.port or endpoints.smtp_port


# --- connecting ------------------------------------------------------------------------------------------------------


def new_verifier() -> str:
    """RFC 7636 section 4.1."""
    return secrets.token_urlsafe(48)


def authorization_url(connection: Connection, *, redirect_uri: str, state: str, verifier: str) -> str:
    """The provider's page on which the owner of the account allows us to send."""
    endpoints = endpoints_of(connection)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": connection.client_id,
        "redirect_uri": redirect_uri,
        "scope": endpoints.scopes,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": connection.account,
        **endpoints.further,
    }
    return f"{endpoints.authorize}?{urlencode(query)}"


@sensitive_variables()
def finish_connecting(connection: Connection, *, code: str, verifier: str, redirect_uri: str, by: Any) -> str:
    """Exchange the code for tokens and keep them. Returns who gave the permission. Raises CannotConnect."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    try:
        answer = _ask_for_token(connection, form)
    except (NeedsConnecting, TokenNotNow) as error:
        raise CannotConnect(str(error)) from error
    if not answer.get("refresh_token"):
        raise CannotConnect(
            _(
                "The provider gave no permission that lasts. "
                "Take the access of this application away there, and connect again."
            )
        )
    person = _person_of(answer)
    # Google sends mail as the account that the token is of. At Microsoft a member may send as a shared mailbox.
    if connection.kind == Connection.Kind.GMAIL and person and person != connection.account:
        raise CannotConnect(
            _("You connected %(person)s, but this connection sends as %(account)s. Sign in there as that account.")
            % {"person": person, "account": connection.account}
        )
    with transaction.atomic():
        stored = Connection.objects.select_for_update().get(pk=connection.pk)
        _put_tokens(stored, answer)
        stored.state, stored.state_detail = Connection.State.UNTESTED, _("Connected. Not tested since.")
        stored.refresh_claim, stored.refresh_until = "", None
        stored.save()
        audit.record("connection-connected", stored, by=by, person=person)
    return person or connection.account


def _person_of(answer: Mapping[str, Any]) -> str:
    """The address in the id token, "" when there is none. It came from the provider itself over TLS, which OpenID
    Connect Core 3.1.3.7 takes in the place of its signature.
    """
    try:
        body = str(answer.get("id_token", "")).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return normalise_address(str(claims.get("email") or claims.get("preferred_username") or "")) or ""
    except (IndexError, ValueError, AttributeError):
        return ""


# --- tokens ----------------------------------------------------------------------------------------------------------


@sensitive_variables()
def fresh_access_token(key: int, *, rejected: str = "") -> str:
    """An access token that holds for the next minutes; `rejected`: one that the mail server did not take.

    Must not be called inside a transaction. Raises NeedsConnecting and TokenNotNow.
    """
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        connection = Connection.objects.get(pk=key)
        if connection.state == Connection.State.NEEDS_CONNECTING:
            raise NeedsConnecting(connection.state_detail)
        stored = connection.secrets()
        if _is_fresh(connection) and stored.access_token and stored.access_token != rejected:
            return stored.access_token
        if not stored.refresh_token:
            raise NeedsConnecting(_mark_disconnected(connection, _("The account was never connected."), claim=""))
        if claim := _claim_refresh(connection):
            return _refresh(connection, stored.refresh_token, claim)
        if time.monotonic() > give_up:
            raise TokenNotNow(_("Another worker is still asking for an access token."))
        time.sleep(LOOK_AGAIN)


def _is_fresh(connection: Connection) -> bool:
    ends = connection.access_token_expires_at
    return ends is not None and ends > timezone.now() + SKEW


def _claim_refresh(connection: Connection) -> str:
    """Take the refresh for this process; "" when another one has it, or has just finished it."""
    now, claim = timezone.now(), secrets.token_hex(16)
    free = Connection.objects.filter(
        Q(refresh_until__isnull=True) | Q(refresh_until__lt=now),
        pk=connection.pk,
        sealed_secrets=connection.sealed_secrets,
    )
    return claim if free.update(refresh_claim=claim, refresh_until=now + REFRESH_LEASE) else ""


@sensitive_variables()
def _refresh(connection: Connection, refresh_token: str, claim: str) -> str:
    try:
        answer = _ask_for_token(connection, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    except NeedsConnecting as error:
        raise NeedsConnecting(_mark_disconnected(connection, str(error), claim=claim)) from error
    except BaseException:
        Connection.objects.filter(pk=connection.pk, refresh_claim=claim).update(refresh_claim="", refresh_until=None)
        raise
    with transaction.atomic():
        stored = Connection.objects.select_for_update().get(pk=connection.pk)
        if stored.refresh_claim == claim:  # else it was connected again meanwhile: those tokens are newer
            _put_tokens(stored, answer)
            stored.refresh_claim, stored.refresh_until = "", None
            stored.save()
    return str(answer["access_token"])


def _mark_disconnected(connection: Connection, why: str, *, claim: str) -> str:
    """The state that a person has to end. Returns the sentence for whoever asked."""
    words = _("“%(name)s” needs to be connected again: %(why)s") % {"name": connection.name, "why": why}
    with transaction.atomic():
        stored = Connection.objects.select_for_update().get(pk=connection.pk)
        if stored.refresh_claim == claim and stored.state != Connection.State.NEEDS_CONNECTING:
            stored.put_secrets(refresh_token="", access_token="")
            stored.access_token_expires_at = None
            stored.state, stored.state_detail = Connection.State.NEEDS_CONNECTING, words[:500]
            stored.state_at = timezone.now()
            stored.refresh_claim, stored.refresh_until = "", None
            stored.save()
            audit.record("connection-lost", stored, by=None, why=why[:500])
    return words


def _put_tokens(connection: Connection, answer: Mapping[str, Any]) -> None:
    """Providers that give no new refresh token mean that the old one goes on (RFC 6749 section 6)."""
    changes = {"access_token": str(answer["access_token"])}
    if answer.get("refresh_token"):
        changes["refresh_token"] = str(answer["refresh_token"])
    connection.put_secrets(**changes)
    connection.access_token_expires_at = timezone.now() + timedelta(seconds=_seconds(answer.get("expires_in")))


def _seconds(value: Any) -> int:
    try:
        return min(max(int(value), 0), 86_400)
    except (TypeError, ValueError):
        return 300  # RFC 6749 section 5.1: expires_in may be missing


@sensitive_variables()
def _ask_for_token(connection: Connection, form: Mapping[str, str]) -> dict[str, Any]:
    """One call of the token endpoint, never repeated. Raises NeedsConnecting and TokenNotNow."""
    login = {"client_id": connection.client_id}
    if client_secret := connection.secrets().client_secret:
        login["client_secret"] = client_secret
    try:
        response = requests.post(
            endpoints_of(connection).token, data={**form, **login}, timeout=TIMEOUT, allow_redirects=False
        )
        answer = response.json()
    except requests.JSONDecodeError as error:
        raise TokenNotNow(_("The provider's token service gave an answer that is none.")) from error
    except requests.RequestException as error:
        # The error's own text may repeat what was sent.
        kind = type(error).__name__
        raise TokenNotNow(_("The provider's token service cannot be reached (%(kind)s).") % {"kind": kind}) from None
    if response.status_code == 200 and isinstance(answer, dict) and answer.get("access_token"):
        return answer
    raise _refusal(answer if isinstance(answer, dict) else {}, response.status_code)


def _refusal(answer: Mapping[str, Any], status: int) -> NeedsConnecting | TokenNotNow:
    code = str(answer.get("error", ""))[:60]
    words = " ".join(str(answer.get("error_description", "")).split())[:300]
    if code in GRANT_IS_OVER:
        return NeedsConnecting(_("the provider says %(code)s (%(words)s).") % {"code": code, "words": words})
    if code in ("invalid_client", "unauthorized_client"):
        text = _("The provider does not know the client id or its secret (%(code)s: %(words)s). Correct them.")
        return TokenNotNow(text % {"code": code, "words": words})
    text = _("The provider's token service answers %(status)s %(code)s. %(words)s")
    return TokenNotNow((text % {"status": status, "code": code, "words": words}).strip())
