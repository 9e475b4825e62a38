"""Secrets and mail stay out of logs, error pages and the broker, whatever breaks (AD06, FW11)."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.db import DatabaseError, IntegrityError
from django.test import Client
from django.urls import reverse

from cases.inbound import wake
from cases.inbound.settle import settle_batch
from cases.models import InboundEmail, Outbox
from cases.outbound.delivery import deliver_due
from cases.sweeping import all_jobs, sweep_round
from e2c_project.log_filter import HideSecretLinks
from routing.models import VerificationMail
from routing.verification import send_verification
from tests.cases import provider_requests as calls
from tests.factories import RoutingAddressFactory, UserFactory
from tests.fake_provider import FakeProvider
from tests.fake_smtp import fake_smtp_server
from tests.threats.world import grant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

SUBJECT, BODY, SENDER, FILE = "quartzsubject", "quartzbody", "quartzsender", "quartzfile"
IN_MAIL = (SUBJECT, BODY, SENDER, FILE)
WEBHOOK_PASSWORD, API_KEY, SMTP_PASSWORD = "quartzhook", "quartzapikey", "quartzsmtp"
SECRETS = (WEBHOOK_PASSWORD, API_KEY, SMTP_PASSWORD)


class Log:
    """What the project's own handler would write, at the most talkative level."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.handler.addFilter(HideSecretLinks())

    @property
    def text(self) -> str:
        return self.stream.getvalue()


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    log, root = Log(), logging.getLogger()
    level = root.level
    root.addHandler(log.handler)
    root.setLevel(logging.DEBUG)
    yield log
    root.removeHandler(log.handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def configured(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = f"robot:{WEBHOOK_PASSWORD}"
    settings.ANYMAIL = calls.ANYMAIL | {"RESEND_API_KEY": API_KEY, "BREVO_API_KEY": API_KEY}
    settings.E2C_SETTLE_ATTEMPTS = 1
    settings.E2C_SYSTEM_FROM = "no-reply@company.example"
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)


@pytest.fixture
def support() -> Any:
    return RoutingAddressFactory(email_address="support@company.example", verified=True)


def basic_auth(password: str) -> str:
    return "Basic " + base64.b64encode(f"robot:{password}".encode()).decode()


def posted(client: Client, call: calls.Call, password: str = WEBHOOK_PASSWORD) -> Any:
    return client.post(
        call.path,
        data=call.body,
        content_type=call.content_type,
        headers=call.headers | {"Authorization": basic_auth(password)},
    )


def canary_call() -> calls.Call:
    person = {"Email": f"{SENDER}@example.net", "Name": SENDER}
    changed = {
        "Subject": SUBJECT,
        "TextBody": BODY,
        "HtmlBody": f"<p>{BODY}</p>",
        "From": person["Email"],
        "FromFull": person,
        "To": "support@company.example",
        "OriginalRecipient": "support@company.example",
        "Attachments": [{"Name": f"{FILE}.txt", "Content": "eA==", "ContentType": "text/plain"}],
    }
    return calls.json_call("postmark", calls.stored("postmark") | changed)


def check(text: str, words: tuple[str, ...] = IN_MAIL + SECRETS) -> None:
    assert [word for word in words if word in text] == []


def raise_database_error(*_arguments: Any, **_named: Any) -> Any:
    raise IntegrityError(f"DETAIL: Failing row contains ({SUBJECT}, {BODY}, {SENDER}, {FILE}).")


def raise_os_error(*_arguments: Any, **_named: Any) -> Any:
    raise OSError(28, f"No space left: {SUBJECT} {BODY} {FILE} {API_KEY}")


def raise_quoting_mail(*_arguments: Any, **_named: Any) -> Any:
    raise ValueError(f"cannot read {SUBJECT} {BODY} {SENDER}\x00\ud800")


# --- mail in ---


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("cases.webhooks.store_inbound_request", raise_database_error),
        ("cases.webhooks.store_inbound_request", raise_os_error),
        ("cases.inbound.door.view_for", raise_quoting_mail),
        ("cases.inbound.refused_calls._count", raise_database_error),
    ],
)
def test_a_webhook_that_fails_says_nothing_of_the_mail(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch, place: str, fault: Any
) -> None:
    monkeypatch.setattr(place, fault)

    response = posted(client, canary_call(), password=WEBHOOK_PASSWORD if "webhooks" in place else "wrong")

    assert response.status_code in (503, 401)
    check(log.text + response.content.decode() + str(response.headers))


FAULTS = [
    ("cases.inbound.settle.read_email", raise_quoting_mail),
    ("cases.inbound.settle.decide", raise_quoting_mail),
    ("cases.inbound.settle.write_new_case", raise_database_error),
    ("cases.inbound.settle.put_many", raise_os_error),
    ("cases.inbound.failures.settle_row", raise_database_error),
]


