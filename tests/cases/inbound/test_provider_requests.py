"""A stored request of each provider becomes the mail it brought, without parsing it and without waiting for ever."""

from __future__ import annotations

import ast
import inspect
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.utils import timezone
from moto.server import ThreadedMotoServer

from cases.inbound import amazon_ses_views, provider_views
from cases.inbound.accept import RequestFacts
from cases.inbound.captured_message import CapturedMessage
from cases.inbound.provider_requests import (
    FetchFailed,
    NotAMail,
    ReceivedMail,
    UnreadableRequest,
    mails_of,
    read_tracking_events,
)
from cases.inbound.reader import read_mail, read_pieces
from cases.models import InboundEmail, RawBody, TrackingRequest
from tests.cases import provider_requests as calls
from tests.fake_provider import FakeProvider

SUPPORT = "support@company.example"
SERVICES = "abc123@inbound.company.example"


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.E2C_SNS_TOPICS = [calls.TOPIC]
    settings.ANYMAIL = calls.ANYMAIL
    settings.E2C_FETCH_TIMEOUT = 60
    settings.E2C_INBOUND_API_URL = ""


@pytest.fixture
def api(settings: Any) -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        settings.E2C_INBOUND_API_URL = provider.url
        yield provider


def row(call: calls.Call, model: type[InboundEmail] | type[TrackingRequest] = InboundEmail) -> Any:
    """A row as the door stores it; nothing here needs a database."""
    provider = call.path.split("/")[2]
    facts = RequestFacts("POST", call.path, "", {"Content-Type": call.content_type, **call.headers})
    return model(
        provider=provider,
        received_at=timezone.now(),
        method=facts.method,
        path=facts.path,
        headers=dict(facts.headers),
        raw=RawBody(content=call.body, size=len(call.body), sha256=""),
    )


def only_mail(call: calls.Call) -> ReceivedMail:
    (mail,) = every_mail(row(call))
    return mail


def every_mail(inbound: InboundEmail) -> list[ReceivedMail]:
    mails = mails_of(inbound)
    return [mails.read(number) for number in range(max(mails.count, 1))]


def subject_of(mail: ReceivedMail) -> str:
    if mail.raw is not None:
        return read_mail(mail.raw).subject
    assert mail.pieces is not None
    return read_pieces(mail.pieces.headers, mail.pieces.text, mail.pieces.html, mail.pieces.attachments).subject


# --- each provider ---

ENVELOPES = {
    "amazon_ses_sns": ("casey@example.net", (SUPPORT, SERVICES), {"spf": "pass", "dkim": "none", "dmarc": "fail"}),
    "mailersend": ("casey@example.net", (SUPPORT, SERVICES), {"spf": "pass", "dkim": "pass"}),
    "mailgun": ("casey@example.net", (SUPPORT,), {"spf": "pass", "dkim": "pass"}),
    "mailgun_mime": ("casey@example.net", (SUPPORT,), {}),
    "mailjet": ("casey@example.net", (SUPPORT,), {}),
    "mandrill": (None, (SUPPORT,), {"spf": "pass", "dkim": "pass"}),
    "postal": ("casey@example.net", (SUPPORT,), {}),
    "postmark": ("casey@example.net", (SUPPORT,), {"spf": "pass"}),
    "postmark_raw": ("casey@example.net", (SUPPORT,), {"spf": "pass"}),
    "sendgrid": ("casey@example.net", (SUPPORT, SERVICES), {"spf": "softfail", "dkim": "pass"}),
    "sendgrid_raw": ("casey@example.net", (SUPPORT,), {"spf": "pass", "dkim": "none"}),
    "sparkpost": ("casey@example.net", (SUPPORT,), {}),
}
CALLS = calls.all_calls()


@pytest.mark.parametrize("name", ENVELOPES)
def test_provider_request_becomes_its_mail(name: str) -> None:
    sender, recipients, authentication = ENVELOPES[name]

    mail = only_mail(CALLS[name])

    assert subject_of(mail) == "Läuft nicht"
    assert mail.facts.provider == CALLS[name].path.split("/")[2]
    assert mail.facts.envelope_sender == sender
    assert mail.facts.envelope_recipients == recipients
    assert mail.facts.authentication == authentication


