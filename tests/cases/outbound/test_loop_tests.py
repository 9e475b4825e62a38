"""The test mail that really goes round: Outbox, a mail server, a forward, and in again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.utils import timezone

from cases.models import Case, EmailMessage, LoopTest, Outbox
from cases.outbound.delivery import deliver_due
from cases.outbound.loop_tests import CannotTest, alert_missing, last_tests_of, send_canaries, send_test
from routing.models import AuditEvent, RoutingAddress
from tests.factories import RoutingAddressFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.mails import ingest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as server:
        settings.E2C_EMAIL_URL = f"smtp://127.0.0.1:{server.port}"
        settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
        yield server


@pytest.fixture
def support() -> RoutingAddress:
    return RoutingAddressFactory(
        routing_name="Support", email_address="support@company.example", verified=True, forwarding_seen_at=None
    )


@pytest.fixture
def admin() -> Any:
    user = UserFactory(email="admin@company.example", staff=True)
    user.user_permissions.add(Permission.objects.get(codename="customize_application"))
    return user


def deliver(at: Any = None) -> None:
    with time_machine.travel(at or timezone.now()):
        while deliver_due():
            pass


def forward(smtp: FakeSmtpServer, address: RoutingAddress) -> Any:
    """What the company's mail system does: the mail as it is, to the services address."""
    return ingest(smtp.ledger[-1].message.as_bytes(), to=[address.services_address])


def test_a_test_mail_goes_round_and_says_how(smtp: FakeSmtpServer, support: RoutingAddress, admin: Any) -> None:
    test = send_test(support, by=admin, now=timezone.now())
    deliver()

    settled = forward(smtp, support)

    test.refresh_from_db()
    support.refresh_from_db()
    assert smtp.ledger[-1].recipients == ("support@company.example",)
    assert (settled.state, settled.reason) == ("rejected", "own_loop")
    assert settled.because == (
        "our own test mail for support@company.example came back by its services address in envelope: the loop works"
    )
    assert test.arrived_at is not None
    assert (test.matched_by, test.from_intact) == ("services address in envelope", True)
    assert test.inbound_email == settled.inbound
    assert support.forwarding_seen_at is not None
    assert not Case.objects.exists()
    assert not EmailMessage.objects.exists()
    assert AuditEvent.objects.filter(action="test-mail-sent").count() == 1
    assert last_tests_of([support]) == {support.pk: test}


def test_a_forward_that_rewrites_the_sender_or_the_id_is_seen(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    test = send_test(support, by=None, now=timezone.now())
    deliver()
    mail = smtp.ledger[-1].message
    del mail["Message-ID"], mail["From"]
    mail["Message-ID"], mail["From"] = "<other@forwarder.example>", "support@company.example"

    settled = ingest(mail.as_bytes(), to=[support.services_address])

    test.refresh_from_db()
    assert settled.reason == "own_loop"
    assert (test.arrived_at is not None, test.from_intact) == (True, False)


def test_a_forward_to_the_wrong_services_address_proves_nothing(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    other = RoutingAddressFactory(email_address="other@company.example")
    test = send_test(support, by=None, now=timezone.now())
    deliver()

    settled = forward(smtp, other)

    test.refresh_from_db()
    assert test.arrived_at is None
    assert "reached another address: the forward is wrong" in settled.because


def test_nobody_else_can_make_a_test_arrive(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    test = send_test(support, by=None, now=timezone.now())
    lines = [
        "From: no-reply@company.example",
        f"To: {support.email_address}",
        "",
        f"e2c-test:{test.nonce}:{'A' * 43}",
        "",
    ]
    forged = "\r\n".join(lines)

    ingest(forged.encode(), to=[support.services_address])

    test.refresh_from_db()
    assert test.arrived_at is None


def test_a_second_test_within_a_minute_is_refused(support: RoutingAddress) -> None:
    now = timezone.now()
    send_test(support, by=None, now=now)

    with pytest.raises(CannotTest, match="within the last minute"):
        send_test(support, by=None, now=now + timedelta(seconds=30))

    send_test(support, by=None, now=now + timedelta(seconds=61))
    assert Outbox.objects.filter(kind="test").count() == 2


def test_canary_runs_by_its_schedule_for_verified_addresses_alone(support: RoutingAddress) -> None:
    RoutingAddress.objects.update(canary_hours=6)
    RoutingAddressFactory(email_address="new@company.example", canary_hours=6)  # not verified
    now = timezone.now()

    counts = [send_canaries(now=now + timedelta(hours=hours)) for hours in (0, 1, 5, 7)]

    assert counts == [1, 0, 0, 1]
    assert {test.routing_address for test in LoopTest.objects.all()} == {support}


def test_a_broken_forward_is_told_to_admins_once(smtp: FakeSmtpServer, support: RoutingAddress, admin: Any) -> None:
    RoutingAddress.objects.update(canary_hours=1)
    now = timezone.now()
    send_canaries(now=now)
    deliver()

    early = alert_missing(now=now + timedelta(minutes=14))
    late = [alert_missing(now=now + timedelta(minutes=minutes)) for minutes in (16, 17)]

    assert (early, late) == (0, [1, 0])
    notice = Outbox.objects.get(kind="notice")
    assert (notice.recipient, notice.subject) == (
        "admin@company.example",
        "Mail to support@company.example does not arrive",
    )
    assert support.services_address in notice.text_body
    assert "the way from your mail system to this one is broken" in notice.text_body
    assert AuditEvent.objects.filter(action="canary-missing").count() == 1


def test_a_mail_service_that_is_away_is_named(support: RoutingAddress, admin: Any, settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:1"
    RoutingAddress.objects.update(canary_hours=1)
    now = timezone.now()
    send_canaries(now=now)
    deliver()

    alert_missing(now=now + timedelta(minutes=16))

    assert "It did not leave here (queued" in Outbox.objects.get(kind="notice").text_body


def test_a_canary_that_came_back_alerts_nobody(smtp: FakeSmtpServer, support: RoutingAddress, admin: Any) -> None:
    RoutingAddress.objects.update(canary_hours=1)
    now = timezone.now()
    send_canaries(now=now)
    deliver()
    forward(smtp, support)

    assert alert_missing(now=now + timedelta(hours=1)) == 0
