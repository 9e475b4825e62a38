"""The mail lab: what it foretells is what happens, looking leaves nothing behind, and only who configures may."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.inbound.provider_requests import FetchFailed, UnreadableRequest, mails_of
from cases.inbound.provider_views import provider_paths
from cases.inbound.settle import settle_batch
from cases.mail_lab.foretelling import became
from cases.mail_lab.pace import LOOKS, NotNow, Pace
from cases.mail_lab.posting import MOST_AN_HOUR
from cases.mail_lab.samples import CUSTOMER, SAMPLES, make_sample
from cases.mail_lab.shapes import SHAPES, SMTP, Envelope, request_for
from cases.models import Case, InboundEmail, Outbox, RawBody, RefusedCall
from cases.templatetags.case_pages import TRAIL_STEPS
from routing.models import AuditEvent, EmailTemplate, FlowStep, RepPresence, RoutingAddress, RoutingFlow
from tests.cases import provider_requests as calls
from tests.factories import QueueFactory, RecordTypeFactory, RoutingAddressFactory, UserFactory
from tests.fake_provider import FakeProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

URL = "/admin/cases/inboundemail/lab/"
ADDRESS = "support@company.example"
RAW = b"From: a@customer.example\r\nTo: support@company.example\r\nSubject: Hi\r\n\r\nHi\r\n"


@pytest.fixture(autouse=True)
def configured(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.E2C_SNS_TOPICS = [calls.TOPIC]
    settings.ANYMAIL = calls.ANYMAIL
    settings.ALLOWED_HOSTS = ["testserver"]
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    LOOKS.forget()


@pytest.fixture
def configurer() -> User:
    user: User = UserFactory(username="configurer", staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename="customize_application"))
    return user


@pytest.fixture
def page(client: Client, configurer: User) -> Client:
    client.force_login(configurer)
    return client


@pytest.fixture
def address() -> RoutingAddress:
    """One that does all it can: a flow that chooses a rep, a task, an automatic answer, settings of its own."""
    queue, rep = QueueFactory(name="Repairs", email="repairs@company.example"), UserFactory(username="dana")
    queue.members.add(rep)
    RepPresence.objects.create(user=rep, status="available", capacity=100)
    flow = RoutingFlow.objects.create(name="By subject")
    conditions = {"field": "subject", "operator": "contains", "value": "lamp"}
    FlowStep.objects.create(flow=flow, label="Lamps", target="members", queue=queue, conditions=conditions)
    made: RoutingAddress = RoutingAddressFactory(
        email_address=ADDRESS,
        routing_name="Support",
        verified=True,
        owner_queue=queue,
        strategy="flow",
        flow=flow,
        fallback_queue=queue,
        case_priority="High",
        case_origin="Web",
        case_record_type=RecordTypeFactory(name="Repair"),
        create_task=True,
        save_email_headers=True,
        auto_response_policy="every_mail",
        auto_response_template=EmailTemplate.objects.create(name="Thanks", text_body="We got it."),
    )
    return made


def everything(storage: Path) -> dict[str, Any]:
    """Every row of every table, every stored file, every mail that left."""
    rows: dict[str, Any] = {
        model._meta.label: sorted(map(repr, model._default_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label != "sessions.Session"
    }
    files = (
        {str(path): path.stat().st_size for path in storage.rglob("*") if path.is_file()} if storage.exists() else {}
    )
    return rows | {"files": files, "mail": list(mail.outbox)}


def look(page: Client, **fields: Any) -> Any:
    return page.post(URL, {"recipient": ADDRESS, "verdict": "pass", "shape": "postmark", "look": "1"} | fields)


def do(page: Client, looked: Any) -> InboundEmail:
    """Press the button of the page that was looked at, and let a worker settle what came in."""
    hidden = dict(
        re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', looked.text.split('name="do"')[0])
    )
    answer = page.post(
        URL, {key: value for key, value in hidden.items() if key != "csrfmiddlewaretoken"} | {"do": "1"}
    )
    assert answer.status_code == 302, answer.text
    while settle_batch():
        pass
    return InboundEmail.objects.select_related("routing_address").get(pk=answer["Location"].strip("/").split("/")[-2])


def without_number(subject: str) -> str:
    """PostgreSQL gives no number twice, also when the case that had it was rolled back."""
    return re.sub(r"\b\d{8}\b", "00000000", subject.split("#")[0])


def pairs() -> list[tuple[str, str]]:
    """The plain mail in every shape, each other sample in three of them, so that every shape has some of each kind."""
    shapes = sorted(SHAPES)
    others = [
        (sample, shapes[(number + step * len(shapes) // 3) % len(shapes)])
        for number, sample in enumerate(sorted(set(SAMPLES) - {"plain"}))
        for step in range(3)
    ]
    return [("plain", shape) for shape in shapes] + others


@pytest.mark.parametrize(("sample", "shape"), pairs())
def test_what_is_foretold_is_what_then_happens_and_looking_leaves_nothing(
    page: Client, address: RoutingAddress, own_storage: Path, sample: str, shape: str
) -> None:
    before = everything(own_storage)

    looked = look(page, sample=sample, shape=shape)

    assert looked.status_code == 200
    after = everything(own_storage)
    assert [label for label in before if before[label] != after[label]] == []
    foretold = looked.context["foretold"]
    if looked.context["cannot"]:
        assert sample in ("nested", "no_sender", "two_senders"), looked.context["cannot"]
        return
    assert foretold is not None
    assert foretold.failure == ""
    assert {line["step"] for line in foretold.trail} <= TRAIL_STEPS.keys()
    queued = Outbox.objects.count()

    inbound = do(page, looked)

    assert became(inbound) == foretold.values
    leaving = Outbox.objects.order_by("pk")[queued:]
    assert [(each.recipient, without_number(each.subject)) for each in leaving] == [
        (each.recipient, without_number(each.subject)) for each in foretold.leaving
    ]


def test_every_provider_that_brings_mail_can_be_tried() -> None:
    paths = {path.provider for path in provider_paths() if path.brings_mail}

    assert {shape.provider for shape in SHAPES.values()} - {SMTP} == paths
    assert paths == set(calls.PROVIDERS)


@pytest.mark.parametrize(
    ("sample", "outcome", "reason"),
    [
        ("plain", "case", ""),
        ("picture", "case", ""),
        ("attachment", "case", ""),
        ("bare_reply", "case", ""),
        ("bounce", "rejected", "bounce_unmatched"),
        ("out_of_office", "rejected", "automatic_unmatched"),
        ("own_loop", "rejected", "own_loop"),
        ("newsletter", "case", ""),
        ("no_sender", "case", ""),
        ("forged_proof", "case", ""),
        ("nested", "case", ""),
    ],
)
def test_each_sample_shows_what_it_is_for(
    page: Client, address: RoutingAddress, sample: str, outcome: str, reason: str
) -> None:
    values = look(page, sample=sample, shape="mailgun_mime").context["foretold"].values

    assert (values["outcome"], values["reason"]) == (outcome, reason)


@pytest.mark.parametrize(
    ("sample", "basis"), [("token_reply", "token_subject"), ("headers_reply", "their_message_id")]
)
def test_replies_join_the_case_that_a_sample_opened_and_never_a_customers(
    page: Client, address: RoutingAddress, sample: str, basis: str
) -> None:
    assert look(page, sample=sample).context["foretold"].values["case"] == "new"
    do(page, look(page, sample="plain"))
    case = Case.objects.get()

    foretold = look(page, sample=sample).context["foretold"]

    assert (foretold.values["outcome"], foretold.values["case"]) == ("appended", case.number_text)
    assert foretold.values["thread_basis"] == basis
    Case.objects.update(supplied_email="somebody@customer.example")
    assert look(page, sample=sample).context["foretold"].values["outcome"] == "case"


def test_the_steps_and_stamps_say_why(page: Client, address: RoutingAddress) -> None:
    looked = look(page, sample="plain", shape="amazon_ses")

    stamps = {stamp.what: (stamp.value, stamp.because) for stamp in looked.context["foretold"].stamps}
    titles = [str(step["title"]) for step in looked.context["steps"]]
    assert titles[:3] == ["The webhook answers", "What is read", "Read"]
    assert stamps["Owner"][0] == "dana"
    assert "step “Lamps”" in stamps["Owner"][1]
    assert stamps["Priority"] == ("High", f"set on {ADDRESS}")
    assert stamps["Record type"] == ("Repair", f"set on {ADDRESS}")
    assert "It would open a case." in looked.text
    assert CUSTOMER in {each.recipient for each in looked.context["foretold"].leaving}


def test_a_provider_that_is_not_listed_and_a_credential_that_is_not_set_are_said(
    page: Client, address: RoutingAddress, settings: Any
) -> None:
    settings.E2C_PROVIDERS = ["postmark"]
    settings.ANYMAIL = {}

    unlisted = look(page, sample="plain", shape="mailjet")
    unsigned = look(page, sample="plain", shape="mailgun")

    assert (unlisted.context["verdict"].status, unlisted.context["foretold"]) == (404, None)
    assert 'name="do"' not in unlisted.text
    assert "E2C_MAILGUN_WEBHOOK_SIGNING_KEY is not set here" in unsigned.text
    assert RefusedCall.objects.count() == 0


def test_a_mail_for_nobody_is_quarantined(page: Client, address: RoutingAddress) -> None:
    raw = b"From: a@customer.example\r\nTo: nobody@company.example\r\nSubject: Hi\r\n\r\nHi\r\n"

    values = look(page, file=SimpleUploadedFile("m.eml", raw), recipient="nobody@company.example").context["foretold"]

    assert (values.values["outcome"], values.values["reason"]) == ("quarantined", "no_routing_address")


def test_a_mail_of_ones_own_is_handed_in_byte_for_byte(page: Client, address: RoutingAddress) -> None:
    raw = b"From: a@customer.example\r\nTo: x@company.example\r\nSubject: \xfcml\xe4ut\r\n\r\n\xff\xfe\x00bytes\r\n"

    looked = look(page, file=SimpleUploadedFile("m.eml", raw), shape="smtp", envelope_sender="a@customer.example")
    inbound = do(page, looked)

    assert inbound.raw.sha256 == hashlib.sha256(raw).hexdigest()
    assert (inbound.provider, inbound.envelope_sender) == ("smtp", "a@customer.example")
    assert inbound.envelope_recipients == [ADDRESS]


def test_what_is_done_is_audited_and_says_that_it_came_from_the_lab(
    page: Client, address: RoutingAddress, configurer: User
) -> None:
    inbound = do(page, look(page, sample="plain", shape="sendgrid"))

    event = AuditEvent.objects.get(action="mail-lab-posted")
    assert event.actor == configurer
    assert event.detail == {"mail": "plain", "shape": "sendgrid", "recipient": ADDRESS}
    assert inbound.headers["User-Agent"] == "Email-to-Case mail lab"
    assert "Authorization" not in inbound.headers


def test_more_than_so_many_an_hour_are_refused(page: Client, address: RoutingAddress, configurer: User) -> None:
    looked = look(page, sample="plain")
    AuditEvent.objects.bulk_create(
        AuditEvent(action="mail-lab-posted", actor=configurer, target="x") for _number in range(MOST_AN_HOUR)
    )

    answer = page.post(
        URL,
        {
            "mail": looked.context["mail_base64"],
            "recipient": ADDRESS,
            "verdict": "pass",
            "shape": "postmark",
            "do": "1",
        },
    )

    assert answer.status_code == 429
    assert InboundEmail.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose a sample"),
        ({"file": SimpleUploadedFile("m.eml", b"x" * 1_048_577)}, "larger than 1024 KB"),
        ({"text": "x" * 1_048_577}, "larger than 1024 KB"),
        ({"mail": "!!"}, "damaged"),
        ({"sample": "no such"}, "Select a valid choice"),
        ({"sample": "plain", "shape": "pigeon"}, "Select a valid choice"),
        ({"sample": "plain", "recipient": "a b@c.example"}, "one email address"),
    ],
)
def test_what_cannot_be_tried_says_why(page: Client, fields: dict[str, Any], words: str) -> None:
    answer = look(page, **fields)

    assert (answer.status_code, words in answer.text) == (422, True)


def test_a_mail_is_shown_as_text_and_never_runs(page: Client, address: RoutingAddress) -> None:
    looked = look(page, sample="script")

    assert "<script>alert" not in looked.text
    assert "&lt;script&gt;alert" in looked.text


@pytest.mark.parametrize("permission", ["", "view_inboundemail", "retry_inboundemail"])
def test_staff_who_may_not_configure_get_nothing(client: Client, permission: str) -> None:
    user = UserFactory(staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename=permission))
    client.force_login(user)
    mail_text = base64.b64encode(make_sample("plain", ADDRESS, now=timezone.now()).raw).decode()
    given = {"mail": mail_text, "recipient": ADDRESS, "verdict": "pass", "shape": "postmark", "do": "1"}

    answers = [client.get(URL), client.post(URL, given)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert InboundEmail.objects.count() == 0


def test_the_page_asks_the_database_little(page: Client, address: RoutingAddress) -> None:
    page.get(URL)

    with CaptureQueriesContext(connection) as captured:
        page.get(URL)

    assert len(captured) <= 8


def test_a_post_without_its_token_is_refused(configurer: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(configurer)

    assert browser.post(URL, {"sample": "plain", "do": "1"}).status_code == 403
    assert InboundEmail.objects.count() == 0


# --- providers that keep the mail, and the one that signs with a key of its own ---
@pytest.mark.parametrize("shape", ["brevo", "mailtrap", "resend"])
def test_what_the_provider_would_hand_out_is_read_from_the_request_and_nobody_is_asked(
    page: Client, address: RoutingAddress, settings: Any, shape: str
) -> None:
    with FakeProvider() as api:
        settings.E2C_INBOUND_API_URL = api.url

        looked = look(page, sample="attachment", shape=shape)
        inbound = do(page, looked)

        assert api.asked == []
    assert inbound.state == "case"
    [file] = inbound.email_message.attachments.all()
    assert file.blob.size > 0
    assert "nobody is asked" in looked.text


def test_content_that_was_not_enclosed_here_is_no_content(address: RoutingAddress, settings: Any) -> None:
    """Whoever may post as a provider could answer for the provider's API otherwise."""
    made = request_for(SHAPES["resend"], RAW, Envelope(ADDRESS), site="http://testserver")
    settings.SECRET_KEY = "another instance's"
    inbound = InboundEmail(provider="resend", path=made.path, raw=RawBody(content=made.body, size=0, sha256=""))

    with pytest.raises(UnreadableRequest, match="did not sign"):
        mails_of(inbound)


