"""The webhook paths: who may call, what is stored, and the answer to the letter."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from io import BytesIO
from typing import Any

import pytest
import time_machine
from anymail import urls as anymail_urls
from django.db import DatabaseError
from django.test import Client, RequestFactory
from django.urls import reverse

from cases import webhooks
from cases.inbound.accept import raw_bytes
from cases.models import InboundEmail, ProviderToken, RefusedCall, TrackingRequest
from tests.cases import provider_requests as calls

pytestmark = pytest.mark.django_db

NAMES = list(calls.all_calls())


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Wake-ups: the broker is a fake's place, and no thread must outlive a test."""
    rung: list[bool] = []
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: rung.append(True))
    return rung


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.E2C_SNS_TOPICS = [calls.TOPIC]
    settings.E2C_MAX_BODY = 1024 * 1024
    settings.ANYMAIL = calls.ANYMAIL
    settings.APPEND_SLASH = True


def refused_reasons() -> dict[str, int]:
    return dict(RefusedCall.objects.values_list("reason", "count"))


def call_of(name: str) -> calls.Call:
    """Signed now: a signature is good for minutes, and a run of all tests takes longer."""
    return calls.all_calls()[name]


# --- what is stored ---


@pytest.mark.parametrize("name", NAMES)
def test_authentic_request_of_each_provider_is_stored_byte_for_byte(
    client: Client, rings: list[bool], name: str
) -> None:
    call = call_of(name)

    response = call.post(client)

    assert (response.status_code, response.content) == (200, b"")
    row = InboundEmail.objects.select_related("raw").get()
    assert raw_bytes(row.raw) == call.body
    assert row.raw.sha256 == hashlib.sha256(call.body).hexdigest()
    assert row.state == "received"
    assert row.path == call.path
    assert rings == [True]


@pytest.mark.parametrize("name", NAMES)
def test_wrong_password_is_401_for_each_provider_and_stores_nothing(client: Client, name: str) -> None:
    response = call_of(name).post(client, headers={"Authorization": "Basic cm9ib3Q6d3Jvbmc="})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Basic realm="webhook"'
    assert InboundEmail.objects.count() == 0
    assert refused_reasons() == {"password_wrong": 1}


def test_paths_and_names_are_those_of_anymail() -> None:
    ours = {(str(pattern.pattern), pattern.name) for pattern in webhooks.webhook_urlpatterns}

    assert ours == {(str(pattern.pattern), pattern.name) for pattern in anymail_urls.urlpatterns}
    assert reverse("anymail:postmark_inbound_webhook") == "/anymail/postmark/inbound/"


def test_old_path_of_brevo_is_brevo(client: Client) -> None:
    response = call_of("brevo").post(client, path="/anymail/sendinblue/inbound/")

    assert response.status_code == 200
    assert InboundEmail.objects.get().provider == "brevo"


def test_secrets_of_the_request_are_not_stored(client: Client) -> None:
    client.cookies["sessionid"] = "canary-cookie"

    call_of("postmark").post(client, headers={"Proxy-Authorization": "canary-proxy", "X-Request-Id": "r1"})

    headers = InboundEmail.objects.get().headers
    assert {"Authorization", "Cookie", "Proxy-Authorization"} & headers.keys() == set()
    assert headers["X-Request-Id"] == "r1"


def test_same_request_twice_is_two_rows(client: Client) -> None:
    call_of("postmark").post(client)
    call_of("postmark").post(client)

    assert InboundEmail.objects.count() == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"From', b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("provider", ["postmark", "sendgrid", "sparkpost"])
def test_unparsable_body_with_the_right_password_is_stored(client: Client, provider: str, body: bytes) -> None:
    response = calls.Call(f"/anymail/{provider}/inbound/", body).post(client)

    assert response.status_code == 200
    assert InboundEmail.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"Type', 200), (b"\xff", 200), (b"[" * 100_000, 200), (b"[]", 400), (b"null", 400), (b"{}", 400)],
)
def test_sns_body_that_is_no_json_is_stored_and_json_without_our_topic_refused(
    client: Client, body: bytes, status: int
) -> None:
    assert calls.Call("/anymail/amazon_ses/inbound/", body).post(client).status_code == status
    assert InboundEmail.objects.count() == (status == 200)


