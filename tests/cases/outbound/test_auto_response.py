"""Automatic answers: who gets one, who never does, and that two machines fall silent. The fake server's ledger is the
judge of what left.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.inbound.settled import Settled
from cases.models import Case, EmailMessage, Outbox, SendDecision
from cases.outbound.delivery import deliver_due
from cases.outbound.taking_back import resend
from routing.models import AuditEvent, EmailTemplate, EmailToCaseSettings, RoutingAddress
from tests.cases import provider_requests as calls
from tests.factories import ParticipantFactory, RoutingAddressFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.invariants import assert_invariants
from tests.mails import ingest, mint_token, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

PROOF = "Authentication-Results: mx.company.example; dmarc=pass header.from=example.net"
State = Outbox.State


@pytest.fixture(autouse=True)
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    settings.E2C_TRUSTED_AUTHSERV_IDS = frozenset({"mx.company.example"})
    settings.E2C_SYSTEM_FROM = "Email-to-Case <system@company.example>"
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def template() -> EmailTemplate:
    return EmailTemplate.objects.create(
        name="We got it",
        subject="We got your mail (case {{ case.number }})",
        html_body="<p>Hello {{ customer.first_name|there }},</p><p>we answer <b>soon</b>. Case {{ case.number }}.</p>",
    )


@pytest.fixture
def support(template: EmailTemplate) -> RoutingAddress:
    address: RoutingAddress = RoutingAddressFactory(
        verified=True,
        email_address="support@company.example",
        display_name="Company Support",
        auto_response_policy="new_cases",
        auto_response_template=template,
    )
    return address


def mail(*, proof: str | None = PROOF, headers: tuple[str, ...] = (), **parts: Any) -> bytes:
    parts.setdefault("date", f"{timezone.now():%a, %d %b %Y %H:%M:%S +0000}")
    return raw_mail(headers=[*([proof] if proof else []), *headers], **parts)


def receive(**parts: Any) -> Settled:
    return ingest(mail(**parts))


def answers() -> list[Outbox]:
    return list(Outbox.objects.filter(kind="auto").order_by("pk"))


def why_none(settled: Settled) -> str:
    """The trail's reason; proves that nothing was queued for this mail."""
    [line] = [line for line in settled.trail.as_json() if line["step"] == "auto-response"]
    assert line["verdict"] == "none"
    assert not Outbox.objects.filter(kind="auto", answers=settled.inbound).exists()
    return line["because"]


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_person_who_opens_a_case_gets_the_fixed_text_once(support: Any, smtp: FakeSmtpServer) -> None:
    """OB13: fixed text, marked as automatic, to nobody else."""
    settled = receive(
        sender="Casey Customer <casey@example.net>", body="My secret is 4711.", message_id="<q@x.example>"
    )

    assert deliver_due() == 1

    [taken] = smtp.ledger
    message = taken.message
    case = Case.objects.get()
    assert (taken.sender, taken.recipients) == ("system@company.example", ("casey@example.net",))
    assert message["From"] == "Company Support <support@company.example>"
    assert message["To"] == "Casey Customer <casey@example.net>"
    assert (message["Cc"], message["Bcc"]) == (None, None)
    assert message["Subject"] == f"We got your mail (case {case.number_text})"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<q@x.example>"
    text = message.get_payload(0).get_payload(decode=True).decode().replace("\r\n", "\n")
    assert text.startswith(f"Hello Casey,\n\nwe answer soon. Case {case.number_text}.")
    assert b"4711" not in taken.content
    [line] = [line for line in settled.trail.as_json() if line["step"] == "auto-response"]
    assert (line["verdict"], line["because"]) == (
        "queued",
        "casey@example.net is answered from support@company.example",
    )
    assert_invariants()


def test_the_answer_stands_on_the_case_as_an_automatic_mail_of_ours(support: Any, template: Any) -> None:
    receive()
    deliver_due()

    message = EmailMessage.objects.get(incoming=False)
    assert (message.status, message.is_automatic, message.created_by, message.template) == (
        "sent",
        True,
        None,
        template,
    )
    assert message.case.awaiting == "us"
    decision = SendDecision.objects.get()
    assert (decision.stage, decision.allowed, decision.user) == ("send", True, None)


def test_what_the_customer_answers_to_it_joins_the_case(support: Any, smtp: FakeSmtpServer) -> None:
    settled = receive()
    deliver_due()
    answer = smtp.ledger[0].message

    by_reply_address = receive(to=answer["Reply-To"])
    by_message_id = receive(headers=(f"In-Reply-To: {answer['Message-ID']}",))

    assert by_reply_address.case == by_message_id.case == settled.case
    assert (by_reply_address.thread_basis, by_message_id.thread_basis) == ("reply_address", "our_message_id")


