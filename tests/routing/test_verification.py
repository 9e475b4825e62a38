from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from routing.deletion import delete_routing_address
from routing.models import AuditEvent, RoutingAddress, VerificationMail
from routing.registration import save_routing_address
from routing.verification import (
    Outcome,
    VerificationRefused,
    VerificationThrottled,
    confirm,
    mark_verified,
    mask_links,
    recognise_returned,
    send_verification,
    verification_mail_of,
)
from tests.factories import RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


def sent_path(index: int = -1) -> str:
    """The path of the link in a mail that was sent."""
    found = re.search(r"https://cases\.company\.example(/verify/\S+)", str(mail.outbox[index].body))
    assert found
    return found.group(1)


def sent_token(index: int = -1) -> str:
    return sent_path(index).removeprefix("/verify/").rstrip("/")


@pytest.fixture
def address() -> RoutingAddress:
    return RoutingAddressFactory(email_address="support@company.example", routing_name="Support")


def test_verification_mail_goes_from_the_system_to_the_address(address: RoutingAddress) -> None:
    admin = UserFactory(superuser=True)

    row = send_verification(address, by=admin)

    (message,) = mail.outbox
    assert message.to == ["support@company.example"]
    assert message.from_email == "Email-to-Case <no-reply@company.example>"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"] == f"<{row.message_identifier}>"
    assert row.message_identifier.endswith("@company.example")
    row.refresh_from_db()
    assert row.state == VerificationMail.State.SENT
    address.refresh_from_db()
    assert not address.is_verified
    assert AuditEvent.objects.get().action == "verification-sent"


