"""The tables of the contract: which mail ends where, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail as django_mail
from django.utils import timezone

from cases.inbound.retry import CannotRetry, discard_inbound_email, requeue_over_limit, retry_inbound_email
from cases.inbound.settle import settle_batch
from cases.inbound.settled import Settled
from cases.models import Case, EmailMessage, InboundEmail, Outbox
from routing.models import AuditEvent, EmailToCaseSettings
from tests.factories import CaseFactory, EmailMessageFactory, ParticipantFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest, ingest_mail, mint_message_id, mint_token, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

DSN = """\
--b
Content-Type: text/plain

could not be delivered
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; casey@example.net
Action: {action}
Status: {status}

--b
Content-Type: message/rfc822

Message-ID: {original}
Subject: Re: x

quoted
--b--
"""

COMPLAINT = """\
--b
Content-Type: text/plain

This is a complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: example/1.0
Version: 1

--b
Content-Type: message/rfc822

Message-ID: {original}
Subject: Re: x

quoted
--b--
"""

RECEIPT = """\
--b
Content-Type: text/plain

Your message was displayed.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; casey@example.net
Original-Message-ID: {original}
Disposition: manual-action/MDN-sent-manually; displayed

--b--
"""


@pytest.fixture
def support() -> Any:
    return RoutingAddressFactory(email_address="support@company.example", verified=True)


@pytest.fixture
def case(support: Any) -> Any:
    case = CaseFactory(routing_address=support, owner_queue=support.owner_queue)
    ParticipantFactory(case=case, address="casey@example.net")
    return case


def bounce(original: str, *, action: str = "failed", status: str = "5.1.1") -> Settled:
    return ingest_mail(
        sender="MAILER-DAEMON@mx.example.net",
        subject="Undelivered mail",
        content_type='multipart/report; report-type=delivery-status; boundary="b"',
        body=DSN.format(original=original, action=action, status=status),
    )


def complaint(original: str) -> Settled:
    return ingest_mail(
        sender="fbl@mx.example.net",
        content_type='multipart/report; report-type=feedback-report; boundary="b"',
        body=COMPLAINT.format(original=original),
    )


def receipt(original: str) -> Settled:
    return ingest_mail(
        content_type='multipart/report; report-type=disposition-notification; boundary="b"',
        headers=[f"In-Reply-To: {original}"],
        body=RECEIPT.format(original=original),
    )


class TestAutomaticMail:
    def test_a_bounce_of_our_mail_is_appended_as_a_bounce(self, case: Any) -> None:
        settled = bounce(mint_message_id(case.pk))

        settled.message.refresh_from_db()
        assert (settled.state, settled.thread_basis, settled.case) == ("appended", "our_message_id", case)
        assert settled.message.is_bounce
        assert settled.message.bounce["recipients"] == ["casey@example.net"]
        assert case.participants.count() == 1

    def test_a_bounce_reopens_a_closed_case(self, case: Any) -> None:
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())

        bounce(mint_message_id(case.pk))

        case.refresh_from_db()
        assert not case.is_closed

    def test_a_delay_warning_does_not_reopen_a_closed_case(self, case: Any) -> None:
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())

        settled = bounce(mint_message_id(case.pk), action="delayed", status="4.4.7")

        case.refresh_from_db()
        assert settled.state == "appended"
        assert case.is_closed

    def test_a_bounce_of_somebody_elses_mail_is_rejected(self, support: Any) -> None:
        settled = bounce("<not-ours@example.org>")

        assert (settled.state, settled.reason) == ("rejected", "bounce_unmatched")
        assert not Case.objects.exists()

    @pytest.mark.parametrize(
        ("headers", "kind"),
        [
            (
                ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Subject: Out of office: back on Monday"],
                "out_of_office",
            ),
        ],
    )
    def test_out_of_office_without_a_case_is_rejected(self, support: Any, headers: list[str], kind: str) -> None:
        settled = ingest_mail(
            subject="Out of office: back on Monday", headers=headers[:2], body="I am out of the office until Monday."
        )

        assert (settled.mail.analysis.automatic_kind, settled.state, settled.reason) == (
            kind,
            "rejected",
            "automatic_unmatched",
        )

    def test_out_of_office_to_our_mail_is_appended_and_never_reopens(self, case: Any) -> None:
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())

        settled = ingest_mail(
            subject="Automatic reply: your order",
            headers=["Auto-Submitted: auto-replied", f"In-Reply-To: {mint_message_id(case.pk)}"],
            body="I am out of the office until Monday.",
        )

        case.refresh_from_db()
        assert settled.state == "appended"
        assert case.is_closed

    def test_a_machine_that_carries_content_opens_a_case(self, support: Any) -> None:
        settled = ingest_mail(headers=["Auto-Submitted: auto-generated"], body="Disk 3 of server 9 is full.")

        assert settled.state == "case"
        assert settled.mail.analysis.is_automatic
        assert not settled.mail.analysis.auto_response_allowed

    def test_auto_submitted_no_is_a_person(self, support: Any) -> None:
        settled = ingest_mail(headers=["Auto-Submitted: no"])

        assert settled.state == "case"
        assert not settled.mail.analysis.is_automatic

    def test_a_list_mail_by_a_person_opens_a_case_and_is_not_answered(self, support: Any) -> None:
        settled = ingest_mail(headers=["Precedence: list"])

        assert settled.state == "case"
        assert not settled.mail.analysis.is_automatic
        assert not settled.mail.analysis.auto_response_allowed

    def test_bulk_opens_a_case_unless_settings_hold_it(self, support: Any) -> None:
        headers = ["Precedence: bulk", "List-Id: <news.example.net>", "List-Unsubscribe: <mailto:u@example.net>"]

        opened = ingest_mail(headers=headers)
        EmailToCaseSettings.objects.update(hold_bulk=True)
        held = ingest_mail(headers=headers)

        assert (opened.mail.analysis.automatic_kind, opened.state) == ("bulk", "case")
        assert (held.state, held.reason) == ("held", "bulk_review")

    def test_a_complaint_about_our_mail_is_appended(self, case: Any) -> None:
        message = EmailMessageFactory(case=case, outgoing=True)

        settled = complaint(mint_message_id(case.pk))

        assert message.pk
        assert (settled.mail.analysis.automatic_kind, settled.state) == ("feedback_report", "appended")

    def test_a_complaint_about_unknown_mail_is_held(self, support: Any) -> None:
        settled = complaint("<not-ours@example.org>")

        assert (settled.state, settled.reason) == ("held", "complaint_review")

    def test_a_read_receipt_without_a_case_is_rejected(self, support: Any) -> None:
        settled = receipt("<not-ours@example.org>")

        assert (settled.mail.analysis.automatic_kind, settled.reason) == ("read_receipt", "automatic_unmatched")

    def test_a_read_receipt_of_our_mail_is_appended(self, case: Any) -> None:
        settled = receipt(mint_message_id(case.pk))

        assert settled.state == "appended"

    @pytest.mark.parametrize("matched", [True, False])
    def test_mail_from_ourselves_is_rejected_even_with_a_token(self, case: Any, matched: bool) -> None:
        subject = mint_token(case.pk) if matched else "hello"

        settled = ingest_mail(sender="support@company.example", subject=subject)

        assert (settled.state, settled.reason) == ("rejected", "own_loop")
        assert case.messages.count() == 0


class TestAuthentication:
    def spoofed(self, case: Any, settings: Any, **parts: Any) -> Settled:
        settings.E2C_TRUSTED_AUTHSERV_IDS = frozenset({"mx.company.example"})
        headers = [
            "Authentication-Results: mx.company.example; dmarc=fail header.from=example.net",
            *parts.pop("headers", []),
        ]
        return ingest_mail(headers=headers, **parts)

    def test_a_participant_who_fails_dmarc_does_not_join_even_with_a_token(self, case: Any, settings: Any) -> None:
        settled = self.spoofed(case, settings, subject=mint_token(case.pk))

        assert settled.state == "case"
        assert settled.case.possibly_belongs_to == case
        assert settled.message.flags == ["dmarc_failed"]

    def test_new_mail_that_fails_dmarc_opens_a_case_that_says_so_or_waits(self, case: Any, settings: Any) -> None:
        opened = self.spoofed(case, settings)
        EmailToCaseSettings.objects.update(hold_dmarc_failures=True)
        held = self.spoofed(case, settings)

        assert (opened.state, opened.message.flags) == ("case", ["dmarc_failed"])
        assert (held.state, held.reason) == ("held", "authentication_review")

    def test_a_forged_verdict_of_an_untrusted_server_counts_for_nothing(self, case: Any) -> None:
        settled = ingest_mail(
            subject=mint_token(case.pk),
            headers=["Authentication-Results: evil.example; dmarc=fail header.from=example.net"],
        )

        assert settled.state == "appended"
        assert settled.mail.analysis.authentication.dmarc is None


class TestScreening:
    def test_mail_for_nobody_is_quarantined_never_given_a_default(self, support: Any) -> None:
        settled = ingest_mail(to="other@company.example")

        assert (settled.state, settled.reason) == ("quarantined", "no_routing_address")

    def test_mail_for_a_deleted_address_is_quarantined(self) -> None:
        RoutingAddressFactory(email_address="old@company.example", deleted=True)

        settled = ingest_mail(to="old@company.example")

        assert (settled.state, settled.reason) == ("quarantined", "address_deleted")

    def test_a_reply_to_a_deleted_address_still_joins_its_case(self, case: Any) -> None:
        RoutingAddressFactory(email_address="old@company.example", deleted=True)

        settled = ingest_mail(to="old@company.example", subject=mint_token(case.pk))

        assert settled.state == "appended"

    @pytest.mark.parametrize(("switch", "reason"), [("address", "address_inactive"), ("settings", "disabled")])
    def test_switched_off_new_mail_waits_and_replies_join(
        self, case: Any, support: Any, switch: str, reason: str
    ) -> None:
        if switch == "address":
            type(support).objects.update(is_active=False)
        else:
            EmailToCaseSettings.objects.update(enabled=False)

        new, reply = ingest_mail(), ingest_mail(subject=mint_token(case.pk))

        assert (new.state, new.reason) == ("held", reason)
        assert reply.state == "appended"

    def test_only_accepted_senders_open_cases(self) -> None:
        RoutingAddressFactory(
            email_address="support@company.example", accept_email_from="example.net, *.partner.example"
        )

        accepted = ingest_mail(sender="casey@example.net")
        subdomain = ingest_mail(sender="kim@eu.partner.example")
        refused = ingest_mail(sender="kim@other.example")

        assert [accepted.state, subdomain.state] == ["case", "case"]
        assert (refused.state, refused.reason) == ("rejected", "unauthorized_sender")
        assert InboundEmail.objects.get(pk=refused.inbound.pk).raw.size > 0

    def test_a_blocked_sender_is_rejected(self) -> None:
        RoutingAddressFactory(email_address="support@company.example", block_email_from="casey@example.net")

        settled = ingest_mail()

        assert (settled.state, settled.reason) == ("rejected", "blocked_sender")

    @pytest.mark.parametrize(
        ("action", "state"), [("requeue", "held"), ("discard", "rejected"), ("bounce", "rejected")]
    )
    def test_over_the_daily_limit(self, support: Any, action: str, state: str) -> None:
        EmailToCaseSettings.objects.update(daily_limit=1, over_limit_action=action)

        first, second = ingest_mail(), ingest_mail()

        assert first.state == "case"
        assert (second.state, second.reason) == (state, "over_limit")

    def test_held_mail_goes_on_when_the_limit_has_room(self, support: Any) -> None:
        EmailToCaseSettings.objects.update(daily_limit=1)
        ingest_mail()
        held = ingest_mail()

        requeued_full = requeue_over_limit(cases_today=1, now=timezone.now())
        requeued = requeue_over_limit(cases_today=0, now=timezone.now())

        held.inbound.refresh_from_db()
        assert (requeued_full, requeued) == (0, 1)
        assert held.inbound.state == "received"

    def test_mail_held_over_the_limit_for_a_day_needs_a_person(self, support: Any) -> None:
        EmailToCaseSettings.objects.update(daily_limit=1)
        ingest_mail()
        held = ingest_mail()
        InboundEmail.objects.filter(pk=held.inbound.pk).update(received_at=timezone.now() - timedelta(hours=25))

        UserFactory(email="ada@acme.example").user_permissions.add(
            Permission.objects.get(codename="customize_application")
        )
        now = timezone.now()

        for _ in range(2):
            requeue_over_limit(cases_today=1, now=now)

        held.inbound.refresh_from_db()
        assert (held.inbound.state, held.inbound.reason) == ("quarantined", "over_limit")
        assert held.inbound.trail[-1]["because"] == held.inbound.because
        assert held.inbound.because.startswith("held over the daily limit for 24 hours")
        alert = Outbox.objects.get()
        assert (alert.recipient, alert.subject) == ("ada@acme.example", "Mail waited a day for the daily limit")
        assert "/admin/cases/inboundemail/?state__exact=quarantined" in alert.text_body

    def test_the_same_mail_again_and_again_is_held_as_a_loop(self, support: Any) -> None:
        settled = [ingest_mail(subject="Ticket received", body="identical") for _ in range(22)]

        assert [one.state for one in settled] == ["case"] * 20 + ["held"] * 2
        assert settled[-1].reason == "loop_suspected"

    def test_a_sender_over_the_hourly_limit_waits_and_others_do_not(self, support: Any) -> None:
        EmailToCaseSettings.objects.update(sender_hourly_limit=2)

        settled = [ingest_mail() for _ in range(3)]
        other = ingest_mail(sender="other@example.org")

        assert [one.state for one in settled] == ["case", "case", "held"]
        assert other.state == "case"

    def test_an_empty_mail_is_quarantined(self, support: Any) -> None:
        settled = ingest(b"\r\n\r\n")

        assert (settled.state, settled.reason) == ("quarantined", "parse_failed")

    def test_no_refusal_sends_mail_by_itself(self, support: Any) -> None:
        ingest_mail(to="nobody@company.example")
        ingest_mail(sender="support@company.example")

        assert django_mail.outbox == []


class TestRetry:
    def test_a_quarantined_mail_settles_after_the_cause_is_mended(self) -> None:
        lost = ingest_mail(to="support@company.example")
        RoutingAddressFactory(email_address="support@company.example")
        admin = UserFactory(superuser=True)

        retry_inbound_email(inbound_id=lost.inbound.pk, by=admin)
        settle_batch()

        lost.inbound.refresh_from_db()
        assert (lost.inbound.state, lost.inbound.reason) == ("case", "")
        assert AuditEvent.objects.get(action="retry-inbound-email").actor == admin

    def test_waving_a_mail_through_skips_only_the_check_that_stopped_it(self, support: Any) -> None:
        EmailToCaseSettings.objects.update(enabled=False)
        held = ingest_mail()

        retry_inbound_email(inbound_id=held.inbound.pk, by=UserFactory(), wave_through=True)
        settle_batch()

        held.inbound.refresh_from_db()
        assert held.inbound.state == "case"

    def test_a_second_click_finds_nothing_to_retry(self, support: Any) -> None:
        held = ingest_mail(to="nobody@company.example")
        retry_inbound_email(inbound_id=held.inbound.pk, by=None)

        with pytest.raises(CannotRetry):
            retry_inbound_email(inbound_id=held.inbound.pk, by=None)

    def test_a_mail_on_a_case_cannot_be_retried(self, support: Any) -> None:
        settled = ingest_mail()

        with pytest.raises(CannotRetry):
            retry_inbound_email(inbound_id=settled.inbound.pk, by=None)

        assert EmailMessage.objects.count() == 1

    def test_a_discarded_mail_keeps_its_row_and_says_who_and_why(self, support: Any) -> None:
        lost = ingest_mail(to="nobody@company.example")

        discard_inbound_email(inbound_id=lost.inbound.pk, by=UserFactory(username="kim"), reason="spam")

        lost.inbound.refresh_from_db()
        assert (lost.inbound.state, lost.inbound.reason, lost.inbound.because) == (
            "rejected",
            "discarded",
            "discarded by kim: spam",
        )
        assert bytes(lost.inbound.raw.content).startswith(b"Message-ID")


def test_every_settled_row_has_a_trail_and_every_refusal_a_reason(support: Any) -> None:
    ingest_mail()
    ingest_mail(to="nobody@company.example")
    ingest(raw_mail(sender="support@company.example"))

    rows = InboundEmail.objects.all()
    assert all(row.trail and row.settled_at for row in rows)
    assert all(row.reason for row in rows.exclude(state="case"))