def test_tracking_request_is_stored_in_its_own_table(client: Client) -> None:
    response = calls.json_call("postmark", {"RecordType": "Delivery"}, kind="tracking").post(client)

    assert response.status_code == 200
    assert TrackingRequest.objects.get().provider == "postmark"
    assert InboundEmail.objects.count() == 0


def test_mandrill_tracking_comes_by_the_same_path_as_its_mail(client: Client) -> None:
    calls.mandrill([{"event": "send", "_id": "1", "msg": {"email": "casey@example.net"}}]).post(client)
    calls.mandrill([]).post(client)

    assert TrackingRequest.objects.count() == 1
    assert InboundEmail.objects.count() == 1


def test_answer_does_not_depend_on_the_recipient(client: Client) -> None:
    known, unknown = (
        calls.stored("postmark"),
        calls.stored("postmark") | {"OriginalRecipient": "nobody@company.example"},
    )

    answers = [calls.json_call("postmark", each).post(client) for each in (known, unknown)]

    assert answers[0].content == answers[1].content
    assert dict(answers[0].items()) == dict(answers[1].items())


# --- methods and paths ---


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 405), ("PUT", 405), ("DELETE", 405), ("HEAD", 200), ("OPTIONS", 200)]
)
def test_other_methods(client: Client, method: str, status: int) -> None:
    response = client.generic(method, "/anymail/postmark/inbound/")

    assert response.status_code == status
    assert InboundEmail.objects.count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "path", ["/anymail/postmark/inbound", "/anymail/nobody/inbound/", "/anymail/mandrill", "/anymail/"]
)
def test_wrong_path_is_404_and_never_a_redirect(client: Client, method: str, path: str) -> None:
    assert client.generic(method, path, b"{}").status_code == 404


@pytest.mark.parametrize("kind", ["inbound", "tracking"])
def test_provider_that_is_not_listed_is_404(client: Client, settings: Any, kind: str) -> None:
    settings.E2C_PROVIDERS = ["mailgun"]

    response = calls.json_call("postmark", {}, kind=kind).post(client)

    assert response.status_code == 404
    assert refused_reasons() == {}


def test_csrf_is_not_asked_of_a_provider() -> None:
    assert call_of("postmark").post(Client(enforce_csrf_checks=True)).status_code == 200


# --- credentials ---


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "password_missing"),
        ("Basic", "password_wrong"),
        ("Basic %%%", "password_wrong"),
        ("Basic cm9ib3Q6", "password_wrong"),
        ("Bearer cm9ib3Q6Y29ycmVjdCBob3JzZQ==", "password_wrong"),
        ("Basic é", "password_wrong"),
    ],
)
def test_password_that_is_missing_or_unreadable_is_401(client: Client, header: str, reason: str) -> None:
    response = call_of("postmark").post(client, headers={"Authorization": header})

    assert response.status_code == 401
    assert refused_reasons() == {reason: 1}


def test_nobody_gets_in_while_no_password_is_set(client: Client, settings: Any) -> None:
    settings.E2C_WEBHOOK_SECRET = ""

    assert call_of("postmark").post(client, headers={"Authorization": "Basic "}).status_code == 401


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("mailersend", {"Signature": "0" * 64}),
        ("mailersend", {"Signature": ""}),
        ("mandrill", {"X-Mandrill-Signature": "AAAA"}),
        ("postal", {"X-Postal-Signature": "é"}),
        ("postal", {"X-Postal-Signature": "QUFB"}),
        ("resend", {"Svix-Signature": "v1"}),
        ("resend", {"Svix-Signature": "v1,QUFB"}),
        ("resend", {"Svix-Timestamp": "1"}),
        ("amazon_ses_sns", {"X-Amz-Sns-Message-Id": "another"}),
    ],
)
def test_wrong_signature_is_400_and_stores_nothing(client: Client, name: str, header: dict[str, str]) -> None:
    response = call_of(name).post(client, headers=header)

    assert response.status_code == 400
    assert InboundEmail.objects.count() == 0
    assert sum(refused_reasons().values()) == 1


