from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from routing.models import Connection
from routing.oauth import authorization_url, finish_connecting, new_verifier
from tests.factories import ConnectionFactory
from tests.fake_oauth import CLIENT_SECRET, FakeOAuth, fake_oauth
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

ACCOUNT = "support@company.example"
RETURN = "https://cases.company.example/admin/routing/connection/connected/"


@pytest.fixture
def smtp() -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        yield fake


@pytest.fixture
def oauth(settings: Any) -> Iterator[FakeOAuth]:
    with fake_oauth() as fake:
        settings.E2C_OAUTH_URL = fake.url
        yield fake


def connect(connection: Connection, oauth: FakeOAuth) -> Connection:
    """What the Connect button and the provider's page do."""
    verifier = new_verifier()
    url = authorization_url(connection, redirect_uri=RETURN, state="state-1", verifier=verifier)
    code = oauth.allow(url).partition("code=")[2].partition("&")[0]
    finish_connecting(connection, code=code, verifier=verifier, redirect_uri=RETURN, by=None)
    connection.refresh_from_db()
    return connection


@pytest.fixture
def gmail(db: Any, oauth: FakeOAuth, smtp: FakeSmtpServer) -> Connection:
    """A connected Gmail account whose mail server is the fake one, which knows the tokens of the fake provider."""
    connection: Connection = ConnectionFactory(gmail=True, account=ACCOUNT, port=smtp.port)
    connection.put_secrets(client_secret=CLIENT_SECRET)
    connection.save()
    smtp.tokens[ACCOUNT] = oauth.tokens
    return connect(connection, oauth)