@pytest.mark.parametrize(
    "name",
    [
        "amazon_ses_sns",
        "mailersend",
        "mailgun_mime",
        "mandrill",
        "postal",
        "postmark_raw",
        "sendgrid_raw",
        "sparkpost",
    ],
)
def test_raw_mail_keeps_its_bytes(name: str) -> None:
    assert only_mail(CALLS[name]).raw == calls.RAW_MAIL


@pytest.mark.parametrize("name", ["mailgun", "mailjet", "postmark", "sendgrid"])
def test_parsed_mail_has_its_text_and_files(name: str) -> None:
    mail = only_mail(CALLS[name])

    assert mail.raw is None
    assert mail.pieces is not None
    assert mail.pieces.text == "Hello, my order hängt."
    assert mail.pieces.html is not None
    assert (mail.pieces.attachments[0].content_type, mail.pieces.attachments[0].content) == ("image/png", calls.PNG)
    assert mail.pieces.attachments[0].file_name.endswith("screen.png")


def test_mailgun_file_named_like_a_path_keeps_its_name_as_data_and_its_content_id() -> None:
    mail = only_mail(calls.mailgun())

    assert mail.pieces is not None
    assert [(file.file_name, file.content_id, file.inline) for file in mail.pieces.attachments] == [
        ("../screen.png", "", False),
        ("logo.png", "logo@example.net", True),
    ]


def test_mailgun_form_with_120_files_keeps_them_all() -> None:
    files = {f"attachment-{n}": ("..", "text/plain", str(n).encode()) for n in range(1, 121)}
    fields = calls.stored("mailgun") | {"attachment-count": "120"}

    mail = only_mail(calls.form_call("/anymail/mailgun/inbound/", fields | {"timestamp": "1793700673"}, files))

    assert mail.pieces is not None
    assert len(mail.pieces.attachments) == 120


@pytest.mark.parametrize("make", [calls.mailgun_mime, calls.sendgrid_raw])
def test_raw_mail_in_a_form_survives_bytes_that_are_not_utf8(make: Any) -> None:
    raw = calls.RAW_MAIL.replace("hängt".encode(), "hängt".encode("iso-8859-1")) + bytes(range(256))

    assert only_mail(make(raw)).raw == raw


def test_raw_mail_in_base64_survives_bytes_that_are_not_utf8() -> None:
    import base64

    raw = b"Subject: x\r\n\r\n" + bytes(range(256))
    encoded = base64.b64encode(raw).decode()
    sparkpost = calls.stored("sparkpost")
    sparkpost[0]["msys"]["relay_message"]["content"]["email_rfc822"] = encoded

    assert only_mail(calls.postal(calls.stored("postal") | {"message": encoded})).raw == raw
    assert only_mail(calls.json_call("sparkpost", sparkpost)).raw == raw


def test_raw_mail_in_json_survives_bytes_that_are_not_utf8() -> None:
    body = b'{"RawEmail": "Subject: x\\r\\n\\r\\nh\xe4ngt", "OriginalRecipient": "support@company.example"}'

    assert only_mail(calls.Call("/anymail/postmark/inbound/", body)).raw == b"Subject: x\r\n\r\nh\xe4ngt"


def test_smtp_row_is_the_mail_with_the_rows_envelope() -> None:
    inbound = InboundEmail(
        provider="smtp",
        raw=RawBody(content=calls.RAW_MAIL),
        envelope_sender="<>",
        envelope_recipients=[SUPPORT, SERVICES],
    )

    (mail,) = every_mail(inbound)

    assert mail.raw == calls.RAW_MAIL
    assert (mail.facts.envelope_sender, mail.facts.envelope_recipients) == ("", (SUPPORT, SERVICES))


def test_ingested_row_without_an_envelope_says_nothing_of_its_sender() -> None:
    (mail,) = every_mail(InboundEmail(provider="ingest", raw=RawBody(content=b"Subject: x\r\n\r\n")))

    assert mail.facts.envelope_sender is None


def test_several_mails_of_one_request_come_in_order() -> None:
    first, second = calls.stored("mandrill")[0], calls.stored("mandrill")[0]
    second["msg"]["raw_msg"] = "Subject: second\r\n\r\n"
    tracking = {"event": "send", "msg": {"email": "casey@example.net"}}

    mails = every_mail(row(calls.mandrill([first, tracking, second])))

    assert [subject_of(mail) for mail in mails] == ["Läuft nicht", "second"]