@pytest.mark.parametrize("name", ["mailersend", "mandrill", "postal", "resend"])
def test_changed_body_breaks_the_signature(client: Client, name: str) -> None:
    body = call_of(name).body.replace(b"casey", b"mallo")

    assert call_of(name).post(client, body=body).status_code == 400


def test_topic_of_somebody_else_is_refused(client: Client) -> None:
    response = calls.sns(TopicArn="arn:aws:sns:us-east-1:666666666666:attacker").post(client)

    assert response.status_code == 400
    assert InboundEmail.objects.count() == 0
    assert refused_reasons() == {"topic_not_allowed": 1}


def test_refused_calls_are_counted_by_hour(client: Client) -> None:
    for _ in range(3):
        call_of("postmark").post(client, headers={"Authorization": ""})

    row = RefusedCall.objects.get()
    assert (row.provider, row.reason, row.count, row.last_remote_address) == (
        "postmark",
        "password_missing",
        3,
        "127.0.0.1",
    )


def test_answer_does_not_wait_for_the_count(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr("cases.inbound.refused_calls._count", broken)

    assert call_of("postmark").post(client, headers={"Authorization": ""}).status_code == 401


def test_nothing_secret_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    call_of("postmark").post(client, headers={"Authorization": "Basic Y2FuYXJ5OmNhbmFyeQ=="})
    call_of("mailersend").post(client, headers={"Signature": "canary"})
    call_of("postmark").post(client)

    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("django.db")]
    assert "canary" not in " ".join(ours).lower()
    assert "order" not in " ".join(ours)


# --- Mailgun's token ---

HOUR = 3600


def now() -> float:
    return time.time()


@pytest.mark.parametrize(("age", "status"), [(11 * HOUR, 200), (13 * HOUR, 400), (-4 * 60, 200), (-10 * 60, 400)])
def test_new_mailgun_token_must_be_young(client: Client, age: float, status: int) -> None:
    response = calls.mailgun_mime(timestamp=now() - age).post(client)

    assert response.status_code == status
    assert InboundEmail.objects.count() == (status == 200)


def test_mailgun_signature_of_2001_is_refused(client: Client) -> None:
    assert calls.mailgun_mime(timestamp=1_000_000_000).post(client).status_code == 400
    assert refused_reasons() == {"signature_old": 1}


def test_mailgun_token_does_not_vouch_for_another_content(client: Client) -> None:
    calls.mailgun_mime().post(client)

    response = calls.mailgun_mime(calls.RAW_MAIL.replace(b"order", b"money")).post(client)

    assert response.status_code == 400
    assert InboundEmail.objects.count() == 1
    assert refused_reasons() == {"signature_reused": 1}


def test_mailgun_retry_is_stored_whatever_its_boundary_and_age(client: Client) -> None:
    old = now() - 30 * HOUR
    call = calls.mailgun_mime(timestamp=old)
    assert call.post(client).status_code == 400
    young = calls.mailgun_mime()
    young.post(client)
    ProviderToken.objects.update(seen_at="2020-01-01T00:00Z")
    other_boundary = calls.Call(
        young.path, young.body.replace(b"xYzZY", b"another"), "multipart/form-data; boundary=another"
    )

    response = other_boundary.post(client)

    assert response.status_code == 200
    assert InboundEmail.objects.count() == 2
    assert ProviderToken.objects.count() == 1


def test_old_mailgun_token_that_is_known_is_stored(client: Client) -> None:
    with time_machine.travel(now() - 30 * HOUR):
        call = calls.mailgun_mime()
        assert call.post(client).status_code == 200

    assert call.post(client).status_code == 200
    assert InboundEmail.objects.count() == 2


def test_mailgun_file_content_counts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.mailgun().post(client)
    monkeypatch.setitem(calls.MAILGUN_FILES, "attachment-1", ("../screen.png", "image/png", b"another"))

    assert calls.mailgun().post(client).status_code == 400


