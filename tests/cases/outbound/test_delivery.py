"""A mail of the Outbox is handed over at most once by a machine. The fake server's ledger is the judge."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage as DjangoEmailMessage
from django.db import connection
from django.utils import timezone

from cases.claims import claim, claimed_rows
from cases.models import CaseEvent, Delivery, EmailAddress, EmailMessage, Outbox
from cases.outbound import delivery
from cases.outbound.delivery import deliver_due
from cases.outbound.endings import MOST_ATTEMPTS, mark_abandoned, record_answer
from cases.outbound.handing_over import Accepted, NotNow, hand_over
from cases.outbound.taking_back import CannotCancel, CannotResend, cancel, resend
from cases.outbound.tasks import deliver
from routing.connections import system_connection
from routing.models import AuditEvent
from tests.factories import CaseFactory, EmailMessageFactory, InboundEmailFactory, RoutingAddressFactory, UserFactory
from tests.fake_esp import FakeEsp, fake_esp
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

State = Outbox.State
LATER = timedelta(hours=2)


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def esp(settings: Any) -> Iterator[FakeEsp]:
    settings.E2C_EMAIL_URL = "anymail+postmark://key@"
    with fake_esp() as fake:
        settings.E2C_ESP_API_URL = fake.url
        yield fake


def queue_notice(key: str = "notice:1", **fields: Any) -> Outbox:
    values = {
        "kind": Outbox.Kind.NOTICE,
        "recipient": "casey@example.net",
        "subject": "Your email was not accepted",
        "text_body": "Grüße,\n.\nHello",
        "message_identifier": f"{key.replace(':', '.')}@company.example",
    }
    return Outbox.objects.create(key=key, **(values | fields))


def state_of(outbox: Outbox) -> str:
    outbox.refresh_from_db()
    return outbox.state


@pytest.mark.django_db
def test_notice_reaches_the_provider_with_its_marks(smtp: FakeSmtpServer, settings: Any) -> None:
    settings.E2C_SYSTEM_FROM = "Help, Desk <no-reply@company.example>"
    outbox = queue_notice(answers=InboundEmailFactory())

    assert deliver_due() == 1

    [taken] = smtp.ledger
    message = taken.message
    assert (taken.sender, taken.recipients) == ("no-reply@company.example", ("casey@example.net",))
    assert message["From"] == '"Help, Desk" <no-reply@company.example>'
    assert message["To"] == "casey@example.net"
    assert message["Message-ID"] == "<notice.1@company.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] == "bulk"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n").rstrip() == "Grüße,\n.\nHello"
    assert state_of(outbox) == State.SENT
    assert outbox.sent_at is not None
    assert outbox.detail == "250 OK"


@pytest.mark.django_db
def test_sent_mail_is_not_sent_again(smtp: FakeSmtpServer) -> None:
    queue_notice()

    assert [deliver_due() for _ in range(3)] == [1, 0, 0]

    with time_machine.travel(timezone.now() + LATER):
        assert deliver_due() == 0
    assert len(smtp.ledger) == 1


@pytest.mark.django_db
def test_task_delivers_what_is_due(smtp: FakeSmtpServer) -> None:
    for number in range(3):
        queue_notice(f"notice:{number}")
    queue_notice("later", not_before=timezone.now() + timedelta(minutes=1))

    deliver()

    assert len(smtp.ledger) == 3
    assert Outbox.objects.get(key="later").state == State.QUEUED


@pytest.mark.django_db
def test_owner_notice_is_marked_as_generated(smtp: FakeSmtpServer, organisation: Any) -> None:
    queue_notice(case=CaseFactory())

    deliver_due()

    assert smtp.ledger[0].message["Auto-Submitted"] == "auto-generated"


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["subject", "recipient", "sender"])
def test_line_ends_add_no_header_and_no_recipient(smtp: FakeSmtpServer, settings: Any, where: str) -> None:
    evil = "x\r\nBcc: victim@example.org\r\n\r\nbody\u2028Bcc: victim@example.org"
    if where == "sender":
        settings.E2C_SYSTEM_FROM = f"{evil} <no-reply@company.example>"
    outbox = queue_notice(**({"subject": evil} if where == "subject" else {}))
    if where == "recipient":
        Outbox.objects.filter(pk=outbox.pk).update(recipient="casey@example.net\r\nBcc: victim@example.org")

    deliver_due()

    assert state_of(outbox) == (State.FAILED if where == "recipient" else State.SENT)
    for taken in smtp.ledger:
        assert taken.recipients == ("casey@example.net",)
        assert taken.message["Bcc"] is None
        assert "\n" not in str(make_header(decode_header(taken.message["Subject"])))


@pytest.mark.django_db
def test_system_address_that_is_none_sends_nothing(smtp: FakeSmtpServer, settings: Any) -> None:
    settings.E2C_SYSTEM_FROM = "Help Desk"
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.FAILED
    assert "E2C_SYSTEM_FROM" in outbox.detail
    assert smtp.ledger == []


def test_refused_recipient_does_not_keep_the_mail_from_the_others(smtp: FakeSmtpServer) -> None:
    smtp.refused_recipients["gone@example.net"] = "550 5.1.1 no such user"
    way_out = system_connection()
    way_out.open()
    mail = DjangoEmailMessage(
        "Hello", "Text", "no-reply@company.example", ["casey@example.net"], cc=["gone@example.net"]
    )

    answer = hand_over(way_out, mail)
    way_out.close()

    assert isinstance(answer, Accepted)
    assert answer.refused == {"gone@example.net": "550 5.1.1 no such user"}
    assert [taken.recipients for taken in smtp.ledger] == [("casey@example.net",)]


def test_one_later_among_refusals_of_all_recipients_is_tried_again(smtp: FakeSmtpServer) -> None:
    smtp.refused_recipients = {"gone@example.net": "550 5.1.1 no such user", "full@example.net": "452 4.2.2 full"}
    way_out = system_connection()
    way_out.open()
    mail = DjangoEmailMessage("Hello", "Text", "no-reply@company.example", ["gone@example.net", "full@example.net"])

    answer = hand_over(way_out, mail)
    way_out.close()

    assert answer == NotNow("452 4.2.2 full")
    assert smtp.ledger == []


@pytest.mark.django_db
def test_connection_refused_is_tried_again(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.E2C_EMAIL_URL = f"smtp://127.0.0.1:{port}"
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED
    assert "ConnectionRefusedError" in outbox.detail
    assert outbox.lease_until is not None
    assert outbox.lease_until > timezone.now()
    assert deliver_due() == 0


@pytest.mark.django_db
def test_unreachable_service_is_tried_once_for_all_mails(smtp: FakeSmtpServer) -> None:
    smtp.answers["connect"] = ["421 closed", "421 closed"]
    rows = [queue_notice(f"notice:{number}") for number in range(3)]

    assert deliver_due() == 0

    assert [state_of(row) for row in rows] == [State.QUEUED] * 3
    assert [row.attempts for row in rows] == [1, 0, 0]
    assert len({row.lease_until for row in rows}) == 1
    assert len(smtp.answers["connect"]) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
def test_silent_service_does_not_hold_up_the_sweeper_for_each_mail(smtp: FakeSmtpServer) -> None:
    smtp.answers["data"] = ["hang", "hang"]
    rows = [queue_notice(f"notice:{number}") for number in range(3)]

    assert deliver_due() == 0

    assert [state_of(row) for row in rows] == [State.UNCERTAIN, State.QUEUED, State.QUEUED]
    assert len(smtp.ledger) == 1


@pytest.mark.django_db
def test_recipient_who_must_wait_does_not_hold_up_the_others(smtp: FakeSmtpServer) -> None:
    smtp.answers["rcpt"] = ["451 4.7.1 greylisted"]
    rows = [queue_notice(f"notice:{number}") for number in range(3)]

    assert deliver_due() == 3

    assert [state_of(row) for row in rows] == [State.QUEUED, State.SENT, State.SENT]


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["connect", "mail", "rcpt", "data"])
def test_temporary_refusal_is_tried_again_and_sent_once(smtp: FakeSmtpServer, command: str) -> None:
    """OB06 by SMTP."""
    smtp.answers[command] = ["451 4.3.0 later"]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED
    assert "451" in outbox.detail or command == "connect"
    assert smtp.ledger == []
    with time_machine.travel(timezone.now() + LATER):
        deliver_due()
    assert state_of(outbox) == State.SENT
    assert len(smtp.ledger) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["mail", "rcpt", "data"])
def test_refusal_for_good_is_not_tried_again(smtp: FakeSmtpServer, command: str) -> None:
    smtp.answers[command] = ["550 5.1.1 no such user"]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.FAILED
    assert outbox.detail == "550 5.1.1 no such user"
    with time_machine.travel(timezone.now() + LATER):
        assert deliver_due() == 0
    assert smtp.ledger == []


@pytest.mark.django_db
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("silence", ["hang", "drop"])
def test_silence_after_the_content_is_uncertain_and_never_sent_again(smtp: FakeSmtpServer, silence: str) -> None:
    """OB03; as a rep sees it in tests/browser/test_refused_sends.py."""
    smtp.answers["data"] = [silence]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.UNCERTAIN
    assert outbox.detail
    with time_machine.travel(timezone.now() + LATER):
        assert deliver_due() == 0
    assert len(smtp.ledger) == 1


@pytest.mark.django_db
def test_hang_up_before_the_content_is_tried_again(smtp: FakeSmtpServer) -> None:
    smtp.answers["mail"] = ["drop"]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED


@pytest.mark.django_db
def test_endless_refusals_end_in_failed(smtp: FakeSmtpServer) -> None:
    outbox = queue_notice(attempts=MOST_ATTEMPTS - 1)
    smtp.answers["mail"] = ["451 later"]

    deliver_due()

    assert state_of(outbox) == State.FAILED
    assert outbox.detail == "Gave up after 12 attempts. 451 later"


@pytest.mark.django_db
def test_row_that_kills_its_workers_ends_in_failed(smtp: FakeSmtpServer) -> None:
    outbox = queue_notice(attempts=MOST_ATTEMPTS)

    deliver_due()

    assert state_of(outbox) == State.FAILED
    assert smtp.ledger == []


@pytest.mark.django_db
def test_failed_notice_of_a_case_is_on_its_history(smtp: FakeSmtpServer, organisation: Any) -> None:
    smtp.answers["rcpt"] = ["550 no such user"]
    case = CaseFactory()
    queue_notice(case=case)

    deliver_due()

    event = CaseEvent.objects.get(case=case)
    assert event.kind == "notice_failed"
    assert event.because == "failed, to casey@example.net: 550 no such user"


@pytest.mark.django_db
def test_mail_from_an_address_that_no_rule_permits_does_not_leave(smtp: FakeSmtpServer, organisation: Any) -> None:
    rows = [
        queue_notice("reply", kind=Outbox.Kind.REPLY, from_address=RoutingAddressFactory(verified=True)),
        queue_notice("auto", kind=Outbox.Kind.AUTO),
        queue_notice("notice", from_address=RoutingAddressFactory(verified=True)),
    ]

    deliver_due()

    assert [state_of(row) for row in rows] == [State.FAILED] * 3
    assert smtp.ledger == []


@pytest.mark.django_db
def test_misconfigured_mail_service_keeps_the_mail(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "nonsense:"
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED
    assert "E2C_EMAIL_URL" in outbox.detail


@pytest.mark.django_db
def test_worker_that_lost_its_claim_hands_nothing_over(smtp: FakeSmtpServer) -> None:
    queue_notice()
    token = claim(
        Outbox.objects.all(), limit=1, lease=timedelta(0), waiting_state=State.QUEUED, claiming_state=State.QUEUED
    )
    [slow] = claimed_rows(Outbox.objects.all(), token)
    deliver_due()

    with pytest.raises(delivery.LostLease):
        delivery._deliver(slow)

    assert len(smtp.ledger) == 1


@pytest.mark.django_db
def test_row_left_in_sending_becomes_uncertain(smtp: FakeSmtpServer, organisation: Any) -> None:
    message = EmailMessageFactory(outgoing=True, status="sending")
    left = queue_notice(
        state=State.SENDING, claim_token="dead", lease_until=timezone.now(), email_message=message, case=message.case
    )
    busy = queue_notice("busy", state=State.SENDING, claim_token="alive", lease_until=timezone.now() + LATER)

    assert deliver_due() == 0

    assert (state_of(left), state_of(busy)) == (State.UNCERTAIN, State.SENDING)
    message.refresh_from_db()
    assert message.status == EmailMessage.Status.UNCERTAIN
    assert CaseEvent.objects.get(case=message.case).detail["state"] == "uncertain"
    assert mark_abandoned() == 0
    assert smtp.ledger == []


@pytest.mark.django_db
def test_late_answer_is_better_than_uncertain(smtp: FakeSmtpServer) -> None:
    outbox = queue_notice(state=State.SENDING, claim_token="slow", lease_until=timezone.now())
    slow = Outbox.objects.get(pk=outbox.pk)
    mark_abandoned()

    record_answer(slow, Accepted(provider_id="p1"))

    assert (state_of(outbox), outbox.provider_id) == (State.SENT, "p1")


@pytest.mark.django_db
def test_late_answer_changes_nothing_after_a_person_sent_the_mail_again(smtp: FakeSmtpServer) -> None:
    outbox = queue_notice(state=State.SENDING, claim_token="slow", lease_until=timezone.now())
    slow = Outbox.objects.get(pk=outbox.pk)
    mark_abandoned()
    outbox.refresh_from_db()
    resend(outbox, by=UserFactory())

    with pytest.raises(delivery.LostLease):
        record_answer(slow, Accepted())

    assert state_of(outbox) == State.QUEUED


@pytest.mark.django_db
def test_person_sends_an_uncertain_mail_again_and_is_named(smtp: FakeSmtpServer) -> None:
    rep = UserFactory()
    outbox = queue_notice(state=State.UNCERTAIN, claim_token="old")

    resend(outbox, by=rep)
    deliver_due()

    assert (state_of(outbox), outbox.human_resends) == (State.SENT, 1)
    assert len(smtp.ledger) == 1
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.detail["was"]) == (rep, "resend_outgoing_mail", "uncertain")


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.SENT, State.CANCELLED])
def test_only_uncertain_and_failed_mail_is_sent_again(state: str) -> None:
    outbox = queue_notice(state=state)

    with pytest.raises(CannotResend):
        resend(outbox, by=UserFactory())

    assert (state_of(outbox), outbox.human_resends) == (state, 0)
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db
def test_waiting_mail_can_be_taken_back(smtp: FakeSmtpServer) -> None:
    outbox = queue_notice()

    cancel(outbox, by=None)

    assert deliver_due() == 0
    assert state_of(outbox) == State.CANCELLED
    assert smtp.ledger == []


@pytest.mark.django_db
def test_mail_under_way_cannot_be_taken_back() -> None:
    outbox = queue_notice(state=State.SENDING)

    with pytest.raises(CannotCancel):
        cancel(outbox, by=None)


@pytest.mark.django_db
def test_message_and_deliveries_follow_the_answer(smtp: FakeSmtpServer, organisation: Any) -> None:
    message = EmailMessageFactory(outgoing=True, status="queued")
    for address in ("casey@example.net", "copied@example.net"):
        EmailAddress.objects.create(email_message=message, role="to", address=address)
    outbox = queue_notice(state=State.SENDING, claim_token="mine", email_message=message)

    record_answer(outbox, Accepted(provider_id="p1", refused={"copied@example.net": "550 no such user"}))

    message.refresh_from_db()
    assert message.status == EmailMessage.Status.SENT
    assert list(Delivery.objects.values_list("recipient", "state", "provider_id", "detail")) == [
        ("casey@example.net", "sent", "p1", ""),
        ("copied@example.net", "bounced", "p1", "550 no such user"),
    ]


# --- a provider's API ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_api_takes_a_mail_and_its_id_is_kept(esp: FakeEsp) -> None:
    outbox = queue_notice()

    deliver_due()

    assert (state_of(outbox), outbox.provider_id) == (State.SENT, "esp-1")
    headers = {header["Name"]: header["Value"] for header in esp.ledger[0]["Headers"]}
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"] == "<notice.1@company.example>"


@pytest.mark.django_db
@pytest.mark.parametrize("status", [429, 503])
def test_api_that_is_busy_gets_the_mail_when_it_said(esp: FakeEsp, status: int, still_clock: datetime) -> None:
    """OB06"""
    esp.answers = [(status, {"Retry-After": "120"}, {})]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED
    assert outbox.lease_until is not None
    assert timedelta(seconds=120) <= outbox.lease_until - still_clock < timedelta(seconds=130)
    assert esp.ledger == []
    with time_machine.travel(still_clock + timedelta(seconds=131)):
        deliver_due()
    assert state_of(outbox) == State.SENT
    assert (len(esp.ledger), esp.calls) == (1, 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((422, {}, {"ErrorCode": 300, "Message": "Error parsing 'From': Illegal address"}), "Illegal address"),
        (
            (422, {}, {"ErrorCode": 300, "Message": "Error parsing 'To': Illegal email address 'casey@example.net'."}),
            "",
        ),
        ((403, {}, {"Message": "This account may not send."}), "may not send"),
    ],
)
def test_api_that_says_no_fails_the_mail(esp: FakeEsp, answer: Any, words: str) -> None:
    esp.answers = [answer]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.FAILED
    assert words in outbox.detail
    assert esp.ledger == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer",
    [
        "hang",
        "drop",
        (500, {}, {}),
        (502, {}, {}),
        (422, {}, {"ErrorCode": 300, "Message": "Error parsing 'To': what?"}),
    ],
)
def test_api_whose_answer_is_unclear_leaves_the_mail_uncertain(esp: FakeEsp, settings: Any, answer: Any) -> None:
    if answer == "hang":
        settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": 2}  # seconds
    esp.answers = [answer]
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.UNCERTAIN
    with time_machine.travel(timezone.now() + LATER):
        deliver_due()
    assert esp.calls == 1


@pytest.mark.django_db
def test_api_that_cannot_be_reached_is_tried_again(esp: FakeEsp, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.E2C_ESP_API_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED


@pytest.mark.django_db
def test_api_with_a_name_that_does_not_exist_is_tried_again(esp: FakeEsp, settings: Any) -> None:
    settings.E2C_ESP_API_URL = "http://api.nowhere.invalid/"
    outbox = queue_notice()

    deliver_due()

    assert state_of(outbox) == State.QUEUED


# --- two workers -----------------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_hand_each_mail_over_once(smtp: FakeSmtpServer) -> None:
    """OB09"""
    keys = {f"notice.{number}@company.example" for number in range(12)}
    for number in range(12):
        queue_notice(f"notice:{number}")
    start = threading.Barrier(2)

    def work() -> None:
        try:
            start.wait()
            while deliver_due(limit=2):
                pass
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sorted(taken.message["Message-ID"].strip("<>") for taken in smtp.ledger) == sorted(keys)
    assert set(Outbox.objects.values_list("state", flat=True)) == {State.SENT}