def test_tokens_and_signature_go_along_as_set(support: Any) -> None:
    EmailToCaseSettings.objects.update(token_in_subject=True, token_in_body=True)
    RoutingAddress.objects.update(signature="Company Ltd.")

    settled = receive()

    message = EmailMessage.objects.get(incoming=False)
    mark = mint_token(settled.case.pk)
    assert message.subject.endswith(mark)
    assert message.text_body.endswith(f"-- \nCompany Ltd.\n\n{mark}\n")


def test_without_a_subject_the_template_answers_under_the_subject_of_the_mail(support: Any, template: Any) -> None:
    EmailTemplate.objects.update(subject="")

    receive(subject="Broken {{ rep.name }}\r\n =?utf-8?q?x?=")

    assert EmailMessage.objects.get(incoming=False).subject.startswith("Re: Broken {{ rep.name }}")


def test_words_of_the_customer_are_escaped_and_never_fields(support: Any) -> None:
    EmailTemplate.objects.update(html_body="<p>{{ customer.name }} / {{ case.subject }}</p>")

    receive(sender='"<b>{{ address.email }}</b>" <casey@example.net>', subject="<img src=x> {{ case.number }}")

    message = EmailMessage.objects.get(incoming=False)
    assert "<b>" not in message.html_body
    assert "<img" not in message.html_body
    assert message.case.number_text not in message.html_body


def test_the_statements_that_an_answer_costs_are_few(support: Any, template: Any) -> None:
    def cost(sender: str) -> int:
        raw = mail(sender=sender)
        with CaptureQueriesContext(connection) as captured:
            ingest(raw)
        return len(captured)

    receive(sender="first@example.net")  # notes on the address that mail came
    with_answer = cost("one@example.net")
    RoutingAddress.objects.update(auto_response_policy="off")
    without = cost("two@example.net")

    assert with_answer - without == 8


# --- who is never answered -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "because"),
    [
        ({"headers": ("Auto-Submitted: auto-generated",)}, "automatic and list mail is never answered"),
        (
            {"headers": ("Precedence: bulk", "List-Id: <news.example.net>")},
            "automatic and list mail is never answered",
        ),
        ({"headers": ("List-Id: Talk <talk.example.net>",)}, "automatic and list mail is never answered"),
        ({"headers": ("X-Auto-Response-Suppress: All", "Auto-Submitted: auto-replied")}, "automatic and list mail"),
        ({"proof": None}, "nothing proves that casey@example.net sent the mail"),
        ({"proof": PROOF.replace("pass", "fail")}, "nothing proves that casey@example.net sent the mail"),
        ({"proof": PROOF.replace("mx.company", "evil")}, "nothing proves that casey@example.net sent the mail"),
        ({"sender": "no-reply@example.net"}, "nobody reads mail to no-reply@example.net"),
        ({"sender": "bounces+casey=x@example.net"}, "nobody reads mail to bounces+casey=x@example.net"),
        ({"sender": "casey@example.net, ann@example.net"}, "it is not clear who the sender is"),
        ({"date": "Tue, 03 Nov 2020 10:11:12 +0000"}, "the mail is older than three days"),
    ],
)
def test_mail_that_must_not_be_answered(support: Any, parts: dict[str, Any], because: str) -> None:
    assert why_none(receive(**parts)).startswith(because)


def test_an_empty_return_path_is_not_answered(support: Any) -> None:
    assert why_none(ingest(mail(), envelope_from="<>")) == "it came with an empty return path, as machines send it"


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"verified_at": None}, "the address is not verified"),
        ({"verified_email": "other@company.example"}, "the address is not verified"),
        ({"auto_response_stopped_at": timezone.now()}, "the address sent too many answers"),
    ],
)
def test_an_address_that_may_not_send_answers_nobody(support: Any, changes: dict[str, Any], because: str) -> None:
    RoutingAddress.objects.update(**changes)

    assert why_none(receive()).startswith(because)


def test_a_template_that_is_switched_off_or_unfinished_is_not_sent(support: Any) -> None:
    EmailTemplate.objects.update(is_active=False)
    assert why_none(receive()) == "the template of the answer is switched off"

    EmailTemplate.objects.update(is_active=True, text_body="{{ customer.shoe_size }}")
    assert why_none(receive()) == "the template of the answer is not finished"


def test_mail_to_a_case_is_answered_only_by_the_wider_policy(support: Any) -> None:
    case = receive(sender="ann@example.net").case

    assert "opens a case" in why_none(receive(sender="ann@example.net", subject=mint_token(case.pk)))
    RoutingAddress.objects.update(auto_response_policy="every_mail", auto_response_hours=1)
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        receive(sender="ann@example.net", subject=mint_token(case.pk))

    assert len(answers()) == 2