@pytest.mark.parametrize(("place", "fault"), FAULTS)
def test_a_mail_that_cannot_be_settled_says_so_without_its_words(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch, support: Any, place: str, fault: Any
) -> None:
    posted(client, canary_call())
    monkeypatch.setattr(place, fault)

    settle_batch()

    check(log.text)
    check(str(list(InboundEmail.objects.values("last_error", "because", "trail", "headers"))), SECRETS[:1])


def test_an_error_that_no_database_stores_is_recorded_and_the_mail_quarantined(
    client: Client, monkeypatch: pytest.MonkeyPatch, support: Any
) -> None:
    posted(client, canary_call())
    monkeypatch.setattr("cases.inbound.settle.decide", raise_quoting_mail)

    settle_batch()

    inbound = InboundEmail.objects.get()
    assert (inbound.state, inbound.reason) == ("quarantined", "failed")
    assert "\x00" not in inbound.last_error
    assert "\ufffd\ufffd" in inbound.last_error


def test_last_error_is_for_those_who_may_read_the_mail(
    client: Client, monkeypatch: pytest.MonkeyPatch, support: Any
) -> None:
    posted(client, canary_call())
    monkeypatch.setattr("cases.inbound.settle.decide", raise_quoting_mail)
    settle_batch()
    inbound = InboundEmail.objects.get()
    url = reverse("admin:cases_inboundemail_change", args=[inbound.pk])
    people = [
        UserFactory(username="outsider"),
        UserFactory(username="staff", staff=True),
        grant(UserFactory(username="other", staff=True), "cases.view_case", "cases.view_all_cases"),
    ]

    for person in people:
        client.force_login(person)
        assert BODY not in client.get(url).content.decode()
    client.force_login(grant(UserFactory(username="clerk", staff=True), "cases.view_inboundemail"))
    page = client.get(url).content.decode()

    assert BODY in page
    check(page, SECRETS)


def test_a_fetch_that_fails_names_no_key(client: Client, log: Log, settings: Any, support: Any) -> None:
    with FakeProvider() as api:
        settings.E2C_INBOUND_API_URL = api.url
        for status in (401, 500):
            api.answer("/emails/receiving/x", {"message": f"bad key {API_KEY}"}, status=status)
        posted(client, calls.all_calls()["resend"])
        posted(client, calls.all_calls()["brevo"])

        settle_batch()

        assert any(API_KEY in str(asked.headers) for asked in api.asked)
    rows = list(InboundEmail.objects.values("last_error", "because", "trail", "headers", "query", "path", "state"))
    assert {row["state"] for row in rows} <= {"quarantined", "received"}
    check(log.text + str(rows), SECRETS)


def test_stored_requests_and_their_page_hold_no_password(client: Client, support: Any) -> None:
    posted(client, canary_call())
    settle_batch()
    inbound = InboundEmail.objects.get()
    client.force_login(UserFactory(superuser=True))

    page = client.get(reverse("admin:cases_inboundemail_change", args=[inbound.pk])).content.decode()

    encoded = basic_auth(WEBHOOK_PASSWORD).split(" ")[1]
    for text in (page, str(inbound.headers) + inbound.query + inbound.path + str(inbound.trail)):
        check(text, SECRETS)
        assert encoded not in text


def test_a_plain_run_logs_nothing_of_the_mail(client: Client, log: Log, support: Any) -> None:
    posted(client, canary_call())
    settle_batch()
    client.force_login(UserFactory(superuser=True))
    case = InboundEmail.objects.get().email_message.case
    client.get(f"/cases/{case.number}/")

    assert InboundEmail.objects.get().state == "case"
    check(log.text)


# --- what rings for workers ---