def test_failed_hand_over_is_recorded_and_may_be_tried_again_at_once(address: RoutingAddress, settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:1"

    row = send_verification(address, by=None)

    assert row.state == VerificationMail.State.FAILED
    assert row.detail.startswith("ConnectionRefusedError")
    settings.E2C_EMAIL_URL = "memory:"
    assert send_verification(address, by=None).state == VerificationMail.State.SENT


def test_link_does_not_follow_a_poisoned_host(address: RoutingAddress, client: Client) -> None:
    admin = UserFactory(superuser=True)
    client.force_login(admin)

    client.post(
        f"/admin/routing/routingaddress/{address.pk}/verify/",
        HTTP_HOST="localhost",
        HTTP_X_FORWARDED_HOST="evil.example",
    )

    assert sent_path()
    assert "evil.example" not in str(mail.outbox[0].message())


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_does_not_verify(method: str, address: RoutingAddress, client: Client) -> None:
    send_verification(address, by=None)

    response = getattr(client, method)(sent_path())

    assert response.status_code == 200
    address.refresh_from_db()
    assert address.verified_at is None


def test_button_verifies_and_a_second_use_says_so(address: RoutingAddress, client: Client) -> None:
    send_verification(address, by=None)

    first = client.post(sent_path())
    second = client.post(sent_path())

    assert "The address is verified" in first.content.decode()
    assert "Already verified" in second.content.decode()
    address.refresh_from_db()
    assert address.is_verified
    assert address.verified_email == "support@company.example"
    assert AuditEvent.objects.filter(action="verification-confirmed").count() == 1


def test_form_of_the_page_is_protected_against_forged_requests(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    client = Client(enforce_csrf_checks=True)

    response = client.post(sent_path())

    assert response.status_code == 403
    address.refresh_from_db()
    assert not address.is_verified


def test_every_bad_link_gets_the_same_refusal(address: RoutingAddress, client: Client) -> None:
    send_verification(address, by=None)
    good = sent_path()
    other = RoutingAddressFactory()
    VerificationMail.objects.create(routing_address=other, email_address="other@company.example", nonce="n")
    bad = [
        "/verify/",
        "/verify/x/",
        good[:-8] + "/",
        good.replace("eyJ", "eyK"),
        f"/verify/{'a' * 5000}/",
        "/verify/%00:a:b/",
    ]

    pages = {client.get(path).content for path in bad}
    answers = {client.post(path).status_code for path in bad}
    with time_machine.travel(timezone.now() + timedelta(hours=72, minutes=1)):
        pages.add(client.get(good).content)
        answers.add(client.post(good).status_code)

    assert len(pages) == 1
    assert answers == {410}
    address.refresh_from_db()
    assert not address.is_verified


def test_link_still_works_just_before_it_expires(address: RoutingAddress) -> None:
    send_verification(address, by=None)

    with time_machine.travel(timezone.now() + timedelta(hours=71, minutes=59)):
        assert confirm(sent_token()).outcome is Outcome.CONFIRMED


def test_link_of_a_changed_address_is_refused(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    address.email_address = "help@company.example"
    save_routing_address(address, by=None)

    assert confirm(sent_token()).outcome is Outcome.REFUSED
    address.refresh_from_db()
    assert not address.is_verified


def test_used_link_does_not_verify_an_address_that_was_changed_and_changed_back(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    confirm(sent_token())
    address.refresh_from_db()
    for email_address in ("help@company.example", "support@company.example"):
        address.email_address = email_address
        save_routing_address(address, by=None)

    assert confirm(sent_token()).outcome is Outcome.REFUSED
    address.refresh_from_db()
    assert not address.is_verified


def test_link_of_a_deleted_address_is_refused(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    delete_routing_address(address, by=None)

    assert confirm(sent_token()).outcome is Outcome.REFUSED


def test_second_mail_within_a_minute_is_throttled(still_clock: datetime, address: RoutingAddress) -> None:
    send_verification(address, by=None)

    with pytest.raises(VerificationThrottled) as refusal:
        send_verification(address, by=None)

    assert refusal.value.retry_at == still_clock + timedelta(minutes=1)
    assert len(mail.outbox) == 1


def test_sixth_mail_within_an_hour_is_throttled(address: RoutingAddress) -> None:
    start = timezone.now()
    for minutes in range(0, 50, 10):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            send_verification(address, by=None)

    with time_machine.travel(start + timedelta(minutes=55)), pytest.raises(VerificationThrottled) as refusal:
        send_verification(address, by=None)

    assert refusal.value.retry_at == start + timedelta(hours=1)
    with time_machine.travel(start + timedelta(minutes=61)):
        send_verification(address, by=None)
    assert len(mail.outbox) == 6


def test_verified_and_deleted_addresses_get_no_mail() -> None:
    for address in (RoutingAddressFactory(verified=True), RoutingAddressFactory(deleted=True)):
        with pytest.raises(VerificationRefused):
            send_verification(address, by=None)

    assert mail.outbox == []


def test_mark_verified_leaves_an_audit_event(address: RoutingAddress) -> None:
    mark_verified(address, by=None, because="command line")

    address.refresh_from_db()
    assert address.is_verified
    event = AuditEvent.objects.get()
    assert event.action == "address-marked-verified"
    assert event.detail == {"because": "command line", "email_address": "support@company.example"}


def test_returned_mail_is_recognised_by_its_message_id_and_proves_forwarding(address: RoutingAddress) -> None:
    row = send_verification(address, by=None)

    found = recognise_returned([f"<{row.message_identifier.upper()}>"], "text without a link")

    assert found == row
    row.refresh_from_db()
    address.refresh_from_db()
    assert row.returned_at is not None
    assert address.forwarding_seen_at is not None
    assert not address.is_verified


def test_returned_mail_is_recognised_by_its_link_alone(address: RoutingAddress) -> None:
    row = send_verification(address, by=None)

    assert recognise_returned(["other@mail.example"], f"> {mail.outbox[0].body}") == row
    assert verification_mail_of(f"https://safe.example/?url={sent_token().replace(':', '%3A')}&x=1") == row


def test_other_mail_is_not_taken_for_a_verification_mail(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    cut = f"see /verify/{sent_token()[:-5]} please"

    assert recognise_returned(["a@b.example", "", "<>"], cut) is None
    address.refresh_from_db()
    assert address.forwarding_seen_at is None


def test_masked_text_holds_no_usable_link(address: RoutingAddress) -> None:
    send_verification(address, by=None)
    body, token = str(mail.outbox[0].body), sent_token()
    html = str(mail.outbox[0].alternatives[0][0])
    wrapped = (
        "> " + sent_path()[:70] + "\r\n> " + sent_path()[70:140] + "\r\n> " + sent_path()[140:] + "\r\n> Kind regards"
    )
    rewritten = (
        f"https://safe.example/?url=https%3A%2F%2Fcases.company.example%2Fverify%2F{token.replace(':', '%3A')}&data=1"
    )

    masked = [mask_links(text) for text in (body, html, wrapped, rewritten)]

    for text in masked:
        assert "[verification link removed]" in text
        assert token[-20:] not in text
        assert token[30:60] not in text
        assert verification_mail_of(text) is None
    assert "Kind regards" in masked[2]
    assert "The link works once" in masked[0]
    assert mask_links("https://other.example/verify/abc") == "https://other.example/verify/abc"