def test_a_stranger_who_got_hold_of_a_token_gets_no_answer(support: Any) -> None:
    RoutingAddress.objects.update(auto_response_policy="every_mail")
    case = receive(sender="ann@example.net").case

    settled = receive(sender="mallory@example.net", subject=mint_token(case.pk))

    assert why_none(settled) == "the sender does not take part in the case"


def test_a_reply_to_of_a_stranger_is_never_written_to(support: Any) -> None:
    # Someone makes a service mail a confirmation link to us, with an answer address of his own.
    receive(sender="hello@example.net", headers=("Reply-To: mallory@evil.example", "Cc: eve@evil.example"))

    [answer] = answers()
    assert answer.recipient == "hello@example.net"
    assert set(answer.email_message.addresses.exclude(role="reply_to").values_list("address", flat=True)) == {
        "hello@example.net"
    }


# --- once, budgets, breaker ------------------------------------------------------------------------------------------


def test_a_second_mail_within_the_window_is_not_answered(support: Any) -> None:
    """OB13: one for each sender and window."""
    receive()

    assert why_none(receive()) == "casey@example.net got an answer within the last 24 hours"
    assert len(answers()) == 1


def test_after_the_window_there_is_one_answer_again_and_not_at_the_stroke_of_the_clock(support: Any) -> None:
    start = timezone.now().replace(hour=23, minute=59)
    for hours in (0, 1, 23, 25, 26):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            receive()

    assert [answer.created_at for answer in answers()] == [start, start + timedelta(hours=25)]


def test_ping_pong_with_a_machine_that_does_not_say_so_ends_after_one(support: Any, smtp: FakeSmtpServer) -> None:
    RoutingAddress.objects.update(auto_response_policy="every_mail")
    settled = receive(sender="robot@example.net")
    for _round in range(6):
        deliver_due()
        theirs = smtp.ledger[-1].message
        receive(
            sender="robot@example.net",
            to=theirs["Reply-To"],
            subject=f"Re: {theirs['Subject']}",
            headers=(f"In-Reply-To: {theirs['Message-ID']}",),
        )

    assert len(smtp.ledger) == 1
    assert settled.case.messages.filter(incoming=True).count() == 7
    assert_invariants()


def test_an_answer_of_another_auto_responder_to_ours_ends_it(support: Any, smtp: FakeSmtpServer) -> None:
    RoutingAddress.objects.update(auto_response_policy="every_mail")
    receive()
    deliver_due()
    ours = smtp.ledger[0].message

    settled = receive(
        to=ours["Reply-To"], headers=("Auto-Submitted: auto-replied", f"In-Reply-To: {ours['Message-ID']}")
    )

    assert settled.state == "appended"
    assert why_none(settled) == "automatic and list mail is never answered"


def test_the_budget_of_a_recipient_counts_over_all_addresses(support: Any, template: Any) -> None:
    for number in range(4):
        RoutingAddressFactory(
            verified=True,
            email_address=f"a{number}@company.example",
            auto_response_policy="new_cases",
            auto_response_template=template,
        )

    outcomes = [receive(to=f"a{number}@company.example") for number in range(4)]

    assert len(answers()) == 3
    assert why_none(outcomes[3]) == "casey@example.net got 3 automatic mails within 24 hours"
    assert_invariants()


def test_the_overall_budget_holds(support: Any) -> None:
    EmailToCaseSettings.objects.update(automatic_mail_daily_budget=2)
    for number in range(3):
        settled = receive(sender=f"p{number}@example.net")

    assert why_none(settled) == "2 automatic mails were sent within 24 hours"


def test_the_breaker_stops_the_address_until_a_person_lets_it_go_on(support: Any) -> None:
    RoutingAddress.objects.update(auto_response_hourly_limit=2)
    for number in range(3):
        settled = receive(sender=f"p{number}@example.net")

    assert why_none(settled) == "support@company.example sent too many answers in an hour and stopped"
    support.refresh_from_db()
    assert support.auto_response_stopped_at is not None
    event = AuditEvent.objects.get(action="auto-response-stopped")
    assert (event.actor, event.detail) == (None, {"sent": 2, "limit": 2})
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert "waits for a person" in why_none(receive(sender="late@example.net"))


