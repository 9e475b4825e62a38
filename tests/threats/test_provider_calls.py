"""Floods, replays and late retries of webhook calls, seen to the end (FW11, FW13, RP01, RP02, RP04)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.models import Case, CaseStatus, EmailMessage, InboundEmail, RefusedCall
from tests.cases import provider_requests as calls
from tests.factories import RoutingAddressFactory
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation", "rings")]

HOUR = 3600


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.E2C_SNS_TOPICS = [calls.TOPIC]
    settings.ANYMAIL = calls.ANYMAIL


@pytest.fixture
def support() -> Any:
    return RoutingAddressFactory(email_address="support@company.example", verified=True)


def postmark(**changed: Any) -> calls.Call:
    return calls.json_call("postmark", calls.stored("postmark") | changed)


def settle() -> None:
    while settle_batch():
        pass


def outcomes() -> Counter[str]:
    return Counter(InboundEmail.objects.values_list("state", flat=True))


def test_one_good_call_among_500_bad_ones_is_accepted_and_nothing_of_them_is_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call = postmark(Subject="quartzsubject", TextBody="quartzbody")

    bad = Counter()
    for number in range(500):
        header = ["Basic cXVhcnR6Omd1ZXNz", "Bearer quartzguess", "Basic not-base64-quartz", ""][number % 4]
        bad[call.post(client, headers={"Authorization": header}).status_code] += 1
        if number == 250:
            good = call.post(client)

    assert (bad, good.status_code) == ({401: 500}, 200)
    assert InboundEmail.objects.count() == 1
    assert sum(RefusedCall.objects.values_list("count", flat=True)) == 500
    assert RefusedCall.objects.count() <= 4  # they are counted, not kept
    logged = " ".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    for word in ("quartz", "cXVhcnR6", "correct horse", calls.BASIC_AUTH.removeprefix("Basic ")):
        assert word not in logged


def test_known_unknown_and_blocked_recipients_and_senders_get_the_same_answer(client: Client, support: Any) -> None:
    support.block_email_from = "blocked@example.org"
    support.save()
    answers = []

    for number, (sender, to) in enumerate(
        [
            ("casey@example.net", "support@company.example"),
            ("casey@example.net", "nobody@elsewhere.example"),
            ("blocked@example.org", "support@company.example"),
        ]
    ):
        person = {"Email": to, "Name": "", "MailboxHash": ""}
        response = postmark(
            From=sender,
            FromFull={"Email": sender, "Name": ""},
            To=to,
            ToFull=[person],
            Cc="",
            CcFull=[],
            OriginalRecipient=to,
            MessageID=f"m-{number}",
            Headers=[{"Name": "Message-ID", "Value": f"<x{number}@mail.example.net>"}],
        ).post(client)
        answers.append((response.status_code, response.content, sorted(response.headers.items())))
    settle()

    assert answers[0] == answers[1] == answers[2]
    assert list(InboundEmail.objects.order_by("pk").values_list("state", "reason")) == [
        ("case", ""),
        ("quarantined", "no_routing_address"),
        ("rejected", "blocked_sender"),
    ]


def test_one_body_twice_is_one_mail_and_two_deliveries(client: Client, support: Any) -> None:
    call = postmark(To="support@company.example", OriginalRecipient="support@company.example")

    statuses = [call.post(client).status_code for _ in range(2)]
    settle()

    assert statuses == [200, 200]
    assert outcomes() == {"case": 1, "duplicate": 1}
    assert EmailMessage.objects.count() == Case.objects.count() == 1
    assert_invariants([(hashlib.sha256(call.body).hexdigest(), 200)])


@pytest.mark.parametrize("hours", [1, 7, 30])
def test_a_mailgun_request_again_hours_later_makes_no_second_mail(client: Client, support: Any, hours: int) -> None:
    """Its signature covers the token alone; a token that is known vouches for its one content however old."""
    call = calls.mailgun_mime(timestamp=time.time())
    first = call.post(client).status_code
    settle()

    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        again = call.post(client).status_code
        settle()

    assert (first, again) == (200, 200)
    assert EmailMessage.objects.count() == 1
    assert outcomes() == {"case": 1, "duplicate": 1}


def test_a_mailgun_request_that_first_arrives_in_its_retry_window_is_taken(client: Client, support: Any) -> None:
    late = calls.mailgun_mime(timestamp=time.time() - 7 * HOUR, token="one").post(client).status_code
    too_late = calls.mailgun_mime(timestamp=time.time() - 30 * HOUR, token="two").post(client).status_code

    assert (late, too_late) == (200, 400)
    assert dict(RefusedCall.objects.values_list("reason", "count")) == {"signature_old": 1}


def test_a_replay_neither_reopens_nor_recreates_a_closed_case(client: Client, support: Any) -> None:
    call = postmark(To="support@company.example", OriginalRecipient="support@company.example")
    call.post(client)
    settle()
    closed = CaseStatus.objects.filter(is_closed=True).first()
    Case.objects.update(status=closed, closed_at=timezone.now())

    call.post(client)
    settle()

    case = Case.objects.get()
    assert (case.is_closed, case.reopened_count) == (True, 0)
    assert outcomes() == {"case": 1, "duplicate": 1}


def test_a_case_that_mail_opened_cannot_vanish_and_be_recreated_by_a_replay(client: Client, support: Any) -> None:
    """RP04: cases are not deleted (the mail holds them); a replay therefore always finds the mail it repeats."""
    call = postmark(To="support@company.example", OriginalRecipient="support@company.example")
    call.post(client)
    settle()

    with pytest.raises(Exception, match="protected"):
        Case.objects.get().delete()
    call.post(client)
    settle()

    assert Case.objects.count() == 1
    assert InboundEmail.objects.get(state="duplicate").duplicate_of == EmailMessage.objects.get()
