"""The test of a connection: it logs in as a mail would, says what failed and what to do, and sends nothing."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing.connection_trial import try_connection, try_system_service
from routing.connections import open_service
from routing.models import AuditEvent, Connection
from tests.factories import ConnectionFactory, UserFactory
from tests.fake_oauth import FakeOAuth
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.tls import make_certificate

pytestmark = pytest.mark.django_db
SECRET = "correct-horse-battery"


def connection_to(port: int, **fields: Any) -> Connection:
    connection: Connection = ConnectionFactory.build(port=port, **{"username": "rep", **fields})
    connection.put_secrets(password=SECRET)
    connection.save()
    return connection


def test_login_that_works_is_kept_with_its_time(smtp: FakeSmtpServer) -> None:
    smtp.passwords["rep"] = SECRET
    connection = connection_to(smtp.port)
    admin = UserFactory()

    result = try_connection(connection, by=admin)

    assert (result.works, str(result)) == (True, "The server answers and accepts the login.")
    assert (connection.state, connection.state_detail) == ("works", str(result))
    assert connection.state_at is not None
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.detail["works"]) == (admin, "connection-tested", True)
    assert smtp.ledger == []


def test_wrong_password_is_told_without_the_password(smtp: FakeSmtpServer) -> None:
    smtp.passwords["rep"] = "another"
    connection = connection_to(smtp.port)

    result = try_connection(connection, by=None)

    assert not result.works
    assert "does not accept the login: 535" in result.words
    assert "app password" in result.advice
    assert SECRET not in str(result)
    assert connection.state == "broken"


def test_server_that_is_not_there(smtp: FakeSmtpServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert "Nothing answers at 127.0.0.1 (ConnectionRefusedError)" in str(try_connection(connection_to(port), by=None))


def test_host_that_does_not_exist() -> None:
    connection = connection_to(587, host="smtp.nowhere.invalid", security="starttls")

    assert str(try_connection(connection, by=None)) == "There is no server smtp.nowhere.invalid. Correct the host."


def test_server_without_starttls_gets_no_password(smtp: FakeSmtpServer) -> None:
    smtp.passwords["rep"] = SECRET

    result = try_connection(connection_to(smtp.port, security="starttls"), by=None)

    assert not result.works
    assert "STARTTLS" in result.words
    assert smtp.logins == []


def test_port_that_speaks_no_tls(smtp: FakeSmtpServer) -> None:
    result = try_connection(connection_to(smtp.port, security="tls"), by=None)

    assert "does not speak TLS from the start" in result.words
    assert "587" in result.advice


def test_password_goes_over_tls_to_a_server_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, tls = make_certificate(tmp_path)
    with fake_smtp_server(tls=tls) as smtp:
        smtp.passwords["rep"] = SECRET
        connection = connection_to(smtp.port, security="starttls")

        stranger = try_connection(connection, by=None)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = try_connection(connection, by=None)

    assert "certificate of 127.0.0.1 is not valid" in stranger.words
    assert trusted.works
    assert smtp.logins == [("rep", SECRET, True)]


def test_gmail_logs_in_with_a_token(gmail: Connection, smtp: FakeSmtpServer) -> None:
    result = try_connection(gmail, by=None)

    assert result.works
    assert [(user, token) for user, token, _tls in smtp.logins] == [(gmail.account, gmail.secrets().access_token)]


def test_revoked_gmail_account_says_to_connect(gmail: Connection, oauth: FakeOAuth) -> None:
    oauth.revoke()

    result = try_connection(gmail, by=None)

    assert "needs to be connected again" in result.words
    assert "Connect" in result.advice
    assert gmail.state == "disconnected"


@pytest.mark.parametrize(
    ("esp", "status", "body", "works", "words"),
    [
        ("postmark", 200, {}, True, "accepts the key"),
        ("postmark", 401, {"ErrorCode": 10}, False, "does not accept the key (401)"),
        ("resend", 401, {"name": "restricted_api_key"}, True, "accepts the key"),
        ("mailgun", 500, {}, False, "answers 500"),
        ("mandrill", 200, {"PING": "PONG!"}, True, "accepts the key"),
        ("mandrill", 500, {"name": "Invalid_Key"}, False, "does not accept the key"),
        ("postal", 404, {}, True, "shows with the first mail"),
    ],
)
@pytest.mark.parametrize("way", ["connection", "E2C_EMAIL_URL"])
def test_provider_is_asked_with_the_key(
    esp: str, status: int, body: Any, works: bool, words: str, way: str, settings: Any
) -> None:
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            calls.append((self.path, str(self.headers) + sent))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    if way == "connection":
        connection = ConnectionFactory.build(kind="anymail", esp=esp, api_url=url)
        connection.put_secrets(api_key=SECRET)
        connection.save()
        result = try_connection(connection, by=None)
    else:
        settings.E2C_EMAIL_URL, settings.E2C_ESP_API_URL = f"anymail+{esp}://{SECRET}@?sender_domain=mg.example", url
        result = try_system_service()
        assert not Connection.objects.exists()
    server.shutdown()
    server.server_close()

    assert (result.works, words in str(result)) == (works, True), result
    assert SECRET not in str(result)
    [(_path, sent)] = calls
    assert (SECRET in sent) is (esp not in ("postal", "mailgun"))  # Mailgun's stands in base64


@pytest.mark.parametrize("url", ["file:", "memory:"])
def test_mail_that_stays_on_this_machine_is_no_way_out(url: str, settings: Any) -> None:
    settings.E2C_EMAIL_URL = url

    assert not try_system_service().works


def test_the_service_of_the_url_is_logged_in_to_as_a_mail_would(smtp: FakeSmtpServer, settings: Any) -> None:
    smtp.passwords["rep"] = SECRET
    settings.E2C_EMAIL_URL = f"smtp://rep:{SECRET}@127.0.0.1:{smtp.port}"
    assert "accepts the login" in str(try_system_service())

    settings.E2C_EMAIL_URL = f"smtp://rep:wrong-word@127.0.0.1:{smtp.port}"
    refused = try_system_service()

    assert not refused.works
    assert "wrong-word" not in str(refused)
    assert smtp.ledger == []


def test_amazon_uses_the_keys_and_the_region_of_the_connection() -> None:
    connection = ConnectionFactory.build(
        kind="anymail", esp="amazon_ses", api_url="https://email.eu-west-1.amazonaws.com"
    )
    connection.put_secrets(api_key="AKIDEXAMPLE", second_key=SECRET)

    service = open_service(connection)
    service.open()

    client = service.client  # type: ignore[attr-defined]
    assert client.meta.region_name == "eu-west-1"
    assert client._get_credentials().access_key == "AKIDEXAMPLE"


def test_command_says_the_same(smtp: FakeSmtpServer) -> None:
    smtp.passwords["rep"] = SECRET
    connection_to(smtp.port, name="Sales")
    out = StringIO()

    call_command("test_connection", "Sales", stdout=out)

    assert out.getvalue() == "Sales: The server answers and accepts the login.\n"
    with pytest.raises(CommandError, match="no connection Other"):
        call_command("test_connection", "Other")


def test_command_fails_when_the_connection_does() -> None:
    connection_to(1, name="Sales")

    with pytest.raises(SystemExit) as stop:
        call_command("test_connection", "Sales", stdout=StringIO())

    assert stop.value.code == 1