# --- at the moment of sending ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"auto_response_policy": "off"}, "Automatic answers of the address are off."),
        ({"is_active": False}, "The address is not in use."),
        ({"verified_at": None}, "The address is not verified."),
        ({"auto_response_stopped_at": timezone.now()}, "The address sent too many answers"),
        (
            {"email_address": "new@company.example", "verified_email": "new@company.example"},
            "The routing address was changed after the mail was written.",
        ),
    ],
)
def test_what_changed_after_it_was_queued_stops_it(
    support: Any, smtp: FakeSmtpServer, changes: dict[str, Any], detail: str
) -> None:
    receive()
    RoutingAddress.objects.update(**changes)

    deliver_due()

    [answer] = answers()
    assert (answer.state, smtp.ledger) == (State.FAILED, [])
    assert answer.detail.startswith(detail)
    assert SendDecision.objects.get().allowed is False


def test_rows_that_no_rule_wrote_do_not_leave(support: Any, smtp: FakeSmtpServer) -> None:
    receive()
    [answer] = answers()

    for spoil in (
        lambda: EmailMessage.objects.filter(incoming=True).update(dmarc="fail"),
        lambda: EmailMessage.objects.filter(incoming=True).update(dmarc="pass", is_automatic=True),
        lambda: answer.email_message.addresses.create(role="cc", address="eve@evil.example"),
        lambda: EmailMessage.objects.filter(incoming=False).update(created_by=UserFactory()),
    ):
        spoil()
        Outbox.objects.update(state=State.QUEUED, lease_until=None, claim_token="", attempts=0)
        deliver_due()
        answer.refresh_from_db()
        assert (answer.state, smtp.ledger) == (State.FAILED, [])


def test_a_person_can_send_a_failed_one_again_under_the_same_rules(support: Any, smtp: FakeSmtpServer) -> None:
    receive()
    RoutingAddress.objects.update(is_active=False)
    deliver_due()
    [answer] = answers()
    RoutingAddress.objects.update(is_active=True)

    resend(answer, by=UserFactory())
    deliver_due()

    answer.refresh_from_db()
    assert (answer.state, len(smtp.ledger)) == (State.SENT, 1)


def test_off_costs_nothing_and_says_nothing(support: Any) -> None:
    RoutingAddress.objects.update(auto_response_policy="off")

    settled = receive()

    assert [line for line in settled.trail.as_json() if line["step"] == "auto-response"] == []
    assert answers() == []


def test_a_colleague_who_forwards_is_not_answered_in_the_customers_place(support: Any) -> None:
    RoutingAddress.objects.update(unwrap_forwards_from="example.net")
    body = "FYI\n\n---------- Forwarded message ---------\nFrom: Ann <ann@customer.example>\nDate: Mon, 2 Nov 2026\n"
    body += "Subject: Help\nTo: <casey@example.net>\n\nIt broke.\n"

    settled = receive(subject="Fwd: Help", body=body)

    assert settled.case.supplied_email == "ann@customer.example"
    assert "forwarded" in why_none(settled)


def test_participants_of_a_case_are_answered_one_by_one(support: Any) -> None:
    RoutingAddress.objects.update(auto_response_policy="every_mail")
    case = receive(sender="ann@example.net").case
    ParticipantFactory(case=case, address="bo@example.net", role="copied")

    receive(sender="bo@example.net", subject=mint_token(case.pk))

    assert [answer.recipient for answer in answers()] == ["ann@example.net", "bo@example.net"]


# --- the whole way ---------------------------------------------------------------------------------------------------


def test_from_the_providers_request_to_the_answer_and_back(
    support: Any, smtp: FakeSmtpServer, client: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    settings.E2C_PROVIDERS, settings.E2C_WEBHOOK_SECRET = list(calls.PROVIDERS), calls.SECRET
    settings.ANYMAIL = calls.ANYMAIL
    request = calls.stored("postmark")
    # The verdicts of the provider, which speaks of SPF alone, would stand in for those of our own server.
    request["Headers"] = [
        {"Name": "Authentication-Results", "Value": PROOF.partition(": ")[2]},
        *(header for header in request["Headers"] if header["Name"] != "Received-SPF"),
    ]

    assert calls.json_call("postmark", request).post(client).status_code == 200
    settle_batch()
    deliver_due()
    ours = smtp.ledger[0].message
    answer = request | {"MessageID": "second", "Subject": f"Re: {ours['Subject']}", "TextBody": "Thank you!"}
    answer["Headers"] = [
        {"Name": "In-Reply-To", "Value": ours["Message-ID"]},
        {"Name": "Message-ID", "Value": "<second@mail.example.net>"},
        *(header for header in request["Headers"] if header["Name"].lower() != "message-id"),
    ]
    assert calls.json_call("postmark", answer).post(client).status_code == 200
    settle_batch()
    deliver_due()

    case = Case.objects.get()
    assert [(mail.incoming, mail.thread_basis) for mail in case.messages.all()] == [
        (True, "none"),
        (False, "none"),
        (True, "our_message_id"),
    ]
    assert len(smtp.ledger) == 1
    assert_invariants()