def test_what_the_broker_carries_is_a_name_and_nothing_of_any_mail(
    client: Client, monkeypatch: pytest.MonkeyPatch, support: Any
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("cases.inbound.wake.ring", wake._bell.publish)
    monkeypatch.setattr(current_app, "send_task", lambda *arguments, **named: sent.append((arguments, named)))

    posted(client, canary_call())

    assert sent == [(("cases.inbound.tasks.settle_mail",), {"ignore_result": True, "retry": False})]


def test_a_job_of_the_sweeper_that_fails_logs_what_not_whose(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.sweeping.close_old_connections", lambda: None)  # the test's own is in a transaction
    monkeypatch.setattr("cases.sweeping.settle_batch", raise_database_error)
    monkeypatch.setattr("cases.sweeping.deliver_due", raise_os_error)

    sweep_round(all_jobs())

    assert "settle mail failed: IntegrityError" in log.text
    check(log.text)


# --- mail out ---


def test_a_mail_server_that_refuses_learns_and_tells_no_password(log: Log, settings: Any) -> None:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://robot:{SMTP_PASSWORD}@{fake.host}:{fake.port}"
        outbox = Outbox.objects.create(
            key="n",
            kind="notice",
            recipient=f"{SENDER}@example.net",
            subject=SUBJECT,
            text_body=BODY,
            message_identifier="n.1@company.example",
        )
        deliver_due()  # the server offers no login: that fails
    settings.E2C_EMAIL_URL = f"smtp://robot:{SMTP_PASSWORD}@127.0.0.1:9"
    Outbox.objects.update(lease_until=None)
    deliver_due()

    outbox.refresh_from_db()
    assert outbox.state == "queued", outbox.detail
    assert outbox.detail
    check(log.text + outbox.detail)


def test_a_provider_that_refuses_gets_no_key_into_detail_or_log(log: Log, settings: Any) -> None:
    with FakeProvider() as api:
        settings.E2C_EMAIL_URL = f"anymail+postmark://{API_KEY}@"
        settings.E2C_ESP_API_URL = api.url
        api.answer("/email", {"ErrorCode": 10, "Message": "no"}, status=401)
        api.answer("/email/batch", {"ErrorCode": 10, "Message": "no"}, status=401)
        outbox = Outbox.objects.create(
            key="n",
            kind="notice",
            recipient=f"{SENDER}@example.net",
            subject=SUBJECT,
            text_body=BODY,
            message_identifier="n.1@company.example",
        )
        deliver_due()
        assert any(API_KEY in str(asked.headers) for asked in api.asked)

    outbox.refresh_from_db()
    check(outbox.detail, (API_KEY, BODY))
    check(log.text)


def test_a_verification_mail_that_cannot_leave_says_why_without_password_or_link(log: Log, settings: Any) -> None:
    settings.E2C_EMAIL_URL = f"smtp://robot:{SMTP_PASSWORD}@127.0.0.1:9"
    address = RoutingAddressFactory(email_address="support@company.example")

    row = send_verification(address, by=None)

    assert row.state == VerificationMail.State.FAILED
    check(row.detail + log.text, (*SECRETS, "eyJub25jZSI6"))


# --- pages ---


def test_refused_requests_for_a_verification_link_are_logged_without_it(client: Client, log: Log) -> None:
    strict = Client(enforce_csrf_checks=True)

    codes = [
        strict.post("/verify/eyJub25jZSI6quartz/").status_code,
        client.put("/verify/eyJub25jZSI6quartz/").status_code,
        client.get("/verify/eyJub25jZSI6quartz").status_code,
    ]

    assert codes == [403, 405, 410]
    assert log.text.count("/verify/[hidden]") == 3
    assert "quartz" not in log.text


@pytest.mark.parametrize(
    "place",
    ["cases.views.case_page.history_of", "cases.views.case_page.messages_of"],
)
def test_an_error_page_says_nothing(client: Client, support: Any, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    posted(client, canary_call())
    settle_batch()
    case = InboundEmail.objects.get().email_message.case
    client.force_login(UserFactory(superuser=True))
    client.raise_request_exception = False
    monkeypatch.setattr(place, raise_database_error)

    response = client.get(f"/cases/{case.number}/")

    assert response.status_code == 500
    check(response.content.decode() + str(response.headers))
    assert "Traceback" not in response.content.decode()


def test_a_storage_that_does_not_answer_gives_a_plain_page(
    client: Client, log: Log, support: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted(client, canary_call())
    settle_batch()
    message = InboundEmail.objects.get().email_message
    file = message.attachments.get()
    client.force_login(UserFactory(superuser=True))
    client.raise_request_exception = False

    def closed(*_arguments: Any, **_named: Any) -> Any:
        raise PermissionError(13, "Permission denied", file.blob_id)

    monkeypatch.setattr("cases.views.files.open_blob", closed)
    url = reverse("attachment", kwargs={"number": message.case.number, "attachment_id": file.pk, "name": "x"})
    response = client.get(url)

    assert response.status_code in (404, 500)
    check(response.content.decode() + log.text)


def test_health_pages_tell_no_secret_when_everything_is_broken(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CELERY_BROKER_URL = f"redis://:{API_KEY}@127.0.0.1:9/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 1, "socket_connect_timeout": 1}
    monkeypatch.setattr("e2c_project.health._write_to_storage", raise_os_error)

    pages = [client.get(path).content.decode() for path in ("/readyz", "/healthz")]

    check("".join(pages))
    assert API_KEY not in log.text.replace(API_KEY, "", log.text.count(f"{FILE} {API_KEY}"))


def test_a_database_that_is_away_is_told_by_its_kind(
    client: Client, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: Any, **_named: Any) -> Any:
        raise DatabaseError(f"connection refused, password {API_KEY}")

    monkeypatch.setattr("cases.webhooks.store_inbound_request", away)

    response = posted(client, canary_call())

    assert response.status_code == 503
    check(log.text + response.content.decode())


# --- settings ---


def test_libraries_that_log_bodies_and_keys_at_debug_are_kept_quiet() -> None:
    loggers = django_settings.LOGGING["loggers"]

    assert {name for name in ("botocore", "urllib3", "django.db.backends", "mail.log") if name not in loggers} == set()
    assert all(options["level"] in ("INFO", "WARNING") for options in loggers.values())
    assert django_settings.LOGGING["handlers"]["stderr"]["filters"] == ["links"]
    assert django_settings.ADMINS == []  # nobody is mailed an error page
