"""Reports of providers land on the one delivery they are about, in whatever order they come."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.message_ids import hash_of
from cases.models import Case, CaseEvent, Delivery, EmailAddress, EmailMessage, Outbox, TrackingRequest
from cases.outbound.closing import close_with
from cases.outbound.tracking import TrackingReader, settle_tracking
from cases.sweeping import apply_tracking, tell_people
from tests.cases import provider_requests as calls
from tests.factories import CaseFactory, EmailMessageFactory, RawBodyFactory, UserFactory

pytestmark = pytest.mark.django_db

IDENTIFIER = "e2c.abc@company.example"
AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Event:
    event_type: str
    message_id: str | None = IDENTIFIER
    recipient: str | None = "casey@example.net"
    timestamp: datetime | None = AT
    description: str | None = None
    mta_response: str | None = None


class NoEvent(Exception):
    pass


class Unreadable(Exception):
    pass


def stored_request(**fields: Any) -> TrackingRequest:
    values = {"received_at": timezone.now(), "provider": "postmark", "raw": RawBodyFactory()}
    return TrackingRequest.objects.create(**(values | fields))


def settle(events: Iterable[Event] | Exception, row: TrackingRequest | None = None) -> TrackingRequest:
    row = row or stored_request()

    def read(_row: TrackingRequest) -> Iterable[Event]:
        if isinstance(events, Exception):
            raise events
        return events

    settle_tracking(TrackingReader(read, ignored=(NoEvent,), unreadable=(Unreadable,)))
    row.refresh_from_db()
    return row


@pytest.fixture
def sent(organisation: Any) -> EmailMessage:
    """A reply that was handed over to two recipients."""
    case = CaseFactory(owner_queue=None, owner_user=UserFactory(email="rep@company.example"), awaiting="customer")
    message = EmailMessageFactory(
        outgoing=True, case=case, message_identifier=IDENTIFIER, message_identifier_hash=hash_of(IDENTIFIER)
    )
    Outbox.objects.create(
        key="reply:1", kind="reply", case=case, email_message=message, recipient="casey@example.net", state="sent"
    )
    for address, provider_id in (("casey@example.net", "esp-1"), ("copied@example.net", "esp-2")):
        EmailAddress.objects.create(email_message=message, role="to", address=address)
        Delivery.objects.create(
            email_message=message, recipient=address, state="sent", provider_id=provider_id, at=timezone.now()
        )
    return message


def states() -> dict[str, str]:
    return dict(Delivery.objects.values_list("recipient", "state"))


@pytest.mark.parametrize(
    ("record", "state"),
    [({"RecordType": "Bounce", "Type": "HardBounce"}, "bounced"), ({"RecordType": "SpamComplaint"}, "complained")],
)
def test_report_that_a_provider_posts_counts_and_a_forged_one_does_not(
    sent: EmailMessage,
    client: Client,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    record: dict[str, str],
    state: str,
) -> None:
    """OB15"""
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    settings.E2C_PROVIDERS, settings.E2C_WEBHOOK_SECRET = ["postmark"], calls.SECRET
    settings.ANYMAIL = calls.ANYMAIL
    facts = {"MessageID": "esp-1", "Email": "casey@example.net", "BouncedAt": AT.isoformat(), "Details": "550 no"}
    report = calls.json_call("postmark", facts | record, kind="tracking")

    forged = [report.post(client, headers={"Authorization": word}) for word in ("", "Basic bWFsbG9yeTp4")]
    apply_tracking()
    assert [answer.status_code for answer in forged] == [401, 401]
    assert not TrackingRequest.objects.exists()
    assert states() == {"casey@example.net": "sent", "copied@example.net": "sent"}

    assert report.post(client).status_code == 200
    apply_tracking()
    assert states() == {"casey@example.net": state, "copied@example.net": "sent"}


@pytest.mark.parametrize("message_id", [IDENTIFIER, f"<{IDENTIFIER}>", IDENTIFIER.upper(), "esp-1"])
def test_report_finds_its_mail_by_our_id_or_the_providers(sent: EmailMessage, message_id: str) -> None:
    row = settle([Event("delivered", message_id=message_id, mta_response="250 OK")])

    assert (row.state, row.reason) == ("applied", "")
    assert row.settled_at is not None
    assert states() == {"casey@example.net": "delivered", "copied@example.net": "sent"}
    delivery = Delivery.objects.get(recipient="casey@example.net")
    assert (delivery.detail, delivery.at) == ("250 OK", AT)


def test_recipient_is_compared_without_case(sent: EmailMessage) -> None:
    settle([Event("delivered", recipient="Casey@Example.NET")])

    assert states()["casey@example.net"] == "delivered"


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "deferred", "delivered", "opened"])))
def test_reports_in_any_order_end_in_the_same_state(sent: EmailMessage, order: tuple[str, ...]) -> None:
    for event_type in order:
        settle([Event(event_type)])

    assert states()["casey@example.net"] == "opened"
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize("order", [("bounced", "delivered"), ("delivered", "bounced")])
def test_bounce_wins_over_delivered(sent: EmailMessage, order: tuple[str, str]) -> None:
    for event_type in order:
        settle([Event(event_type)])

    assert states()["casey@example.net"] == "bounced"


def test_overtaken_report_is_ignored_with_its_reason(sent: EmailMessage) -> None:
    settle([Event("delivered")])

    row = settle([Event("sent")])

    assert (row.state, row.reason) == ("ignored", "overtaken")


def test_bounce_gives_the_case_back_to_its_owner_once(sent: EmailMessage) -> None:
    for _ in range(2):
        settle([Event("bounced", mta_response="550 5.1.1 no such user")])
    settle([Event("complained")])

    case = sent.case
    case.refresh_from_db()
    assert case.awaiting == "us"
    event = CaseEvent.objects.get(case=case)
    assert (event.kind, event.because) == ("bounce_added", "casey@example.net bounced: 550 5.1.1 no such user")
    tell_people()
    notice = Outbox.objects.get(kind="notice")
    assert notice.recipient == "rep@company.example"
    assert notice.subject.startswith("Delivery failed on case ")


def test_bounce_opens_the_case_that_the_mail_closed(sent: EmailMessage) -> None:
    outbox = Outbox.objects.get(email_message=sent)
    Outbox.objects.filter(pk=outbox.pk).update(closes_case=True)
    was = sent.case.status
    close_with(outbox, by=None, now=timezone.now())
    assert Case.objects.get(pk=sent.case_id).is_closed

    settle([Event("bounced")])

    case = Case.objects.get(pk=sent.case_id)
    assert (case.is_closed, case.status, case.awaiting) == (False, was, "us")


def test_report_of_an_unknown_mail_is_ignored(sent: EmailMessage) -> None:
    row = settle([Event("bounced", message_id="somebody@else.example")])

    assert (row.state, row.reason) == ("ignored", "unknown_message")
    assert set(states().values()) == {"sent"}


@pytest.mark.parametrize("message_id", [None, "", "<>"])
def test_report_without_an_id_is_ignored(sent: EmailMessage, message_id: str | None) -> None:
    assert settle([Event("bounced", message_id=message_id)]).reason == "unknown_message"


def test_customers_message_id_is_not_a_mail_of_ours(sent: EmailMessage) -> None:
    theirs = EmailMessageFactory(message_identifier="m@example.net")

    row = settle([Event("bounced", message_id=theirs.message_identifier)])

    assert row.reason == "unknown_message"


def test_report_of_a_stranger_as_recipient_is_ignored(sent: EmailMessage) -> None:
    row = settle([Event("bounced", recipient="stranger@example.org")])

    assert (row.state, row.reason) == ("ignored", "unknown_recipient")
    assert Delivery.objects.count() == 2


def test_report_that_says_nothing_about_delivery_is_ignored(sent: EmailMessage) -> None:
    assert settle([Event("unsubscribed")]).reason == "not_about_delivery"
    assert settle([]).reason == "no_events"


def test_one_known_event_among_others_counts(sent: EmailMessage) -> None:
    row = settle([Event("delivered", message_id="x@y.example"), Event("delivered")])

    assert (row.state, row.reason) == ("applied", "")


def test_report_about_an_uncertain_mail_proves_that_it_was_sent(sent: EmailMessage) -> None:
    Outbox.objects.update(state="uncertain")
    EmailMessage.objects.filter(pk=sent.pk).update(status="uncertain")
    Case.objects.update(awaiting="us")
    Delivery.objects.all().delete()

    settle([Event("delivered")])

    sent.refresh_from_db()
    assert (sent.outbox.state, sent.status) == ("sent", "sent")
    assert states() == {"casey@example.net": "delivered"}
    assert sent.case.awaiting == "customer"  # it had been returned to us
    assert list(sent.case.events.values_list("kind", flat=True)) == ["reply_sent"]


def test_bounce_of_a_notice_stands_on_its_row_and_its_case(organisation: Any) -> None:
    case = CaseFactory()
    outbox = Outbox.objects.create(
        key="owner:1", kind="notice", case=case, recipient="casey@example.net", state="sent", provider_id="esp-9"
    )

    for _ in range(2):
        row = settle([Event("bounced", message_id="esp-9", mta_response="550 no such user")])

    outbox.refresh_from_db()
    assert row.state == "applied"
    assert (outbox.state, outbox.detail) == ("sent", "bounced: 550 no such user")
    assert CaseEvent.objects.get(case=case).kind == "notice_failed"


def test_request_that_fails_is_tried_again_then_quarantined(sent: EmailMessage, settings: Any) -> None:
    settings.E2C_SETTLE_ATTEMPTS = 2
    row = settle(RuntimeError("storage\x00 is away"))
    assert (row.state, row.attempts) == ("received", 1)
    assert "storage is away" in row.last_error
    TrackingRequest.objects.update(lease_until=None)

    row = settle(RuntimeError("storage is away"), row)

    assert (row.state, row.reason) == ("quarantined", "failed")


def test_failure_while_applying_changes_nothing(sent: EmailMessage) -> None:
    row = settle([Event("delivered"), Event("delivered", recipient="copied@example.net", timestamp="never")])  # type: ignore[arg-type]

    assert row.state == "received"
    assert set(states().values()) == {"sent"}


def test_errors_that_no_attempt_can_mend_end_at_once() -> None:
    assert settle(NoEvent("a test call")).state == "ignored"
    row = settle(Unreadable("not JSON"))
    assert (row.state, row.reason, row.last_error) == ("quarantined", "parse_failed", "not JSON")


def test_settled_requests_are_left_alone(sent: EmailMessage) -> None:
    row = settle([Event("delivered")])

    again = settle([Event("complained")], row)

    assert again.attempts == 1
    assert states()["casey@example.net"] == "delivered"