def test_bad_event_costs_no_other_mail_of_its_request(api: FakeProvider) -> None:
    sparkpost, mandrill = calls.stored("sparkpost")[0], calls.stored("mandrill")[0]
    brevo = calls.stored("brevo")["items"][0] | {"Attachments": []}
    batches = [
        calls.json_call("sparkpost", [{"msys": {"relay_message": {"protocol": "smtp"}}}, sparkpost]),
        calls.mandrill([{"event": "inbound"}, mandrill]),
        calls.json_call("brevo", {"items": [{"Headers": 1}, brevo]}),
    ]

    for batch in batches:
        mails = mails_of(row(batch))

        assert mails.count == 2
        with pytest.raises(UnreadableRequest, match="cannot be read"):
            mails.read(0)
        assert subject_of(mails.read(1)) == "Läuft nicht"


def test_request_of_bad_events_alone_is_unreadable() -> None:
    with pytest.raises(UnreadableRequest):
        every_mail(row(calls.mandrill([{"event": "inbound"}, {"event": "inbound"}])))


def test_content_that_is_not_handed_out_holds_up_no_other_mail_of_its_request(api: FakeProvider) -> None:
    event = calls.stored("mailtrap")["events"][0]
    events = [event | {"message_id": "gone"}, event | {"message_id": "there"}]
    api.answer("/inbound/inboxes/4711/messages/there", {"raw_message_url": f"{api.url}/raw/there"})
    api.answer("/raw/there", calls.RAW_MAIL)
    mails = mails_of(row(calls.json_call("mailtrap", {"events": events})))

    assert mails.count == 2
    assert mails.read(1).raw == calls.RAW_MAIL
    assert api.paths_asked() == ["/inbound/inboxes/4711/messages/there", "/raw/there"]
    with pytest.raises(FetchFailed):
        mails.read(0)


def test_mail_waits_while_its_provider_is_not_set_up(settings: Any) -> None:
    settings.ANYMAIL = {}

    with pytest.raises(FetchFailed, match="not set up"):
        every_mail(row(CALLS["brevo"]))


def test_spam_verdict_of_the_provider_is_kept() -> None:
    ses = calls.stored("amazon_ses_sns")
    ses["Message"] = ses["Message"].replace('"spamVerdict": {"status": "PASS"}', '"spamVerdict": {"status": "FAIL"}')

    mail = only_mail(calls.sns(Message=ses["Message"]))

    assert mail.facts.spam_detected is True
    assert only_mail(calls.postal(calls.stored("postal") | {"spam_status": "Spam"})).facts.spam_detected is True
    assert only_mail(CALLS["sendgrid"]).facts.spam_score == 0.3


def test_verdict_that_the_sender_wrote_himself_is_not_believed() -> None:
    forged = b"Received: from a by mx.provider.example\r\nX-Mailgun-Spf: Pass\r\nX-Mailgun-Dkim-Check-Result: Pass\r\n"

    mail = only_mail(calls.mailgun_mime(forged + calls.RAW_MAIL))

    assert mail.facts.authentication == {}


# --- the seam ---


@pytest.mark.parametrize("provider", provider_views.INBOUND_MODULES)
def test_every_inbound_module_of_anymail_builds_captured_messages(provider: str) -> None:
    module = provider_views.webhook_module(provider)

    assert module.AnymailInboundMessage is CapturedMessage
    assert getattr(module, "requests", provider_views.Fetches) is provider_views.Fetches


def test_no_inbound_module_of_anymail_is_forgotten() -> None:
    inbound = {path.provider for path in provider_views.provider_paths() if path.brings_mail}

    assert inbound == set(provider_views.INBOUND_MODULES) == set(calls.PROVIDERS)


@pytest.mark.parametrize("provider", provider_views.INBOUND_MODULES)
def test_captured_message_has_all_that_the_views_use(provider: str) -> None:
    source = Path(inspect.getsourcefile(provider_views.webhook_module(provider)) or "").read_text()
    messages = {"AnymailInboundMessage", "message", "part_headers", "attachment"}
    used = {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in messages
    }

    assert used <= set(dir(CapturedMessage())) | {"items"}


def test_mail_bomb_costs_nothing_before_the_reader() -> None:
    bomb = (
        b"Subject: "
        + b"=?utf-8?q?x?= " * 60_000
        + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n" * 50_000
    )
    started = time.process_time()

    mail = only_mail(calls.mailgun_mime(bomb))

    assert mail.raw == bomb
    assert time.process_time() - started < 2


