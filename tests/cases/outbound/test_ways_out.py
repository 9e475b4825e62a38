"""Each address sends through its own service, and one that is down holds up its own mail alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.utils import timezone

from cases.assignment import assign
from cases.models import Case, Delivery, EmailMessage, Outbox, RoutingDecision
from cases.outbound.delivery import deliver_due
from cases.outbound.handing_over import _read_smtp_code
from cases.outbound.replies import reply_to_case
from cases.outbound.ways_out import release
from routing.models import Connection, RoutingAddress
from routing.oauth import authorization_url, finish_connecting, new_verifier
from routing.owners import OwnerChoice
from tests.factories import CaseFactory, ConnectionFactory, RoutingAddressFactory, UserFactory
from tests.fake_oauth import CLIENT_SECRET, FakeOAuth, fake_oauth
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

State = Outbox.State
ACCOUNT = "sales@company.example"


@pytest.fixture(autouse=True)
def no_undo_window(settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 0


@pytest.fixture
def default(settings: Any) -> Iterator[FakeSmtpServer]:
    """The service of E2C_EMAIL_URL."""
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def own() -> Iterator[FakeSmtpServer]:
    """The service of one address."""
    with fake_smtp_server() as fake:
        yield fake


@pytest.fixture
def sales(own: FakeSmtpServer) -> RoutingAddress:
    connection = ConnectionFactory(account=ACCOUNT, port=own.port, username="sales")
    connection.put_secrets(password="secret")
    connection.save()
    own.passwords["sales"] = "secret"
    address: RoutingAddress = RoutingAddressFactory(email_address=ACCOUNT, verified=True, connection=connection)
    return address


@pytest.fixture
def oauth(settings: Any) -> Iterator[FakeOAuth]:
    with fake_oauth() as fake:
        settings.E2C_OAUTH_URL = fake.url
        fake.person = ACCOUNT
        yield fake


def rep() -> Any:
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="reply_case"))
    return user


def answer(send_from: RoutingAddress, *, case: Case | None = None, **fields: Any) -> Outbox:
    author = rep()
    if case is None:
        case = CaseFactory(owner_queue=None, owner_user=author)
    else:
        case.refresh_from_db()
        chosen = OwnerChoice(user=author, queue=None, because="test")
        assign(case=case, owner=chosen, kind=RoutingDecision.Kind.MANUAL, expected_version=case.routing_version)
        case.refresh_from_db()
    message = reply_to_case(
        case=case,
        author=author,
        send_from=send_from,
        to=["casey@example.net"],
        text="Hello Casey",
        now=timezone.now(),
    )
    Outbox.objects.filter(email_message=message).update(**fields)
    return Outbox.objects.get(email_message=message)


def state_of(outbox: Outbox) -> str:
    outbox.refresh_from_db()
    return outbox.state


def connect(connection: Connection, oauth: FakeOAuth) -> None:
    verifier, back = new_verifier(), "https://cases.company.example/back"
    url = authorization_url(connection, redirect_uri=back, state="s", verifier=verifier)
    code = oauth.allow(url).partition("code=")[2].partition("&")[0]
    finish_connecting(connection, code=code, verifier=verifier, redirect_uri=back, by=None)


@pytest.fixture
def gmail(sales: RoutingAddress, oauth: FakeOAuth, own: FakeSmtpServer) -> Connection:
    """The address sends by Gmail, whose mail server is the fake one."""
    connection = sales.connection
    assert connection is not None
    connection.kind, connection.client_id = Connection.Kind.GMAIL, "client-1"
    connection.drop_secrets()
    connection.put_secrets(client_secret=CLIENT_SECRET)
    connection.username = ""
    connection.save()
    own.passwords.clear()
    own.tokens[ACCOUNT] = oauth.tokens
    connect(connection, oauth)
    return connection


# --- which service ---------------------------------------------------------------------------------------------------


def test_mail_leaves_through_the_connection_of_its_address(
    default: FakeSmtpServer, own: FakeSmtpServer, sales: RoutingAddress
) -> None:
    mine = answer(sales)
    other = answer(RoutingAddressFactory(verified=True))

    deliver_due()

    assert [state_of(mine), state_of(other)] == [State.SENT, State.SENT]
    assert [taken.sender for taken in own.ledger] == [ACCOUNT]
    assert own.logins == [("sales", "secret", False)]
    assert [taken.sender for taken in default.ledger] == [other.from_address.email_address]  # type: ignore[union-attr]
    sales.connection.refresh_from_db()  # type: ignore[union-attr]
    assert sales.connection.state == "works"  # type: ignore[union-attr]


def test_connection_of_another_account_is_refused_at_the_moment_of_sending(
    default: FakeSmtpServer, own: FakeSmtpServer, sales: RoutingAddress
) -> None:
    mine = answer(sales)
    Connection.objects.update(account="boss@company.example")

    deliver_due()

    assert state_of(mine) == State.FAILED
    assert "belongs to boss@company.example and cannot send from sales@company.example" in mine.detail
    assert own.ledger == default.ledger == []


def test_mail_by_gmail_logs_in_with_a_token_that_is_fresh(
    gmail: Connection, sales: RoutingAddress, own: FakeSmtpServer
) -> None:
    Connection.objects.update(access_token_expires_at=timezone.now())
    mine = answer(sales)

    deliver_due()

    assert state_of(mine) == State.SENT
    gmail.refresh_from_db()
    assert own.logins == [(ACCOUNT, gmail.secrets().access_token, False)]


# --- a service that is down ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("still_clock", "impatient")
@pytest.mark.parametrize("trouble", ["unreachable", "silent", "busy", "wrong password"])
def test_connection_that_is_down_holds_up_its_own_mail_alone(
    default: FakeSmtpServer, own: FakeSmtpServer, sales: RoutingAddress, trouble: str
) -> None:
    if trouble == "unreachable":
        Connection.objects.update(port=1)
    elif trouble == "silent":
        own.answers["data"] = ["hang"] * 9
    elif trouble == "busy":
        own.answers["mail"] = ["421 4.7.0 too many connections"] * 9
    else:
        own.passwords["sales"] = "changed"
    mine = [answer(sales) for _ in range(3)]
    others = [answer(RoutingAddressFactory(verified=True)) for _ in range(2)]
    late = [answer(sales) for _ in range(12)]  # more than a batch

    while deliver_due(limit=4):
        pass

    first = State.UNCERTAIN if trouble == "silent" else State.QUEUED
    assert [state_of(row) for row in [*mine, *late]] == [first] + [State.QUEUED] * 14
    assert [state_of(row) for row in others] == [State.SENT] * 2
    assert [row.attempts for row in [*mine, *late][1:]] == [0] * 14
    assert len(own.calls) <= 3
    assert all(row.lease_until and row.lease_until > timezone.now() for row in late)


@pytest.mark.usefixtures("still_clock")
def test_default_service_that_is_down_leaves_connections_alone(
    default: FakeSmtpServer, own: FakeSmtpServer, sales: RoutingAddress
) -> None:
    default.answers["connect"] = ["421 closed"] * 9
    others = [answer(RoutingAddressFactory(verified=True)) for _ in range(5)]
    mine = answer(sales)

    while deliver_due(limit=2):
        pass

    assert state_of(mine) == State.SENT
    assert [state_of(row) for row in others] == [State.QUEUED] * 5
    assert len(default.answers["connect"]) == 8


def test_page_of_the_connection_says_what_is_wrong(sales: RoutingAddress, default: FakeSmtpServer) -> None:
    Connection.objects.update(port=1)
    answer(sales)

    deliver_due()

    connection = Connection.objects.get()
    assert connection.state == "broken"
    assert "ConnectionRefusedError" in connection.state_detail


def test_revoked_account_keeps_its_mail_and_tells_who_may_mend_it(
    gmail: Connection, sales: RoutingAddress, oauth: FakeOAuth, own: FakeSmtpServer, default: FakeSmtpServer
) -> None:
    admin = UserFactory(superuser=True, email="admin@elsewhere.example")
    noon = timezone.now().replace(hour=12)
    with time_machine.travel(noon):
        mine = [answer(sales) for _ in range(2)]
        oauth.revoke()

    for minutes in (0, 10, 120):  # of one day: a notice is for a day
        with time_machine.travel(noon + timedelta(minutes=minutes)):
            while deliver_due():
                pass

    assert [state_of(row) for row in mine] == [State.QUEUED] * 2
    assert [row.attempts for row in mine] == [0, 0]
    assert "needs to be connected again" in mine[0].detail
    notices = Outbox.objects.filter(kind="notice", recipient=admin.email)
    assert [notice.subject for notice in notices] == [f"Mail waits for the connection “{gmail.name}”"]
    assert f"/admin/routing/connection/{gmail.pk}/change/" in notices[0].text_body
    assert "refresh-" not in notices[0].text_body

    with time_machine.travel(noon + timedelta(minutes=121)):
        connect(gmail, oauth)
        release(gmail)
        while deliver_due():
            pass

    assert [state_of(row) for row in mine] == [State.SENT] * 2
    assert len(own.ledger) == 2


def test_mail_waits_for_a_person_for_three_days(
    gmail: Connection, sales: RoutingAddress, oauth: FakeOAuth, default: FakeSmtpServer
) -> None:
    mine = answer(sales)
    oauth.revoke()
    now = timezone.now()
    for hours in (0, 24, 71):
        with time_machine.travel(now + timedelta(hours=hours)):
            deliver_due()
    assert state_of(mine) == State.QUEUED

    with time_machine.travel(now + timedelta(hours=74)):
        deliver_due()

    assert state_of(mine) == State.FAILED
    assert mine.detail.startswith("Gave up after 3 days.")
    mine.case.refresh_from_db()  # type: ignore[union-attr]
    assert mine.case.awaiting == "us"  # type: ignore[union-attr]


def test_lost_field_key_keeps_the_mail(sales: RoutingAddress, default: FakeSmtpServer, settings: Any) -> None:
    mine = answer(sales)
    former, settings.E2C_FIELD_KEYS = settings.E2C_FIELD_KEYS, ["A" * 43 + "="]

    deliver_due()

    assert state_of(mine) == State.QUEUED
    assert "E2C_FIELD_KEYS" in mine.detail
    settings.E2C_FIELD_KEYS = former
    release(Connection.objects.get())
    deliver_due()
    assert state_of(mine) == State.SENT


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (550, "5.4.5 Daily user sending limit exceeded.", "NotNow"),
        (530, "5.7.0 Authentication Required.", "NotNow"),
        (550, "5.1.1 no such user", "Refused"),
    ],
)
def test_codes_for_good_that_pass(code: int, words: str, kind: str) -> None:
    assert type(_read_smtp_code(code, words)).__name__ == kind


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("still_clock")
def test_replies_of_one_case_leave_in_order(
    default: FakeSmtpServer, sales: RoutingAddress, own: FakeSmtpServer
) -> None:
    case = CaseFactory()
    first = answer(sales, case=case, not_before=timezone.now() + timedelta(seconds=5))  # in its undo window
    second = answer(sales, case=case)

    deliver_due()
    assert [state_of(first), state_of(second)] == [State.QUEUED, State.QUEUED]
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        while deliver_due():
            pass

    assert [taken.message["Message-ID"] for taken in own.ledger] == [
        f"<{row.message_identifier}>" for row in (first, second)
    ]


@pytest.mark.parametrize("waits", ["for its day", "for approval"])
def test_reply_that_waits_on_purpose_holds_up_no_other(
    default: FakeSmtpServer, sales: RoutingAddress, own: FakeSmtpServer, waits: str
) -> None:
    case, now = CaseFactory(), timezone.now()
    later = (
        answer(sales, case=case, is_scheduled=True, not_before=now + timedelta(days=7))
        if waits == "for its day"
        else answer(sales, case=case, state=State.AWAITING_APPROVAL)
    )
    second = answer(sales, case=case)

    while deliver_due():
        pass
    assert state_of(second) == State.SENT
    Outbox.objects.filter(state=State.AWAITING_APPROVAL).update(state=State.QUEUED)
    with time_machine.travel(now + timedelta(days=8)):
        while deliver_due():
            pass

    assert state_of(later) == State.SENT
    assert len(own.ledger) == 2


# --- ids and keys of providers ---------------------------------------------------------------------------------------


def test_id_that_amazon_writes_over_ours_is_kept(
    default: FakeSmtpServer, sales: RoutingAddress, own: FakeSmtpServer
) -> None:
    own.answers["data"] = ["250 Ok 010f0189c3d5a1b2-6f1e2d3c-4b5a-4978-8697-a5b4c3d2e1f0-000000"]
    mine = answer(sales)

    deliver_due()

    assert state_of(mine) == State.SENT
    assert mine.provider_id == "010f0189c3d5a1b2-6f1e2d3c-4b5a-4978-8697-a5b4c3d2e1f0-000000"
    assert set(Delivery.objects.values_list("provider_id", flat=True)) == {mine.provider_id}


@pytest.fixture
def api() -> Iterator[tuple[str, list[tuple[dict[str, str], dict[str, Any]]]]]:
    calls: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            calls.append((dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            content = b'{"id": "resend-1", "messageId": "<brevo-1@smtp-relay.mailin.fr>"}'
            self.send_response(201)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", calls
    server.shutdown()
    server.server_close()


def through_api(sales: RoutingAddress, esp: str, url: str) -> None:
    connection = sales.connection
    assert connection is not None
    connection.kind, connection.esp, connection.api_url = Connection.Kind.ANYMAIL, esp, url
    connection.put_secrets(api_key="key-1")
    connection.save()


@pytest.mark.parametrize(
    ("esp", "key_of"),
    [
        ("resend", lambda headers, body: headers.get("Idempotency-Key")),
        ("brevo", lambda headers, body: body["headers"].get("idempotencyKey")),
    ],
)
def test_provider_that_takes_an_idempotency_key_gets_the_same_one_for_the_same_mail(
    sales: RoutingAddress, api: Any, esp: str, key_of: Callable[..., str | None]
) -> None:
    url, calls = api
    through_api(sales, esp, url)
    first, second = answer(sales), answer(sales)

    deliver_due()
    Outbox.objects.filter(pk=first.pk).update(state=State.QUEUED)  # as a person would
    deliver_due()

    keys = [key_of(headers, body) for headers, body in calls]
    assert len(keys) == 3
    assert keys[0] == keys[2] != keys[1]
    assert None not in keys
    assert state_of(second) == State.SENT
    assert EmailMessage.objects.get(pk=second.email_message_id).status == "sent"
