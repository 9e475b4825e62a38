"""Whether this process may serve: the web server and the SMTP listener ask before they accept the first mail.

A missing secret would let anybody post mail, a known one too. Each fault is one sentence that names its variable.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from e2c_project import env

__all__ = ["faults", "refuse_unsafe_start"]

# Secrets outside the providers' own, by variable.
OTHER_SECRETS = ("SECRET_KEY", "E2C_SECRET_KEY_FALLBACKS", "E2C_THREAD_KEYS", "E2C_FIELD_KEYS", "E2C_WEBHOOK_SECRET")
MUST_BE_SET_IN_PRODUCTION = ("E2C_ALLOWED_HOSTS", "E2C_INBOUND_DOMAIN", "E2C_PUBLIC_URL", "E2C_SYSTEM_FROM")
DEMO_DOMAIN = "demo.example"


def refuse_unsafe_start() -> None:
    """Return when this process may serve; otherwise one sentence per fault on stderr and exit code 1."""
    found = faults()
    if not found:
        return
    for sentence in found:
        sys.stderr.write(f"Not started: {sentence}\n")
    sys.stderr.flush()
    raise SystemExit(1)


def faults() -> list[str]:
    """Why this process may not serve; empty when it may. The database is asked only when the settings are right."""
    found = list(_webhook_faults())
    found += _hook_faults()
    if settings.E2C_MODE == "production":
        found += _production_faults()
        if not found:
            found += _stored_faults()
    return found


def _webhook_faults() -> Iterator[str]:
    secret: str = settings.E2C_WEBHOOK_SECRET
    name, _colon, password = secret.partition(":")
    if not secret:
        yield "E2C_WEBHOOK_SECRET is not set: anybody could post mail. Set it to user:password."
    elif not name.strip() or not password.strip():
        yield "E2C_WEBHOOK_SECRET needs a user and a password, in the form user:password."
    for provider, variable in settings.E2C_MISSING_CREDENTIALS:
        yield f"{variable} is not set, and E2C_PROVIDERS lists {provider}, which needs it."


def _hook_faults() -> Iterator[str]:
    if not settings.E2C_HOOKS:
        return
    if not apps.ready:
        django.setup()
    # It imports models, which needs the apps to be ready.
    from cases.hooks import load_hook

    for path in settings.E2C_HOOKS:
        try:
            load_hook(path)
        except ImproperlyConfigured as error:
            yield str(error)


def _production_faults() -> Iterator[str]:
    if not _secret_key():
        yield "SECRET_KEY is not set: sessions and links cannot be signed."
    if settings.DEBUG:
        yield "E2C_DEBUG is on: error pages would show mail and settings to strangers."
    yield from _demo_value_faults()
    if any(host == "*" for host in settings.ALLOWED_HOSTS):
        yield "E2C_ALLOWED_HOSTS holds *: name the hosts that this site answers to."
    for variable in MUST_BE_SET_IN_PRODUCTION:
        if not env.text(variable):
            yield f"{variable} is not set: its default is for one machine only."
    if env.text("E2C_PUBLIC_URL") and urlsplit(settings.E2C_PUBLIC_URL).scheme != "https":
        yield "E2C_PUBLIC_URL must begin with https://: links in mail carry signed tokens."
    for variable in ("E2C_INBOUND_DOMAIN", "E2C_SYSTEM_FROM"):
        if env.text(variable).rstrip(">").lower().endswith(DEMO_DOMAIN):
            yield f"{variable} is the demonstration's: no mail can reach {DEMO_DOMAIN}."


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django raises when an empty one is read
        return ""


def _demo_value_faults() -> Iterator[str]:
    """Values copied from a demo instance: they are known, or were made on a machine that is not this one."""
    variables = dict.fromkeys([*OTHER_SECRETS, *settings.E2C_PROVIDER_CREDENTIALS])
    for variable in variables:
        value = env.text(variable).lower()
        if value.startswith("demo") or "demo-" in value:
            yield f"{variable} holds a value of the demonstration: make a new one."


def _stored_faults() -> Iterator[str]:
    """What the database holds that must not meet these settings."""
    if not apps.ready:
        django.setup()
    # Models can be imported once the apps are ready, and not before.
    from cases.demo import active_demo_users
    from routing.models import Connection

    try:
        names = active_demo_users()
        needs_keys = not settings.E2C_FIELD_KEYS and Connection.objects.exists()
    except DatabaseError as error:
        # The database may be away or not migrated yet. Serving goes on: mail is answered with 503 until it is back.
        kind = type(error).__name__
        sys.stderr.write(
            f"Warning: demo users and connections were not looked for, the database does not answer ({kind}).\n"
        )
        return
    finally:
        connections.close_all()  # a server that forks after this must not share the connection
    if needs_keys:
        yield "E2C_FIELD_KEYS is not set, and there are connections whose secrets it encrypts."
    for name in names:
        yield f"the user {name!r} still has the demonstration's password: change it or switch the user off."