# --- odd requests ---


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"From', b"\xff\xfe", b"[" * 100_000, b"0", b'"text"'])
@pytest.mark.parametrize("provider", ["postmark", "mailjet", "brevo", "postal", "mailersend", "amazon_ses"])
def test_body_that_is_no_request_is_unreadable_with_a_reason(provider: str, body: bytes) -> None:
    with pytest.raises(UnreadableRequest) as raised:
        every_mail(row(calls.Call(f"/anymail/{provider}/inbound/", body)))

    assert 0 < len(str(raised.value)) < 400


@pytest.mark.parametrize("provider", ["sendgrid", "mailgun", "mandrill"])
def test_form_without_a_mail_is_unreadable(provider: str) -> None:
    with pytest.raises(UnreadableRequest):
        every_mail(row(calls.form_call(f"/anymail/{provider}/inbound/", {"x": "y"})))


def test_lone_surrogates_in_json_do_not_lose_the_mail() -> None:
    body = (
        b'{"FromFull":{"Email":"casey@example.net","Name":"x\\ud800y"},"To":"support@company.example",'
        b'"ToFull":[{"Email":"support@company.example","Name":""}],"OriginalRecipient":"support@company.example",'
        b'"Subject":"s\\udfff 28755082","TextBody":"b\\ud800",'
        b'"Headers":[{"Name":"Message-ID","Value":"<2.p@example.net>"}]}'
    )

    mail = only_mail(calls.Call("/anymail/postmark/inbound/", body))

    assert subject_of(mail) == "s\ufffd 28755082"
    assert mail.facts.envelope_recipients == (SUPPORT,)


@pytest.mark.parametrize("text", [["x"], 1.5, True, {"a": "b"}])
@pytest.mark.parametrize(
    ("name", "field"), [("mailjet", "Text-part"), ("mailjet", "Html-part"), ("brevo", "RawTextBody")]
)
def test_text_that_is_none_is_unreadable(name: str, field: str, text: Any) -> None:
    value = calls.stored(name)
    mail = value["items"][0] | {"Attachments": []} if name == "brevo" else value
    mail[field] = text

    with pytest.raises(UnreadableRequest, match="is no text"):
        only_mail(calls.json_call(name, {"items": [mail]} if name == "brevo" else mail))


def test_a_sender_that_is_no_text_does_not_lose_the_mail() -> None:
    assert subject_of(only_mail(calls.json_call("mailjet", calls.stored("mailjet") | {"From": 1.5}))) == "Läuft nicht"


def test_line_breaks_and_holes_in_json_headers_do_not_lose_the_mail() -> None:
    call = calls.json_call(
        "postmark",
        {
            "FromFull": {"Email": "casey@example.net", "Name": "x\ny"},
            "ToFull": [{"Email": SUPPORT, "Name": ""}, None],
            "OriginalRecipient": SUPPORT,
            "Subject": "s",
            "TextBody": "t",
            "Headers": [
                {"Name": "X-A", "Value": "a\nBcc: victim@example.org"},
                {"Name": "Subject", "Value": "other"},
                {},
            ],
            "Attachments": [{"Name": "a.txt"}, None],
        },
    )

    mail = only_mail(call)

    assert mail.pieces is not None
    email = read_pieces(mail.pieces.headers, mail.pieces.text, mail.pieces.html, mail.pieces.attachments)
    assert (email.subject, email.sender and email.sender.address, email.bcc) == ("s", "casey@example.net", ())
    assert [file.file_name for file in mail.pieces.attachments] == ["a.txt"]


def test_provider_test_event_is_not_a_mail() -> None:
    ping = calls.json_call("sparkpost", [{"msys": {}}])
    validated = calls.sns(Message="Successfully validated SNS topic for Amazon SES event publishing.")
    mailtrap = calls.stored("mailtrap")
    mailtrap["events"][0]["inbox_id"] = 1

    for call in (ping, validated, calls.mandrill([]), calls.json_call("mailtrap", mailtrap)):
        with pytest.raises(NotAMail):
            every_mail(row(call))


def test_tracking_event_at_the_inbound_path_is_not_a_mail() -> None:
    with pytest.raises(NotAMail, match="another kind"):
        every_mail(row(calls.json_call("postmark", {"RecordType": "Delivery", "MessageID": "1"})))


# --- content fetched by API ---


def test_resend_fetches_the_raw_mail(api: FakeProvider) -> None:
    api.answer(
        "/emails/receiving/56761188-7520-42d8-8898-ff6fc54ce618", {"raw": {"download_url": f"{api.url}/raw/1?sig=x"}}
    )
    api.answer("/raw/1", calls.RAW_MAIL)

    mail = only_mail(calls.resend())

    assert mail.raw == calls.RAW_MAIL
    assert mail.facts.envelope_recipients == (SUPPORT, SERVICES)
    assert api.asked[0].headers["authorization"] == "Bearer resend-key"
    assert "authorization" not in api.asked[1].headers


def test_resend_mail_without_a_raw_form_is_put_together(api: FakeProvider) -> None:
    api.answer(
        "/emails/receiving/56761188-7520-42d8-8898-ff6fc54ce618",
        {
            "from": "Casey Customer <casey@example.net>",
            "to": [SUPPORT],
            "subject": "Läuft nicht",
            "text": "Hello",
            "headers": {"x-a": "1"},
            "message_id": "<a1b2c3@mail.example.net>",
            "attachments": [{"filename": "screen.png", "download_url": f"{api.url}/file", "content_id": None}],
        },
    )
    api.answer("/file", calls.PNG, content_type="image/png")

    mail = only_mail(calls.resend())

    assert mail.pieces is not None
    assert subject_of(mail) == "Läuft nicht"
    assert mail.pieces.attachments[0].content == calls.PNG


def test_brevo_fetches_its_attachments(api: FakeProvider) -> None:
    api.answer("/inbound/attachments/eyJmb2xkZXIi.token-1", calls.PNG, content_type="image/png")

    mail = only_mail(CALLS["brevo"])

    assert mail.pieces is not None
    assert (mail.pieces.text, subject_of(mail)) == ("Hello, my order hängt.", "Läuft nicht")
    assert [(file.file_name, file.content) for file in mail.pieces.attachments] == [("screen.png", calls.PNG)]
    assert mail.facts.envelope_recipients == (SUPPORT, SERVICES)
    assert api.asked[0].headers["api-key"] == "brevo-key"


def test_mailtrap_fetches_the_raw_mail(api: FakeProvider) -> None:
    api.answer("/inbound/inboxes/4711/messages/019c5d6e", {"id": "019c5d6e", "raw_message_url": f"{api.url}/raw"})
    api.answer("/raw", calls.RAW_MAIL)

    assert only_mail(CALLS["mailtrap"]).raw == calls.RAW_MAIL


@pytest.mark.parametrize("status", [500, 503, 429, 404, 401])
def test_fetch_that_fails_can_be_tried_again(api: FakeProvider, status: int) -> None:
    api.answer("/inbound/attachments/eyJmb2xkZXIi.token-1", calls.PNG, content_type="image/png", fail_first=[status])

    with pytest.raises(FetchFailed, match=str(status)):
        every_mail(row(CALLS["brevo"]))
    (mail,) = every_mail(row(CALLS["brevo"]))

    assert mail.pieces is not None
    assert len(mail.pieces.attachments) == 1


def test_fetch_that_hangs_ends_after_the_timeout(api: FakeProvider, settings: Any) -> None:
    settings.E2C_FETCH_TIMEOUT = 1
    api.answer("/inbound/attachments/eyJmb2xkZXIi.token-1", calls.PNG, delay=60)
    started = time.monotonic()

    with pytest.raises(FetchFailed):
        every_mail(row(CALLS["brevo"]))

    assert time.monotonic() - started < 30  # long before the answer


def test_fetch_from_a_port_that_nobody_listens_on_fails_for_now(settings: Any) -> None:
    settings.E2C_INBOUND_API_URL = "http://127.0.0.1:9"

    for call in (calls.resend(), CALLS["brevo"], CALLS["mailtrap"]):
        with pytest.raises(FetchFailed):
            every_mail(row(call))


def test_content_over_the_limit_is_unreadable(api: FakeProvider, settings: Any) -> None:
    settings.E2C_MAX_BODY = 1000
    api.answer("/inbound/attachments/eyJmb2xkZXIi.token-1", b"x" * 200_000)

    with pytest.raises(UnreadableRequest, match="more than 1000 bytes"):
        every_mail(row(CALLS["brevo"]))


def test_answer_of_the_api_that_is_no_json_is_unreadable(api: FakeProvider) -> None:
    api.answer("/emails/receiving/56761188-7520-42d8-8898-ff6fc54ce618", b"<html>")

    with pytest.raises(UnreadableRequest):
        every_mail(row(calls.resend()))


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.E2C_INBOUND_API_URL = moto_url
    client = boto3.client("s3", endpoint_url=moto_url)
    client.create_bucket(Bucket="company-inbound")
    return client


def test_ses_fetches_the_mail_from_s3(s3: Any) -> None:
    key = "mail/jili9m351il3gkburn7o2f0u6788stij94c8ld01"
    with pytest.raises(FetchFailed):
        every_mail(row(CALLS["amazon_ses_s3"]))
    s3.put_object(Bucket="company-inbound", Key=key, Body=calls.RAW_MAIL)

    mail = only_mail(CALLS["amazon_ses_s3"])

    assert mail.raw == calls.RAW_MAIL
    assert mail.facts.envelope_recipients == (SUPPORT, SERVICES)


def test_ses_mail_in_an_s3_that_is_down_can_be_fetched_later(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    settings.E2C_INBOUND_API_URL = "http://127.0.0.1:9"

    with pytest.raises(FetchFailed):
        every_mail(row(CALLS["amazon_ses_s3"]))


# --- subscriptions ---


def test_subscription_of_our_topic_is_confirmed_by_its_link(api: FakeProvider) -> None:
    api.answer("/", b"<ConfirmSubscriptionResponse/>")

    with pytest.raises(NotAMail, match="was confirmed"):
        every_mail(row(calls.sns("amazon_ses_confirmation")))

    assert [(asked.method, asked.path) for asked in api.asked] == [("GET", "/")]
    assert "Action=ConfirmSubscription" in api.asked[0].query


def test_subscription_that_cannot_be_confirmed_now_is_tried_again(api: FakeProvider) -> None:
    api.answer("/", b"", status=500)

    with pytest.raises(FetchFailed):
        every_mail(row(calls.sns("amazon_ses_confirmation")))


def test_subscription_of_another_topic_asks_nobody(api: FakeProvider) -> None:
    with pytest.raises(NotAMail, match="not confirmed"):
        every_mail(row(calls.sns("amazon_ses_confirmation", TopicArn="arn:aws:sns:us-east-1:666666666666:attacker")))

    assert api.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        "http://sns.eu-central-1.amazonaws.com/",
        "https://sns.eu-central-1.amazonaws.com.evil.example/",
        "https://sns.evil.example/amazonaws.com",
        "https://user@evil.example/",
        "file:///etc/passwd",
        "",
    ],
)
def test_subscription_link_that_is_not_amazons_is_not_followed(url: str) -> None:
    with pytest.raises(NotAMail, match="not confirmed"):
        amazon_ses_views.confirmation_url(url)


