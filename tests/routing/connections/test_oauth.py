"""The login at Gmail and Microsoft 365 against a server of ours: code flow with PKCE, refresh, revocation, races."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection as database
from django.utils import timezone

from routing.connections import open_service
from routing.models import AuditEvent, Connection
from routing.oauth import (
    CannotConnect,
    NeedsConnecting,
    TokenNotNow,
    authorization_url,
    finish_connecting,
    fresh_access_token,
)
from tests.factories import ConnectionFactory
from tests.fake_oauth import CLIENT_SECRET, FakeOAuth
from tests.fake_smtp import FakeSmtpServer
from tests.routing.connections.conftest import ACCOUNT, RETURN, connect


def expire(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        access_token_expires_at=timezone.now() + timedelta(seconds=60)  # within the skew
    )


def refreshes(oauth: FakeOAuth) -> int:
    return sum(form["grant_type"] == "refresh_token" for form in oauth.forms)


@pytest.mark.parametrize(
    ("kind", "host", "scope"),
    [
        ("gmail", "accounts.google.com", "https://mail.google.com/"),
        ("microsoft365", "login.microsoftonline.com", "https://outlook.office.com/SMTP.Send"),
    ],
)
def test_person_is_asked_at_the_provider(kind: str, host: str, scope: str) -> None:
    connection = ConnectionFactory.build(**{kind: True}, account=ACCOUNT, tenant="company.example")

    url = urlsplit(authorization_url(connection, redirect_uri=RETURN, state="s", verifier="v" * 64))

    query = dict(parse_qsl(url.query))
    assert url.hostname == host
    assert scope in query["scope"].split()
    assert (query["state"], query["redirect_uri"], query["code_challenge_method"]) == ("s", RETURN, "S256")
    assert query["login_hint"] == ACCOUNT
    assert "v" * 64 not in url.query
    assert kind == "gmail" or url.path.startswith("/company.example/")
    assert kind == "microsoft365" or query["access_type"] == "offline"


def test_code_becomes_tokens_and_the_audit_log_says_who(gmail: Connection, oauth: FakeOAuth) -> None:
    secrets = gmail.secrets()

    assert secrets.access_token in oauth.tokens
    assert secrets.refresh_token in oauth.refresh_tokens
    assert gmail.is_connected
    event = AuditEvent.objects.get(action="connection-connected")
    assert event.detail == {"person": ACCOUNT}
    assert oauth.forms[0]["code_verifier"]


def test_code_with_another_verifier_connects_nothing(gmail: Connection, oauth: FakeOAuth) -> None:
    code = oauth.allow(authorization_url(gmail, redirect_uri=RETURN, state="s", verifier="a" * 64))
    code = code.partition("code=")[2].partition("&")[0]

    with pytest.raises(CannotConnect, match="Bad code"):
        finish_connecting(gmail, code=code, verifier="b" * 64, redirect_uri=RETURN, by=None)


def test_another_google_account_than_the_one_named_is_refused(gmail: Connection, oauth: FakeOAuth) -> None:
    oauth.person = "private@gmail.example"

    with pytest.raises(CannotConnect, match=r"You connected private@gmail\.example"):
        connect(gmail, oauth)


def test_fresh_token_is_used_again(gmail: Connection, oauth: FakeOAuth) -> None:
    assert fresh_access_token(gmail.pk) == fresh_access_token(gmail.pk)
    assert refreshes(oauth) == 0


@pytest.mark.parametrize("rotates", [False, True])
def test_token_that_ends_soon_is_refreshed_once(gmail: Connection, oauth: FakeOAuth, rotates: bool) -> None:
    oauth.rotates = rotates
    before = gmail.secrets()
    expire(gmail)

    token = fresh_access_token(gmail.pk)

    assert token != before.access_token
    assert fresh_access_token(gmail.pk) == token
    assert refreshes(oauth) == 1
    gmail.refresh_from_db()
    assert (gmail.secrets().refresh_token != before.refresh_token) is rotates


def test_mail_server_that_refuses_a_token_gets_a_new_one(
    gmail: Connection, oauth: FakeOAuth, smtp: FakeSmtpServer
) -> None:
    former = gmail.secrets().access_token
    oauth.tokens.discard(former)  # withdrawn before its time

    service = open_service(gmail)
    service.open()
    service.close()

    assert [token for _user, token, _tls in smtp.logins] == [former, gmail_token(gmail)]
    assert refreshes(oauth) == 1


def gmail_token(connection: Connection) -> str:
    connection.refresh_from_db()
    return connection.secrets().access_token


def test_revoked_permission_asks_for_a_person_and_keeps_asking_nobody(gmail: Connection, oauth: FakeOAuth) -> None:
    oauth.revoke()
    expire(gmail)

    for _ in range(2):
        with pytest.raises(NeedsConnecting, match="needs to be connected again"):
            fresh_access_token(gmail.pk)

    gmail.refresh_from_db()
    assert (gmail.state, gmail.is_connected) == ("disconnected", False)
    assert "Token has been expired or revoked" in gmail.state_detail
    assert refreshes(oauth) == 1
    assert AuditEvent.objects.filter(action="connection-lost").count() == 1


def test_connecting_again_ends_it(gmail: Connection, oauth: FakeOAuth) -> None:
    oauth.revoke()
    expire(gmail)
    with pytest.raises(NeedsConnecting):
        fresh_access_token(gmail.pk)

    connect(gmail, oauth)

    assert gmail.state == "untested"
    assert fresh_access_token(gmail.pk) in oauth.tokens


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("drop", "cannot be reached"),
        ((503, {}), "503"),
        ((401, {"error": "invalid_client", "error_description": "no such client"}), "client id or its secret"),
        ((400, {"error": "temporarily_unavailable"}), "temporarily_unavailable"),
        ((200, {}), "200"),
    ],
)
def test_trouble_of_the_token_service_passes(gmail: Connection, oauth: FakeOAuth, answer: Any, words: str) -> None:
    expire(gmail)
    oauth.answers = [answer]

    with pytest.raises(TokenNotNow, match=words) as raised:
        fresh_access_token(gmail.pk)

    assert CLIENT_SECRET not in str(raised.value)
    assert fresh_access_token(gmail.pk) in oauth.tokens
    gmail.refresh_from_db()
    assert gmail.state == "untested"


def test_refresh_of_a_dead_worker_is_taken_over(gmail: Connection, oauth: FakeOAuth) -> None:
    expire(gmail)
    Connection.objects.update(refresh_claim="dead", refresh_until=timezone.now() + timedelta(seconds=0.3))

    assert fresh_access_token(gmail.pk) in oauth.tokens


def test_account_that_was_never_connected_says_so(db: Any, oauth: FakeOAuth) -> None:
    connection = ConnectionFactory(gmail=True)

    with pytest.raises(NeedsConnecting, match="never connected"):
        fresh_access_token(connection.pk)

    assert oauth.forms == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rotates", [False, True])
def test_workers_that_find_an_old_token_refresh_it_once(gmail: Connection, oauth: FakeOAuth, rotates: bool) -> None:
    oauth.rotates = rotates
    expire(gmail)
    oauth.answers = ["slow"]
    start = threading.Barrier(4)
    tokens: list[str] = []

    def work() -> None:
        try:
            start.wait()
            tokens.append(fresh_access_token(gmail.pk))
        finally:
            database.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    assert refreshes(oauth) == 1