def test_enclosed_content_answers_for_no_other_name(address: RoutingAddress, settings: Any) -> None:
    made = request_for(SHAPES["resend"], RAW, Envelope(ADDRESS), site="http://testserver")
    value = json.loads(made.body)
    value["data"]["email_id"] = "somebody-elses"
    inbound = InboundEmail(
        provider="resend", path=made.path, raw=RawBody(content=json.dumps(value).encode(), size=0, sha256="")
    )

    with FakeProvider() as api:
        settings.E2C_INBOUND_API_URL = api.url
        with pytest.raises(FetchFailed, match="404"):
            mails_of(inbound).read(0)
        assert api.asked == []


def test_a_request_signed_with_the_labs_key_opens_no_webhook(
    page: Client, address: RoutingAddress, client: Client
) -> None:
    made = request_for(SHAPES["postal"], RAW, Envelope(ADDRESS), site="http://testserver")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in made.headers.items()}

    answer = client.generic("POST", made.path, made.body, content_type=made.content_type, **headers)

    assert answer.status_code == 400
    assert not InboundEmail.objects.exists()
    assert RefusedCall.objects.get().reason == "signature_wrong"
    looked = look(page, sample="plain", shape="postal")
    assert "a key of the lab" in looked.text
    assert do(page, looked).state == "case"