# --- size and transfer ---


def test_body_over_the_limit_is_413_without_reading_it(client: Client) -> None:
    response = client.post(
        "/anymail/postmark/inbound/",
        data=b"x",
        content_type="application/json",
        headers={"Authorization": calls.BASIC_AUTH},
        CONTENT_LENGTH=str(1024 * 1024 + 1),
    )

    assert response.status_code == 413
    assert refused_reasons() == {"too_large": 1}


def request_with(stream: Any, **environ: Any) -> Any:
    return RequestFactory().generic(
        "POST",
        "/anymail/postmark/inbound/",
        headers={"Authorization": calls.BASIC_AUTH},
        **{"wsgi.input": stream, **environ},
    )


def answer(request: Any) -> int:
    view = next(each for each in webhooks.webhook_urlpatterns if each.name == "postmark_inbound_webhook").callback
    return view(request).status_code


def test_body_that_is_cut_is_400_and_not_stored() -> None:
    assert answer(request_with(BytesIO(b'{"From'), CONTENT_LENGTH="100")) == 400
    assert InboundEmail.objects.count() == 0
    assert refused_reasons() == {"body_cut": 1}


def test_broken_connection_is_400_and_not_stored() -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    assert answer(request_with(Broken(), CONTENT_LENGTH="100")) == 400
    assert InboundEmail.objects.count() == 0


def test_chunked_body_without_a_length_is_read_to_its_end() -> None:
    request = request_with(BytesIO(call_of("postmark").body), CONTENT_LENGTH="", **{"wsgi.input_terminated": True})

    assert answer(request) == 200
    assert raw_bytes(InboundEmail.objects.get().raw) == call_of("postmark").body


def test_chunked_body_over_the_limit_is_413() -> None:
    request = request_with(BytesIO(b"x" * (1024 * 1024 + 1)), CONTENT_LENGTH="", **{"wsgi.input_terminated": True})

    assert answer(request) == 413


def test_large_body_is_a_file_and_djangos_own_limits_do_not_hold(client: Client, settings: Any) -> None:
    settings.E2C_MAX_BODY = 40 * 1024 * 1024
    raw = calls.RAW_MAIL + b"x" * 5 * 1024 * 1024

    for call in (
        calls.mailgun_mime(raw),
        calls.sendgrid_raw(raw),
        calls.json_call("postmark", {"TextBody": "x" * 5_000_000}),
    ):
        assert call.post(client).status_code == 200

    assert {(row.raw.content, row.raw.blob is None) for row in InboundEmail.objects.all()} == {(None, False)}
    assert raw in raw_bytes(InboundEmail.objects.get(provider="mailgun").raw)


# --- faults ---


@pytest.mark.parametrize(("provider", "status"), [("postmark", 503), ("sendgrid", 503), ("brevo", 429)])
def test_request_that_cannot_be_stored_is_to_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, rings: list[bool], provider: str, status: int
) -> None:
    def broken(**_request: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(webhooks, "store_inbound_request", broken)

    response = call_of(provider).post(client)

    assert response.status_code == status
    assert rings == []


def test_full_disk_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cases.blobs.DurableFileStorage._write", full)

    response = calls.json_call("postmark", {"TextBody": "x" * 100_000}).post(client)

    assert response.status_code == 503
    assert InboundEmail.objects.count() == 0
    assert refused_reasons() == {"not_stored": 1}


def test_credential_that_is_missing_is_503_not_a_refusal(client: Client, settings: Any) -> None:
    settings.ANYMAIL = {}

    assert call_of("mailersend").post(client).status_code == 503


def test_request_stays_json_that_every_database_stores(client: Client) -> None:
    call_of("postmark").post(client, headers={"X-Odd": "a\x00\xe9"}, QUERY_STRING="a=%00&b=\xe9")

    row = InboundEmail.objects.get()
    assert "\x00" not in json.dumps(row.headers, ensure_ascii=False) + row.query
