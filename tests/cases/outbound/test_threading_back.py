"""What customers' mail programs make of a mail that really left comes back to its case."""

from __future__ import annotations

from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.models import Case, EmailMessage, InboundEmail, Outbox
from cases.outbound.delivery import deliver_due
from cases.outbound.replies import reply_to_case
from routing.models import RoutingAddress
from tests.cases import provider_requests as calls
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

FOLDER = Path(__file__).resolve().parents[2] / "emails" / "answers"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.eml"))
DROPPING = ["drops_headers", "drops_headers_and_quote"]
KEEPING = [name for name in PROGRAMS if name not in DROPPING]
SES_ID = "010f0189c3d5a1b2-6f1e2d3c-4b5a-4978-8697-a5b4c3d2e1f0-000000"
POSTMARK_ID = "b7bc2f4a-e38e-4336-af7d-e6c392c2f817"


@pytest.fixture(autouse=True)
def webhooks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.ANYMAIL = calls.ANYMAIL
    settings.E2C_UNDO_SECONDS = 0


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def support() -> RoutingAddress:
    return verified_address("support@company.example", display_name="Company Support")


@pytest.fixture
def case(support: RoutingAddress) -> Case:
    return case_with_mail(rep("ana"), address=support, message_identifier="first@mail.example.net")


def send(case: Case, support: RoutingAddress, smtp: FakeSmtpServer, *, html: str = "") -> Message:
    """A rep's answer, as the mail server got it."""
    author = case.owner_queue.members.get()  # type: ignore[union-attr]
    reply_to_case(
        case=case,
        author=author,
        send_from=support,
        to=["casey@example.net"],
        text="It left us today.",
        html=html,
        now=timezone.now(),
    )
    while deliver_due():
        pass
    return smtp.ledger[-1].message


def text_of(message: Message) -> str:
    part = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n").strip()


def answer_of(program: str, sent: Message, *, message_id: str = "") -> bytes:
    """What the program writes under its person's words; `message_id`: the id that the customer really got."""
    text, subject = text_of(sent), str(make_header(decode_header(sent["Subject"])))
    values = {
        "message_id": message_id or sent["Message-ID"],
        "references": sent["References"] or "",
        "reply_to": sent["Reply-To"] or sent["From"],
        "public": parseaddr(sent["From"])[1],
        "from": sent["From"],
        "from_html": escape(sent["From"]),
        "name": parseaddr(sent["From"])[0],
        "subject": subject,
        "bare_subject": subject.removeprefix("Re: "),
        "text": text,
        "quoted": "\n".join(f"> {line}" if line else ">" for line in text.split("\n")),
        "html": "<div>" + escape(text).replace("\n", "<br>") + "</div>",
    }
    content = (FOLDER / f"{program}.eml").read_text(encoding="utf-8")
    for name, value in values.items():
        content = content.replace("{{" + name + "}}", value)
    assert "{{" not in content
    return content.replace("\n", "\r\n").encode()


def post(client: Client, raw: bytes) -> InboundEmail:
    """The mail through a provider's webhook, settled."""
    signed = calls.mailgun_signed(
        calls.stored("mailgun_mime") | {"body-mime": raw, "recipient": "support@company.example"}
    )
    assert calls.form_call("/anymail/mailgun/inbound_mime/", signed).post(client).status_code == 200
    settle_batch()
    return InboundEmail.objects.select_related("email_message__case").latest("pk")


def joined(client: Client, raw: bytes, case: Case) -> str:
    """By which sign the answer joined the case."""
    inbound = post(client, raw)
    message = inbound.email_message
    assert (inbound.state, message.case) == ("appended", case), inbound.trail
    assert message.reply_text.strip().startswith("Thank you, it has come.")
    assert "It left us today" not in message.reply_text
    return str(message.thread_basis)


@pytest.mark.parametrize("program", PROGRAMS)
def test_answer_to_the_signed_reply_address_comes_back(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress, program: str
) -> None:
    sent = send(case, support, smtp)

    basis = joined(client, answer_of(program, sent), case)

    assert basis == ("token_body" if program == "drops_headers" else "reply_address")


@pytest.mark.parametrize("program", KEEPING)
def test_without_a_signed_reply_address_the_message_id_brings_it_back(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress, program: str
) -> None:
    RoutingAddress.objects.update(signed_reply_to=False)
    support.refresh_from_db()
    sent = send(case, support, smtp)
    assert "+" not in (sent["Reply-To"] or "")

    assert joined(client, answer_of(program, sent), case) == "our_message_id"


