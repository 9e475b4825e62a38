"""Save a connection: the one way pages, commands and imports write its settings and its secrets."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from routing import audit
from routing.models import Connection
from routing.sealing import CannotUnseal, reseal

__all__ = ["reseal_all", "save_connection"]

# Whoever may point a connection at another server must not get its secrets that way: they have to be entered again.
WHERE_SECRETS_GO = ("kind", "host", "port", "security", "esp", "api_url", "tenant")
WHOSE_TOKENS = ("account", "client_id")
# What the page does not edit: kept as it is in the database, where a worker may have written it meanwhile.
OF_WORKERS = ("sealed_secrets", "access_token_expires_at", "refresh_claim", "refresh_until", "created_at")


@sensitive_variables("secrets")
@transaction.atomic
def save_connection(connection: Connection, *, by: User | None, secrets: Mapping[str, str] | None = None) -> bool:
    """Save a validated connection. `secrets` replaces those it names; empty ones keep their value.

    Returns whether stored secrets were dropped because they would have gone somewhere else. Raises CannotSeal.
    """
    stored = Connection.objects.select_for_update().filter(pk=connection.pk).first() if connection.pk else None
    new = {name: value for name, value in (secrets or {}).items() if value}
    dropped = False
    if stored is not None:
        for name in OF_WORKERS:
            setattr(connection, name, getattr(stored, name))
        if stored.sealed_secrets and _differ(stored, connection, WHERE_SECRETS_GO):
            connection.drop_secrets()
            dropped = True
        elif stored.is_connected and _differ(stored, connection, WHOSE_TOKENS):
            connection.put_secrets(refresh_token="", access_token="")
            connection.access_token_expires_at = None
            dropped = True
    if new:
        _put(connection, new)
    before = audit.snapshot(stored) if stored else {}
    changed = audit.changes(before, audit.snapshot(connection))
    if changed or new or dropped:
        connection.state, connection.state_detail, connection.state_at = Connection.State.UNTESTED, "", None
        # A refresh that is under way has the former login: its result is not written.
        connection.refresh_claim, connection.refresh_until = "", None
    connection.save()
    if changed or new or dropped:
        what = "connection-changed" if stored else "connection-created"
        audit.record(what, connection, by=by, changes=changed, secrets_replaced=sorted(new), secrets_dropped=dropped)
    return dropped


def _differ(one: Connection, other: Connection, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


@sensitive_variables("secrets")
def _put(connection: Connection, secrets: Mapping[str, str]) -> None:
    try:
        connection.put_secrets(**secrets)
    except CannotUnseal:
        # The key of the old ones is gone: what is entered now is all there is.
        connection.drop_secrets()
        connection.put_secrets(**secrets)


def reseal_all() -> tuple[int, list[Connection]]:
    """Encrypt every connection's secrets with the first key. Returns (how many, those that no key opens)."""
    done, lost = 0, []
    for key in Connection.objects.exclude(sealed_secrets="").values_list("pk", flat=True):
        with transaction.atomic():
            connection = Connection.objects.select_for_update().get(pk=key)
            try:
                connection.sealed_secrets = reseal(connection.sealed_secrets)
            except CannotUnseal:
                lost.append(connection)
                continue
            connection.save(update_fields=["sealed_secrets"])
            done += 1
    return done, lost
