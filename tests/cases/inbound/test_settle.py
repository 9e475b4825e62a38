"""From stored mail to case: the main flow, deciding and writing together, on a real database."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from cases.inbound import reading
from cases.inbound.settle import settle_batch
from cases.inbound.threading import MOST_RELATED
from cases.models import Case, CaseTask, EmailMessage, InboundEmail, Participant, RoutingDecision
from routing.models import EmailToCaseSettings
from tests.cases import provider_requests as calls
from tests.factories import (
    CaseFactory,
    ContactFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    ParticipantFactory,
    QueueFactory,
    RawBodyFactory,
    RecordTypeFactory,
    RoutingAddressFactory,
    UserFactory,
)
from tests.fake_provider import FakeProvider
from tests.mails import ingest, ingest_mail, mint_message_id, mint_reply_address, mint_token, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def support() -> Any:
    return RoutingAddressFactory(email_address="support@company.example", verified=True)


def settings_attempts() -> int:
    return int(settings.E2C_SETTLE_ATTEMPTS)


class TestNewCase:
    def test_mail_opens_a_case_stamped_by_its_routing_address(self) -> None:
        queue = QueueFactory(name="Gold")
        address = RoutingAddressFactory(
            email_address="gold@company.example",
            owner_queue=queue,
            case_priority="High",
            case_origin="Web",
            case_record_type=RecordTypeFactory(name="Billing"),
        )

        settled = ingest_mail(to="gold@company.example", subject="My invoice", body="It is wrong.")

        case = settled.case
        assert settled.state == InboundEmail.State.CASE
        assert case is not None
        case.refresh_from_db()
        assert (case.subject, case.description, case.priority, case.origin) == (
            "My invoice",
            "It is wrong.",
            "High",
            "Web",
        )
        assert (case.record_type.name, case.owner_queue, case.routing_address) == ("Billing", queue, address)
        assert (case.status.label, case.awaiting) == ("New", "us")
        assert (case.supplied_email, case.supplied_name) == ("casey@example.net", "Casey Customer")
        assert case.source == settled.message
        assert case.source.is_case_source

    def test_the_owner_is_recorded_with_its_reason(self, support: Any) -> None:
        settled = ingest_mail()

        decision = RoutingDecision.objects.get(case=settled.case)
        assert decision.kind == "initial"
        assert decision.owner_queue == support.owner_queue
        assert decision.because == "case owner of support@company.example"

    def test_history_names_the_automated_case_user(self, support: Any) -> None:
        robot = UserFactory(username="mail-robot")
        EmailToCaseSettings.objects.update(automated_case_user=robot)

        settled = ingest_mail()

        assert settled.case.events.get().actor == robot

    def test_an_inactive_owner_falls_back_to_the_default_case_owner(self) -> None:
        RoutingAddressFactory(
            email_address="support@company.example",
            owner_queue=None,
            owner_user=UserFactory(username="gone", is_active=False),
        )

        settled = ingest_mail()

        decision = RoutingDecision.objects.get(case=settled.case)
        assert decision.owner_queue.name == "Unassigned"
        assert (
            decision.because
            == "default case owner, because gone, case owner of support@company.example, is not active"
        )

    def test_the_services_address_in_the_envelope_routes_and_proves_forwarding(self, support: Any) -> None:
        settled = ingest(raw_mail(to="somebody@else.example"), to=[support.services_address.upper()])

        support.refresh_from_db()
        assert settled.state == InboundEmail.State.CASE
        assert settled.case.routing_address == support
        assert support.forwarding_seen_at is not None

    def test_a_plus_tag_matches_only_after_an_exact_miss(self, support: Any) -> None:
        exact = RoutingAddressFactory(email_address="support+eu@company.example")

        tagged = ingest_mail(to="support+any@company.example")
        precise = ingest_mail(to="support+eu@company.example")

        assert tagged.case.routing_address == support
        assert precise.case.routing_address == exact

    def test_mail_to_two_of_our_addresses_is_one_case(self, support: Any) -> None:
        RoutingAddressFactory(email_address="sales@company.example")

        settled = ingest_mail(to="sales@company.example, support@company.example")

        assert settled.mail.routing_address.email_address == "sales@company.example"
        assert settled.mail.also_received_by == ["support@company.example"]
        assert Case.objects.count() == 1

    def test_of_two_envelope_recipients_the_lower_order_number_stamps(self, support: Any) -> None:
        first = RoutingAddressFactory(email_address="vip@company.example", priority_order=1)

        settled = ingest(raw_mail(), to=["support@company.example", "vip@company.example"])

        assert settled.case.routing_address == first

    def test_an_unverified_address_receives(self) -> None:
        address = RoutingAddressFactory(email_address="support@company.example")

        settled = ingest_mail()

        assert not address.is_verified
        assert settled.state == InboundEmail.State.CASE

    def test_exactly_one_contact_is_taken(self, support: Any) -> None:
        contact = ContactFactory(email="Casey@Example.net")

        settled = ingest_mail()

        assert settled.case.contact == contact

    def test_of_two_contacts_with_the_address_none_is_taken(self, support: Any) -> None:
        ContactFactory.create_batch(2, email="casey@example.net")

        settled = ingest_mail()

        assert settled.case.contact is None
        assert "several contacts have casey@example.net" in [line.because for line in settled.trail.lines]

    def test_an_ambiguous_sender_is_never_the_known_customer(self, support: Any) -> None:
        ContactFactory(email="casey@example.net")

        settled = ingest_mail(sender="casey@example.net <attacker@evil.example>")

        assert settled.case.contact is None
        assert settled.message.flags == ["sender_ambiguous"]
        assert not Participant.objects.filter(address="casey@example.net").exists()

    def test_copied_people_take_part_but_not_our_own_addresses(self, support: Any) -> None:
        settled = ingest_mail(headers=["Cc: Colleague <colleague@example.net>, support@company.example"])

        roles = dict(settled.case.participants.values_list("address", "role"))
        assert roles == {"casey@example.net": "customer", "colleague@example.net": "copied"}

    def test_addresses_longer_than_any_server_takes_are_nobodys(self, support: Any) -> None:
        """Cut to what a column holds, two of them were one participant twice, and the mail failed for good."""
        too_long = [f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{end * 20}.example" for end in "ef"]

        settled = ingest_mail(to=f"support@company.example, {too_long[0]}, {too_long[1]}, jane@example.org")

        assert settled.state == "case"
        assert sorted(settled.case.participants.values_list("address", flat=True)) == [
            "casey@example.net",
            "jane@example.org",
        ]

    def test_a_task_is_made_when_the_address_asks_for_it(self) -> None:
        owner = UserFactory()
        RoutingAddressFactory(
            email_address="support@company.example",
            create_task=True,
            task_status="In Progress",
            owner_queue=None,
            owner_user=owner,
        )

        settled = ingest_mail(subject="Broken")

        task = CaseTask.objects.get(case=settled.case)
        assert (task.subject, task.status, task.owner) == ("Answer: Broken", "In Progress", owner)

    def test_headers_are_kept_only_when_the_address_saves_them(self, support: Any) -> None:
        saving = RoutingAddressFactory(email_address="audit@company.example", save_email_headers=True)

        plain = ingest_mail()
        saved = ingest_mail(to=saving.email_address, headers=["X-Note: kept"])

        assert plain.message.headers is None
        assert ["X-Note", "kept"] in saved.message.headers

    def test_a_mail_without_a_sender_still_opens_a_case(self, support: Any) -> None:
        raw = b"To: support@company.example\r\nSubject: hello\r\n\r\nno sender\r\n"

        settled = ingest(raw)

        assert settled.state == InboundEmail.State.CASE
        assert settled.message.flags == ["sender_unknown"]

    def test_a_dry_run_decides_and_writes_nothing(self, support: Any) -> None:
        settled = ingest(raw_mail(), dry_run=True)

        assert settled.state == InboundEmail.State.CASE
        assert not InboundEmail.objects.exists()
        assert not Case.objects.exists()


class TestDuplicates:
    def test_a_second_delivery_is_a_duplicate_with_a_row_of_its_own(self, support: Any) -> None:
        raw = raw_mail()

        first, second = ingest(raw), ingest(raw)

        assert second.state == InboundEmail.State.DUPLICATE
        assert second.reason == "same_mail"
        assert second.case == first.case
        assert InboundEmail.objects.count() == 2
        assert EmailMessage.objects.count() == 1

    def test_a_mail_without_a_message_id_is_known_by_its_content(self, support: Any) -> None:
        raw = raw_mail(message_id="", subject="same")

        ingest(raw)
        again, other = ingest(raw), ingest(raw_mail(message_id="", subject="same", body="another matter"))

        assert again.state == InboundEmail.State.DUPLICATE
        assert other.state == InboundEmail.State.CASE

    def test_mails_without_an_id_that_differ_only_in_their_files_are_two(self, support: Any) -> None:
        parts = "--b\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n{}\r\n--b--\r\n"
        mixed = "multipart/mixed; boundary=b"

        first = ingest_mail(message_id="", subject="scan", content_type=mixed, body=parts.format("one"))
        second = ingest_mail(message_id="", subject="scan", content_type=mixed, body=parts.format("two"))

        assert [first.state, second.state] == ["case", "case"]

    def test_a_second_delivery_is_known_among_the_mails_of_a_long_conversation(self, support: Any) -> None:
        index = "Thread-Index: AdsFhFh2QkZ6e1pYQYCrZQ8x1k6k+A=="
        raw = raw_mail(headers=[index])
        first = ingest(raw)
        EmailMessageFactory.create_batch(
            MOST_RELATED, case=CaseFactory(), thread_index_hash=first.message.thread_index_hash
        )

        second = ingest(raw)

        assert (second.state, second.reason, second.case) == ("duplicate", "same_mail", first.case)

    def test_a_borrowed_message_id_hides_no_mail(self, support: Any) -> None:
        ingest_mail(message_id="<one@example.net>")

        settled = ingest_mail(message_id="<one@example.net>", sender="other@example.org")

        assert settled.state == InboundEmail.State.CASE

    def test_the_second_routing_address_of_a_twice_delivered_mail_is_noted(self, support: Any) -> None:
        sales = RoutingAddressFactory(email_address="sales@company.example")
        raw = raw_mail(to="undisclosed-recipients:;")

        first = ingest(raw, to=[support.services_address])
        ingest(raw, to=[sales.services_address])

        first.message.refresh_from_db()
        assert first.message.also_received_by == ["sales@company.example"]
        assert Case.objects.count() == 1


class TestThreads:
    @pytest.fixture
    def case(self, support: Any) -> Any:
        case = CaseFactory(routing_address=support)
        ParticipantFactory(case=case, address="casey@example.net")
        return case

    def test_the_signed_reply_address_appends(self, case: Any) -> None:
        settled = ingest_mail(to=mint_reply_address(case.pk))

        assert (settled.state, settled.thread_basis, settled.case) == ("appended", "reply_address", case)

    def test_our_message_id_in_references_appends(self, case: Any) -> None:
        settled = ingest_mail(headers=[f"References: <x@y.example> {mint_message_id(case.pk)}"])

        assert (settled.state, settled.thread_basis, settled.case) == ("appended", "our_message_id", case)

    def test_our_message_id_survives_lower_casing(self, case: Any) -> None:
        settled = ingest_mail(headers=[f"In-Reply-To: {mint_message_id(case.pk).lower()}"])

        assert settled.thread_basis == "our_message_id"

    def test_the_token_in_the_subject_appends(self, case: Any) -> None:
        settled = ingest_mail(subject=f"Re: x {mint_token(case.pk)}")

        assert (settled.state, settled.thread_basis) == ("appended", "token_subject")

    def test_the_token_in_a_quote_appends_when_headers_are_lost(self, case: Any) -> None:
        settled = ingest_mail(
            body=f"Thank you, but no.\n\nOn Monday Support wrote:\n> Please try.\n> {mint_token(case.pk)}\n"
        )

        assert (settled.state, settled.thread_basis) == ("appended", "token_body")

    def test_a_token_with_one_character_changed_opens_a_new_case(self, case: Any) -> None:
        token = mint_token(case.pk)
        last = token[-2]
        forged = token[:-2] + ("a" if last != "a" else "b") + "]"

        settled = ingest_mail(subject=f"Re: x {forged}")

        assert settled.state == InboundEmail.State.CASE
        assert settled.case != case
        assert settled.case.possibly_belongs_to is None

    def test_the_case_number_in_the_subject_proves_nothing(self, case: Any) -> None:
        settled = ingest_mail(subject=f"Re: [{case.number_text}] {case.subject}")

        assert settled.state == InboundEmail.State.CASE
        assert settled.case.possibly_belongs_to is None

    def test_a_participant_answering_a_mail_of_the_case_is_appended(self, case: Any) -> None:
        message = EmailMessageFactory(case=case)

        settled = ingest_mail(headers=[f"In-Reply-To: <{message.message_identifier}>"])

        assert (settled.state, settled.thread_basis, settled.case) == ("appended", "their_message_id", case)
        assert settled.message.sender_is_participant

    def test_a_stranger_who_copies_a_message_id_gets_a_case_that_possibly_belongs(self, case: Any) -> None:
        message = EmailMessageFactory(case=case)

        settled = ingest_mail(sender="stranger@evil.example", headers=[f"In-Reply-To: <{message.message_identifier}>"])

        assert settled.state == InboundEmail.State.CASE
        assert settled.case.possibly_belongs_to == case
        assert case.messages.count() == 1

    def test_a_stranger_with_our_signed_id_joins_and_is_flagged_but_not_copied(self, case: Any) -> None:
        settled = ingest_mail(sender="stranger@example.org", headers=[f"In-Reply-To: {mint_message_id(case.pk)}"])

        assert settled.state == InboundEmail.State.APPENDED
        assert settled.message.flags == ["new_participant"]
        assert case.participants.get(address="stranger@example.org").role == "new"

    def test_a_new_participant_does_not_yet_join_by_weak_signs(self, case: Any) -> None:
        message = EmailMessageFactory(case=case)
        ParticipantFactory(case=case, address="stranger@example.org", role="new")

        settled = ingest_mail(sender="stranger@example.org", headers=[f"In-Reply-To: <{message.message_identifier}>"])

        assert settled.state == InboundEmail.State.CASE
        assert settled.case.possibly_belongs_to == case

    def test_people_copied_by_a_stranger_do_not_take_part(self, case: Any) -> None:
        ingest_mail(
            sender="stranger@example.org", subject=f"Re: {mint_token(case.pk)}", headers=["Cc: attacker@evil.example"]
        )

        assert not case.participants.filter(address="attacker@evil.example").exists()

    def test_outlook_conversations_join_for_participants(self, case: Any) -> None:
        conversation = bytes(range(22))
        first = ingest_mail(headers=[f"Thread-Index: {base64.b64encode(conversation).decode()}"])

        settled = ingest_mail(headers=[f"Thread-Index: {base64.b64encode(conversation + bytes(5)).decode()}"])

        assert (settled.state, settled.thread_basis, settled.case) == ("appended", "thread_index", first.case)

    def test_the_mail_that_is_answered_is_found_among_those_of_a_long_conversation(self, case: Any) -> None:
        index = "AdsFhFh2QkZ6e1pYQYCrZQ8x1k6k+A=="
        EmailMessageFactory(case=case, message_identifier="answered@mail.example.net")
        root = ingest_mail(sender="other@example.org", headers=[f"Thread-Index: {index}"]).message.thread_index_hash
        EmailMessageFactory.create_batch(MOST_RELATED, case=CaseFactory(), thread_index_hash=root)

        settled = ingest_mail(headers=[f"Thread-Index: {index}", "In-Reply-To: <answered@mail.example.net>"])

        assert (settled.state, settled.case) == ("appended", case)

    def test_a_reply_that_came_before_its_original_is_joined_by_it(self, support: Any) -> None:
        reply = ingest_mail(message_id="<reply@example.net>", headers=["In-Reply-To: <original@example.net>"])

        original = ingest_mail(message_id="<original@example.net>")

        assert (original.state, original.thread_basis, original.case) == ("appended", "their_message_id", reply.case)

    def test_mail_to_a_merged_case_joins_the_one_it_was_merged_into(self, case: Any) -> None:
        merged = CaseFactory(merged_into=case)

        settled = ingest_mail(subject=f"Re: {mint_token(merged.pk)}")

        assert (settled.case, settled.thread_basis) == (case, "merged")

    def test_headers_can_be_switched_off_for_threading(self, case: Any) -> None:
        EmailToCaseSettings.objects.update(use_headers_for_threading=False)

        settled = ingest_mail(headers=[f"In-Reply-To: {mint_message_id(case.pk)}"])

        assert settled.state == InboundEmail.State.CASE

    def test_a_joining_mail_changes_none_of_the_cases_settings(self, case: Any) -> None:
        other = RoutingAddressFactory(email_address="other@company.example", case_priority="High")

        ingest_mail(to=other.email_address, subject=f"Re: {mint_token(case.pk)}")

        owner_before, priority_before = case.owner_queue, case.priority
        case.refresh_from_db()
        assert (case.owner_queue, case.priority, case.routing_address.email_address) == (
            owner_before,
            priority_before,
            "support@company.example",
        )


class TestClosedCases:
    def closed(self, support: Any, days: int) -> Any:
        case = CaseFactory(closed=True, closed_at=timezone.now() - timedelta(days=days), routing_address=support)
        ParticipantFactory(case=case, address="casey@example.net")
        return case

    def test_an_answer_within_the_window_reopens(self, support: Any) -> None:
        case = self.closed(support, days=13)

        settled = ingest_mail(subject=mint_token(case.pk), body="It broke again.")

        case.refresh_from_db()
        assert settled.state == "appended"
        assert (case.closed_at, case.status.label, case.reopened_count) == (None, "New", 1)

    def test_an_answer_after_the_window_opens_a_follow_up_case(self, support: Any) -> None:
        case = self.closed(support, days=15)

        settled = ingest_mail(subject=mint_token(case.pk), body="It broke again.")

        case.refresh_from_db()
        assert settled.state == "case"
        assert settled.case.follows == case
        assert case.is_closed

    def test_thanks_does_not_reopen(self, support: Any) -> None:
        case = self.closed(support, days=1)

        settled = ingest_mail(subject=mint_token(case.pk), body="Thank you very much!")

        case.refresh_from_db()
        assert settled.state == "appended"
        assert case.is_closed

    def test_attach_only_leaves_the_case_closed(self, support: Any) -> None:
        support.closed_case_policy = "attach_only"
        support.save()
        case = self.closed(support, days=100)

        settled = ingest_mail(subject=mint_token(case.pk), body="It broke again.")

        case.refresh_from_db()
        assert settled.case == case
        assert case.is_closed

    def test_always_reopen_knows_no_window(self, support: Any) -> None:
        support.closed_case_policy = "always_reopen"
        support.save()
        case = self.closed(support, days=1000)

        ingest_mail(subject=mint_token(case.pk), body="It broke again.")

        case.refresh_from_db()
        assert not case.is_closed


class TestFaults:
    def test_a_mail_that_keeps_failing_is_quarantined_with_its_cause_and_the_next_one_settles(
        self, support: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.E2C_SETTLE_ATTEMPTS = 2
        broken = InboundEmailFactory(
            raw=RawBodyFactory(content=raw_mail(subject="break")), envelope_recipients=["support@company.example"]
        )
        healthy = InboundEmailFactory(raw=RawBodyFactory(content=raw_mail(subject="fine")))
        read_mail = reading.read_mail

        def faulty(raw: bytes, **options: Any) -> Any:
            if b"Subject: break" in raw:
                raise ZeroDivisionError("a bug in the reader")
            return read_mail(raw, **options)

        monkeypatch.setattr(reading, "read_mail", faulty)

        settle_batch()
        broken.refresh_from_db()
        assert (broken.state, broken.attempts) == ("received", 1)
        InboundEmail.objects.filter(pk=broken.pk).update(lease_until=timezone.now())
        settle_batch()

        broken.refresh_from_db()
        healthy.refresh_from_db()
        assert (broken.state, broken.reason) == ("quarantined", "failed")
        assert broken.because == "failed 2 times; the last error: ZeroDivisionError: a bug in the reader"
        assert healthy.state == "case"

    def test_a_fault_outside_the_mail_is_waited_out_and_costs_no_attempt(
        self, support: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = InboundEmailFactory(raw=RawBodyFactory(content=raw_mail()))

        def storage_is_away(*_arguments: Any, **_options: Any) -> Any:
            raise OSError("the storage is away")

        with monkeypatch.context() as fault:
            fault.setattr("cases.inbound.settle.store_files", storage_is_away)
            for _ in range(settings_attempts() + 1):
                InboundEmail.objects.filter(pk=waiting.pk).update(lease_until=None)
                settle_batch()
        waiting.refresh_from_db()
        after_faults = (waiting.state, waiting.attempts, waiting.last_error)
        InboundEmail.objects.filter(pk=waiting.pk).update(lease_until=None)
        settle_batch()

        waiting.refresh_from_db()
        assert after_faults == ("received", 0, "the storage is away")
        assert waiting.state == "case"

    def test_a_fault_that_lasts_for_a_day_needs_a_person(self, support: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        waiting = InboundEmailFactory(
            raw=RawBodyFactory(content=raw_mail()), received_at=timezone.now() - timedelta(hours=25)
        )

        def storage_is_away(*_arguments: Any, **_options: Any) -> Any:
            raise OSError("the storage is away")

        monkeypatch.setattr("cases.inbound.settle.store_files", storage_is_away)
        settle_batch()

        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason) == ("quarantined", "failed")

    def test_a_slow_mail_does_not_cost_the_rest_of_its_batch_their_lease(
        self, support: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.E2C_LEASE_SECONDS = 1
        slow = InboundEmailFactory(raw=RawBodyFactory(content=raw_mail(subject="slow")))
        second = InboundEmailFactory(raw=RawBodyFactory(content=raw_mail(subject="second")))
        leases: list[Any] = []
        read_mail = reading.read_mail

        def note_lease(raw: bytes, **options: Any) -> Any:
            leases.append(InboundEmail.objects.get(pk=second.pk).lease_until)
            if b"Subject: slow" in raw:
                time.sleep(0.4)
            return read_mail(raw, **options)

        monkeypatch.setattr(reading, "read_mail", note_lease)

        settle_batch()

        assert InboundEmail.objects.get(pk=slow.pk).state == "case"
        assert leases[1] - leases[0] >= timedelta(seconds=0.4)

    def test_a_fault_of_the_configuration_costs_the_claimed_mails_no_attempt(
        self, support: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = [InboundEmailFactory(raw=RawBodyFactory(content=raw_mail())) for _ in range(2)]

        def unreadable() -> Any:
            raise RuntimeError("a row that nobody can read")

        with monkeypatch.context() as fault:
            fault.setattr("cases.inbound.settle.load_circumstances", unreadable)
            for _ in range(settings_attempts() + 1):
                with pytest.raises(RuntimeError):
                    settle_batch()
        states = list(InboundEmail.objects.order_by("pk").values_list("state", "attempts"))
        settle_batch()

        assert states == [("received", 0)] * len(waiting)
        assert set(InboundEmail.objects.values_list("state", flat=True)) == {"case"}

    def test_a_claim_that_was_lost_writes_nothing(self, support: Any) -> None:
        from cases.inbound.circumstances import load_circumstances
        from cases.inbound.settle import settle_one

        inbound = InboundEmailFactory(raw=RawBodyFactory(content=raw_mail()), state="processing", claim_token="other")
        stale = InboundEmail.objects.select_related("raw__blob").get(pk=inbound.pk)
        stale.claim_token = "mine"

        settle_one(stale, load_circumstances())

        inbound.refresh_from_db()
        assert inbound.state == "processing"
        assert not Case.objects.exists()


class TestSeveralMailsInOneRequest:
    def test_content_that_the_provider_does_not_hand_out_holds_up_no_other_mail(
        self, support: Any, settings: Any
    ) -> None:
        settings.ANYMAIL, settings.E2C_WEBHOOK_SECRET = calls.ANYMAIL, calls.SECRET
        event = calls.stored("mailtrap")["events"][0]
        events = [event | {"message_id": "gone"}, event | {"message_id": "there"}]
        with FakeProvider() as api:
            settings.E2C_INBOUND_API_URL = api.url
            api.answer("/inbound/inboxes/4711/messages/there", {"raw_message_url": f"{api.url}/raw"})
            api.answer("/raw", raw_mail())
            InboundEmailFactory(
                provider="mailtrap",
                method="POST",
                path="/anymail/mailtrap/inbound/",
                headers={"Content-Type": "application/json"},
                raw=RawBodyFactory(content=json.dumps({"events": events}).encode()),
            )
            while settle_batch():
                pass

        assert list(InboundEmail.objects.order_by("event_index").values_list("state", flat=True)) == [
            "received",
            "case",
        ]