def test_without_headers_and_reply_address_the_token_in_the_quote_brings_it_back(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress
) -> None:
    RoutingAddress.objects.update(signed_reply_to=False)
    support.refresh_from_db()

    assert joined(client, answer_of("drops_headers", send(case, support, smtp)), case) == "token_body"


def test_answer_that_lost_every_sign_opens_a_case_of_its_own(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress
) -> None:
    RoutingAddress.objects.update(signed_reply_to=False)
    support.refresh_from_db()

    inbound = post(client, answer_of("drops_headers_and_quote", send(case, support, smtp)))

    assert inbound.state == "case"
    assert inbound.email_message.case != case


@pytest.mark.parametrize("program", ["gmail_web", "outlook_web", "apple_mail_iphone", "thunderbird", "yahoo"])
@pytest.mark.parametrize(
    ("provider_id", "domain"),
    [(SES_ID, "eu-west-1.amazonses.com"), (SES_ID, "email.amazonses.com"), (POSTMARK_ID, "mtasv.net")],
)
def test_provider_that_writes_over_our_message_id_breaks_nothing(
    client: Client,
    smtp: FakeSmtpServer,
    case: Case,
    support: RoutingAddress,
    program: str,
    provider_id: str,
    domain: str,
) -> None:
    RoutingAddress.objects.update(signed_reply_to=False)
    support.refresh_from_db()
    case.messages.update(message_identifier="", message_identifier_hash="")  # nor is there one of theirs to go by
    sent = send(case, support, smtp)
    EmailMessage.objects.get(incoming=False).deliveries.update(provider_id=provider_id)

    basis = joined(client, answer_of(program, sent, message_id=f"<{provider_id}@{domain}>"), case)

    assert basis == "our_message_id"


@pytest.mark.parametrize("identifier", ["<100200300400500600700800@mail.example>", "<short-1@mail.example>"])
def test_id_of_a_provider_that_can_be_guessed_proves_nothing(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress, identifier: str
) -> None:
    RoutingAddress.objects.update(signed_reply_to=False)
    support.refresh_from_db()
    sent = send(case, support, smtp)
    EmailMessage.objects.get(incoming=False).deliveries.update(provider_id=identifier.strip("<>").partition("@")[0])
    stranger = answer_of("drops_headers_and_quote", sent).replace(b"casey@", b"mallory@")
    stranger = f"In-Reply-To: {identifier}\r\n".encode() + stranger

    inbound = post(client, stranger)

    assert inbound.email_message.case != case


def test_bounce_of_a_mail_whose_id_was_written_over_marks_its_recipient(
    client: Client, smtp: FakeSmtpServer, case: Case, support: RoutingAddress
) -> None:
    send(case, support, smtp)
    message = EmailMessage.objects.get(incoming=False)
    message.deliveries.update(provider_id=SES_ID)
    bounce = f"""From: MAILER-DAEMON@eu-west-1.amazonses.com
To: support@company.example
Subject: Delivery Status Notification (Failure)
Date: Thu, 5 Nov 2026 09:14:22 +0000
Message-ID: <010f0189c3d5ffff-0a0b0c0d-1111-4222-8333-444455556666-000000@eu-west-1.amazonses.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

An error occurred while trying to deliver the mail to the following recipients:
casey@example.net

--b
Content-Type: message/delivery-status

Reporting-MTA: dsn; a7-1.smtp-out.eu-west-1.amazonses.com

Action: failed
Final-Recipient: rfc822; casey@example.net
Diagnostic-Code: smtp; 550 5.1.1 no such user
Status: 5.1.1

--b
Content-Type: message/rfc822

From: support@company.example
To: casey@example.net
Subject: Re: Order 17 has not come
Message-ID: <{SES_ID}@eu-west-1.amazonses.com>

It left us today.
--b--
""".replace("\n", "\r\n")

    inbound = post(client, bounce.encode())

    assert (inbound.state, inbound.email_message.case) == ("appended", case)
    assert dict(message.deliveries.values_list("recipient", "state")) == {"casey@example.net": "bounced"}
    case.refresh_from_db()
    assert case.awaiting == "us"
    assert Outbox.objects.get(email_message=message).state == "sent"