def test_a_key_of_postal_that_is_none_is_said(page: Client, address: RoutingAddress, settings: Any) -> None:
    settings.ANYMAIL = calls.ANYMAIL | {"POSTAL_WEBHOOK_KEY": "not a key"}

    assert "E2C_POSTAL_WEBHOOK_KEY is no public key" in look(page, sample="plain", shape="postal").text


# --- how often ---
def test_one_person_may_look_so_many_times_a_minute(page: Client, address: RoutingAddress) -> None:
    for _ in range(LOOKS.most):
        assert look(page, sample="plain").status_code == 200

    refused = look(page, sample="plain")

    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert f"at {LOOKS.most} mails a minute" in refused.text
    assert 'name="do"' not in refused.text


def test_turns_come_back_after_a_minute_and_belong_to_one_person() -> None:
    now = 0.0
    pace = Pace(2, clock=lambda: now)
    for moment in (0.0, 30.0):
        now = moment
        with pace.turn(1):
            pass

    with pytest.raises(NotNow) as refused, pace.turn(1):
        pass
    with pace.turn(2):
        pass
    now = 60.0
    with pace.turn(1):
        pass

    assert refused.value.wait == 30


def test_one_person_looks_at_one_mail_at_a_time() -> None:
    pace = Pace(5)

    with pace.turn(1), pytest.raises(NotNow), pace.turn(1):
        pass
    with pace.turn(1):
        pass


def test_without_an_address_the_lab_says_so_and_leads_to_the_first_steps(page: Client) -> None:
    shown = page.get(URL).content.decode()

    assert "There is no routing address yet" in shown
    assert 'href="/admin/routing/routingaddress/first-steps/"' in shown


def test_with_an_address_the_lab_says_nothing_of_that(page: Client, address: RoutingAddress) -> None:
    assert "There is no routing address yet" not in page.get(URL).content.decode()
