"""The page of a connection: secrets go in and never come out, Connect goes to the provider and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Outbox
from cases.outbound.delivery import deliver_due
from routing.models import AuditEvent, Connection
from tests.factories import ConnectionFactory, RoutingAddressFactory, UserFactory
from tests.fake_oauth import CLIENT_SECRET, FakeOAuth, fake_oauth
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

SECRET = "correct-horse-battery"
ACCOUNT = "sales@company.example"
LIST = "/admin/routing/connection/"


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    settings.E2C_PUBLIC_URL = "https://cases.company.example"


@pytest.fixture
def admin() -> Client:
    user = UserFactory(staff=True, email="admin@elsewhere.example")
    user.user_permissions.add(Permission.objects.get(codename="customize_application"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def smtp() -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        yield fake


@pytest.fixture
def oauth(settings: Any) -> Iterator[FakeOAuth]:
    with fake_oauth() as fake:
        settings.E2C_OAUTH_URL = fake.url
        fake.person = ACCOUNT
        yield fake


def fields(**changes: Any) -> dict[str, Any]:
    values = {"name": "Sales", "kind": "smtp", "account": ACCOUNT, "host": "127.0.0.1", "port": "", "security": "none"}
    return values | changes


def page_of(connection: Connection) -> str:
    return reverse("admin:routing_connection_change", args=[connection.pk])


def gmail() -> Connection:
    connection: Connection = ConnectionFactory.build(gmail=True, account=ACCOUNT)
    connection.put_secrets(client_secret=CLIENT_SECRET)
    connection.save()
    return connection


def connect_page(client: Client, connection: Connection) -> str:
    """The link to the provider on the page behind the Connect button."""
    answer = client.post(reverse("admin:routing_connection_connect", args=[connection.pk]))
    link = answer.content.decode().partition('href="http://127.0.0.1')[2].partition('"')[0]
    return f"http://127.0.0.1{unescape(link)}"


def back(client: Client, url: str) -> Any:
    return client.get(url.removeprefix("https://cases.company.example"), follow=True)


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secret_is_stored_and_shown_on_no_page(admin: Client) -> None:
    answer = admin.post(LIST + "add/", fields(password=SECRET, username="sales"), follow=True)

    connection = Connection.objects.get()
    assert connection.secrets().password == SECRET
    pages = [answer, admin.get(page_of(connection)), admin.get(LIST), admin.get(page_of(connection)[:-7] + "history/")]
    event = AuditEvent.objects.latest("pk")
    pages += [admin.get("/admin/routing/auditevent/"), admin.get(f"/admin/routing/auditevent/{event.pk}/change/")]
    for page in pages:
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
        assert connection.sealed_secrets not in page.content.decode()
    assert "Set, and never shown again" in pages[1].content.decode()


def test_page_saved_without_the_secret_keeps_it_and_another_host_drops_it(admin: Client) -> None:
    admin.post(LIST + "add/", fields(password=SECRET))
    connection = Connection.objects.get()

    admin.post(page_of(connection), fields(name="Sales team"))
    assert Connection.objects.get().secrets().password == SECRET
    answer = admin.post(page_of(connection), fields(host="localhost"), follow=True)

    assert Connection.objects.get().sealed_secrets == ""
    assert "enter them again" in answer.content.decode()


def test_secret_without_a_key_for_it_is_refused_in_words(admin: Client, settings: Any) -> None:
    settings.E2C_FIELD_KEYS = []

    answer = admin.post(LIST + "add/", fields(password=SECRET))

    assert "Set E2C_FIELD_KEYS first" in answer.content.decode()
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "smtp.example.com"}, "only for this machine"),
        ({"host": ""}, "Enter the name of the mail server"),
        ({"account": "nobody"}, "Enter one email address"),
        ({"kind": "gmail", "security": "starttls"}, "Enter the client id"),
        ({"kind": "anymail"}, "Choose the provider"),
        ({"kind": "anymail", "esp": "postmark", "api_url": "http://api.example.com/"}, "must begin with https"),
    ],
)
def test_connection_that_cannot_work_or_is_unsafe_is_refused(admin: Client, change: Any, words: str) -> None:
    answer = admin.post(LIST + "add/", fields(**change))

    assert words in unescape(answer.content.decode())
    assert not Connection.objects.exists()


def test_address_takes_only_a_connection_of_its_own_account(admin: Client) -> None:
    other = ConnectionFactory(account="boss@company.example")
    address = RoutingAddressFactory(verified=True, email_address=ACCOUNT)
    page = reverse("admin:routing_routingaddress_change", args=[address.pk])
    form = admin.get(page).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value is not None}

    answer = admin.post(page, values | {"connection": other.pk})

    assert "cannot send from sales@company.example" in unescape(answer.content.decode())
    address.refresh_from_db()
    assert address.connection is None


def test_staff_without_customize_application_see_no_button(admin: Client) -> None:
    connection = gmail()
    viewer = UserFactory(staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client = Client()
    client.force_login(viewer)

    page = client.get(page_of(connection)).content.decode()
    answers = [client.post(f"{LIST}{connection.pk}/{action}/") for action in ("test", "connect", "test-mail")]

    assert "Client secret" not in page
    assert "Connect" not in page.partition('class="e2c-state"')[2].partition("</section>")[0].partition("Redirect")[0]
    assert [answer.status_code for answer in answers] == [403] * 3


# --- Connect ---------------------------------------------------------------------------------------------------------


def test_connect_goes_to_the_provider_and_back(admin: Client, oauth: FakeOAuth) -> None:
    connection = gmail()

    url = connect_page(admin, connection)
    answer = back(admin, oauth.allow(url))

    connection.refresh_from_db()
    assert connection.is_connected
    assert f"Connected as {ACCOUNT}" in answer.content.decode()
    assert "/admin/routing/connection/connected/" in url.replace("%2F", "/")


def test_way_back_works_once_and_only_in_the_browser_that_began(admin: Client, oauth: FakeOAuth) -> None:
    connection = gmail()
    url = oauth.allow(connect_page(admin, connection))
    stranger = Client()
    stranger.force_login(UserFactory(superuser=True))

    elsewhere = back(stranger, url)
    assert "was not begun here" in elsewhere.content.decode()
    assert not Connection.objects.get().is_connected

    back(admin, url)
    assert Connection.objects.get().is_connected
    calls = len(oauth.forms)
    again = back(admin, url)
    assert "was used before" in again.content.decode()
    assert len(oauth.forms) == calls


def test_forged_state_connects_nothing(admin: Client, oauth: FakeOAuth) -> None:
    connect_page(admin, gmail())

    answer = admin.get(LIST + "connected/?code=stolen&state=guessed", follow=True)

    assert "was not begun here" in answer.content.decode()
    assert oauth.forms == []


def test_person_who_refuses_at_the_provider_is_told(admin: Client, oauth: FakeOAuth) -> None:
    url = connect_page(admin, gmail())
    state = url.partition("state=")[2].partition("&")[0]

    answer = admin.get(f"{LIST}connected/?error=access_denied&state={state}", follow=True)

    assert "access_denied" in answer.content.decode()
    assert not Connection.objects.get().is_connected


# --- tests -----------------------------------------------------------------------------------------------------------


def test_test_button_says_what_happened_and_sends_nothing(admin: Client, smtp: FakeSmtpServer) -> None:
    admin.post(LIST + "add/", fields(port=smtp.port, username="sales", password=SECRET))
    connection = Connection.objects.get()
    smtp.passwords["sales"] = SECRET

    answer = admin.post(reverse("admin:routing_connection_test", args=[connection.pk]), follow=True)

    assert "accepts the login" in answer.content.decode()
    assert smtp.ledger == []


def test_mail_that_waited_leaves_after_a_test_that_works(admin: Client, smtp: FakeSmtpServer) -> None:
    connection = ConnectionFactory(account=ACCOUNT, port=smtp.port)
    address = RoutingAddressFactory(verified=True, email_address=ACCOUNT, connection=connection)
    later = timezone.now() + timedelta(hours=1)
    mail = Outbox.objects.create(
        key="k", kind="reply", from_address=address, recipient="casey@example.net", lease_until=later
    )

    answer = admin.post(reverse("admin:routing_connection_test", args=[connection.pk]), follow=True)

    assert "1 mail that waited leaves now" in answer.content.decode()
    mail.refresh_from_db()
    assert mail.lease_until is None


def test_test_mail_takes_the_way_of_every_mail(admin: Client, smtp: FakeSmtpServer) -> None:
    connection = ConnectionFactory(account=ACCOUNT, port=smtp.port, name="Sales")
    RoutingAddressFactory(verified=True, email_address=ACCOUNT, connection=connection, display_name="Sales team")

    answer = admin.post(reverse("admin:routing_connection_test_mail", args=[connection.pk]), follow=True)
    deliver_due()

    assert "admin@elsewhere.example" in answer.content.decode()
    [taken] = smtp.ledger
    assert (taken.sender, taken.recipients) == (ACCOUNT, ("admin@elsewhere.example",))
    assert taken.message["From"] == f"Sales team <{ACCOUNT}>"
    assert Outbox.objects.get().state == "sent"


@pytest.mark.parametrize("refused", ["unverified", "controlled", "later"])
def test_test_mail_needs_the_permission_of_every_mail(admin: Client, smtp: FakeSmtpServer, refused: str) -> None:
    connection = ConnectionFactory(account=ACCOUNT, port=smtp.port)
    address = RoutingAddressFactory(
        verified=refused != "unverified",
        controlled_by_permission_set=refused == "controlled",
        email_address=ACCOUNT,
        connection=connection,
    )

    admin.post(reverse("admin:routing_connection_test_mail", args=[connection.pk]))
    if refused == "later":
        type(address).objects.update(is_active=False)
    deliver_due()

    assert smtp.ledger == []
    assert list(Outbox.objects.values_list("state", flat=True)) == (["failed"] if refused == "later" else [])
