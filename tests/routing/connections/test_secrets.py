"""Secrets of connections: encrypted, replaceable, shown nowhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection as database

from routing.connection_changes import save_connection
from routing.models import AuditEvent, Connection
from routing.sealing import CannotSeal, CannotUnseal, seal, unseal
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
SECRET = "correct-horse-battery"


def saved(**fields: Any) -> Connection:
    connection: Connection = ConnectionFactory.build(**fields)
    connection.full_clean()
    save_connection(connection, by=None, secrets={"password": SECRET})
    return Connection.objects.get(pk=connection.pk)


def test_database_holds_no_secret_in_clear() -> None:
    saved()

    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM routing_connection")
        assert SECRET not in repr(cursor.fetchall())
    assert Connection.objects.get().secrets().password == SECRET


def test_secrets_are_in_no_repr_and_no_audit_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = saved()

    save_connection(connection, by=None, secrets={"password": SECRET + "2"})

    shown = repr(connection) + repr(connection.secrets()) + str(connection) + caplog.text
    shown += repr(list(AuditEvent.objects.values_list("target", "detail")))
    assert SECRET not in shown
    assert connection.sealed_secrets not in shown
    assert repr(connection.secrets()) == "Secrets(password)"
    assert AuditEvent.objects.first().detail["secrets_replaced"] == ["password"]  # type: ignore[union-attr]


def test_empty_field_keeps_the_secret() -> None:
    connection = saved()

    save_connection(connection, by=None, secrets={"password": ""})

    assert Connection.objects.get().secrets().password == SECRET


@pytest.mark.parametrize(
    "change", [{"host": "smtp.evil.example"}, {"security": "tls"}, {"port": 2525}, {"kind": "gmail"}]
)
def test_secret_never_goes_to_another_server(change: dict[str, Any]) -> None:
    connection = saved()
    for name, value in change.items():
        setattr(connection, name, value)

    assert save_connection(connection, by=None)

    assert Connection.objects.get().sealed_secrets == ""
    assert AuditEvent.objects.latest("pk").detail["secrets_dropped"] is True


def test_another_name_keeps_the_secret_and_the_state_is_unknown() -> None:
    connection = saved()
    Connection.objects.update(state="works", state_detail="fine")
    connection.name = "Sales"

    assert not save_connection(connection, by=None)

    stored = Connection.objects.get()
    assert (stored.secrets().password, stored.state) == (SECRET, "untested")


def test_page_that_was_open_longer_does_not_undo_a_refresh() -> None:
    page = saved(gmail=True, host="", security="starttls")
    worker = Connection.objects.get()
    worker.put_secrets(refresh_token="newer")
    worker.save()
    page.name = "Renamed"

    save_connection(page, by=None)

    assert Connection.objects.get().secrets().refresh_token == "newer"


def test_keys_rotate(settings: Any) -> None:
    former = settings.E2C_FIELD_KEYS[0]
    saved()
    settings.E2C_FIELD_KEYS = [Fernet.generate_key().decode(), former]
    assert Connection.objects.get().secrets().password == SECRET

    call_command("rotate_field_keys")

    settings.E2C_FIELD_KEYS = settings.E2C_FIELD_KEYS[:1]
    assert Connection.objects.get().secrets().password == SECRET


def test_rotation_names_what_no_key_opens(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    connection = saved()
    settings.E2C_FIELD_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(SystemExit) as stop:
        call_command("rotate_field_keys")

    assert stop.value.code == 1
    assert connection.name in capsys.readouterr().err


def test_secrets_of_a_lost_key_can_be_entered_again(settings: Any) -> None:
    connection = saved()
    settings.E2C_FIELD_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CannotUnseal):
        connection.secrets()

    save_connection(connection, by=None, secrets={"password": "new"})

    assert Connection.objects.get().secrets().password == "new"


def test_without_a_key_nothing_is_kept(settings: Any) -> None:
    settings.E2C_FIELD_KEYS = []

    with pytest.raises(CannotSeal):
        seal({"password": SECRET})
    assert unseal("") == {}