def test_subscription_link_of_amazon_is_followed_as_it_is() -> None:
    url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"

    assert amazon_ses_views.confirmation_url(url) == url


# --- tracking ---


def test_tracking_request_gives_normalised_events() -> None:
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "MessageID": "m1", "Email": "casey@example.net"}

    (event,) = read_tracking_events(row(calls.json_call("postmark", bounce, kind="tracking"), TrackingRequest))

    assert (event.event_type, event.message_id, event.recipient) == ("bounced", "m1", "casey@example.net")


def test_mandrill_tracking_leaves_mail_out() -> None:
    events = [*calls.stored("mandrill"), {"event": "hard_bounce", "_id": "m1", "msg": {"email": "casey@example.net"}}]

    (event,) = read_tracking_events(row(calls.mandrill(events), TrackingRequest))

    assert (event.event_type, event.message_id) == ("bounced", "m1")


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"Rec'])
def test_unreadable_tracking_request_has_a_reason(body: bytes) -> None:
    with pytest.raises(UnreadableRequest):
        read_tracking_events(row(calls.Call("/anymail/postmark/tracking/", body), TrackingRequest))


def test_stored_file_that_is_gone_is_a_temporary_failure() -> None:
    lost = row(CALLS["postmark"])
    lost.raw = RawBody(content=None, blob=None)

    with pytest.raises(FetchFailed, match="storage"):
        every_mail(lost)


def test_requests_stay_the_recorded_shape() -> None:
    assert json.loads(calls.sns().body)["TopicArn"] == calls.TOPIC
