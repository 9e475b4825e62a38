"""Every hostile mail reaches the outcome that its manifest states, and the plain mail after it is served.

The suite runs on SQLite and on PostgreSQL: one table of outcomes for both.
"""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import Case, EmailMessage, InboundEmail, Outbox
from tests.factories import (
    CaseFactory,
    ContactFactory,
    EmailMessageFactory,
    ParticipantFactory,
    RoutingAddressFactory,
    UserFactory,
)
from tests.hostile.make import hostile_ids, hostile_mail
from tests.mails import ingest, mint_message_id, mint_token, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

# What is not a plain new case. A group's expectation is its manifest line; those not named here open a case.
OUTCOMES = {
    "HD23": ("rejected", "own_loop"),
    "HD24": ("case", ""),
    "LP07": ("rejected", "own_loop"),
    "LP08": ("appended", ""),
    "TH01": ("appended", ""),
    "TH05": ("appended", ""),
    "TH07": ("appended", ""),
    "TH08": ("appended", ""),
}


@pytest.fixture
def acme() -> Any:
    RoutingAddressFactory(email_address="sales@acme.example", verified=True)
    return RoutingAddressFactory(email_address="support@acme.example", verified=True)


@pytest.fixture
def case(acme: Any) -> Any:
    """An open case of the customer, with a mail from them and one from us."""
    case = CaseFactory(routing_address=acme, subject="An open subject")
    ParticipantFactory(case=case, address="casey@example.net")
    EmailMessageFactory(case=case, message_identifier="customer.1@mail.example.net")
    return case


def filled(raw: bytes, case: Any) -> bytes:
    """The mail with its @@MARKS@@ replaced by live values."""
    token = mint_token(case.pk)
    ours = mint_message_id(case.pk, "acme.example")
    EmailMessageFactory(case=case, outgoing=True, message_identifier=ours.strip("<>"))
    marks = {
        "OUR_MSGID": ours,
        "TOKEN": token,
        "BADTOKEN": token[:-3] + ("a" if token[-3] != "a" else "b") + token[-2:],
        "CASENUM": case.number_text,
        "CUSTOMER_MSGID": "<customer.1@mail.example.net>",
        "OPEN_SUBJECT": case.subject,
        "REP_EMAIL": "rep@acme.example",
        "SINKPORT": "9",
        "UNIQUE": "unique-1",
    }
    for name, value in marks.items():
        raw = raw.replace(f"@@{name}@@".encode(), value.encode())
    return raw


@pytest.mark.parametrize("identifier", list(hostile_ids()))
def test_hostile_mail_reaches_its_outcome_and_the_next_mail_is_served(identifier: str, case: Any) -> None:
    raw = filled(hostile_mail(identifier), case)

    settled = ingest(raw, to=["support@acme.example"])
    following = ingest(raw_mail(to="support@acme.example", sender="next@example.org"))

    stored = InboundEmail.objects.get(pk=settled.inbound.pk)
    expected = OUTCOMES.get(identifier, ("case", ""))
    if identifier in BOMBS and stored.state == "quarantined":
        expected = ("quarantined", "too_complex")
    assert (stored.state, stored.reason) == expected, stored.because
    assert stored.raw.size == len(raw)
    assert following.state == "case"
    assert not Outbox.objects.exists()


# Quarantine with a reason, or a case without the bad part: the manifest allows both, and each run must give the same.
BOMBS = frozenset({"MB01", "MB03", "MB04", "MB05", "MB07", "MB09", "MB10", "MB11"})


class TestThreads:
    def test_a_changed_token_and_a_case_number_and_a_subject_append_nothing(self, case: Any) -> None:
        for identifier in ("TH02", "TH03", "TH12"):
            settled = ingest(filled(hostile_mail(identifier), case), to=["support@acme.example"])

            assert settled.case != case

    def test_a_stranger_who_answers_our_id_is_flagged(self, case: Any) -> None:
        settled = ingest(filled(hostile_mail("TH05"), case), to=["support@acme.example"])

        assert settled.message.flags == ["new_participant"]

    def test_somebody_copied_on_a_forged_mail_takes_no_part(self, case: Any) -> None:
        ingest(filled(hostile_mail("TH07"), case), to=["support@acme.example"])

        assert list(case.participants.values_list("address", flat=True)) == ["casey@example.net"]

    def test_a_mail_in_a_reps_name_is_a_customers_mail(self, case: Any) -> None:
        UserFactory(email="rep@acme.example")

        settled = ingest(filled(hostile_mail("TH08"), case), to=["support@acme.example"])

        assert settled.message.incoming
        assert settled.message.created_by is None
        assert settled.message.flags == ["new_participant"]

    def test_a_bounce_marks_the_mail_it_returns(self, case: Any) -> None:
        settled = ingest(filled(hostile_mail("LP08"), case), to=["support@acme.example"])

        sent = EmailMessage.objects.get(incoming=False)
        assert settled.message.is_bounce
        assert list(sent.deliveries.values_list("recipient", "state")) == [("casey@example.net", "bounced")]


class TestDuplicates:
    def test_three_deliveries_are_one_mail(self, acme: Any) -> None:
        for _ in range(3):
            ingest(hostile_mail("DD01"), to=["support@acme.example"])

        assert EmailMessage.objects.count() == 1
        assert sorted(InboundEmail.objects.values_list("state", flat=True)) == ["case", "duplicate", "duplicate"]

    def test_a_forged_id_is_not_swallowed(self, case: Any) -> None:
        settled = ingest(filled(hostile_mail("DD02"), case), to=["support@acme.example"])

        assert settled.state == "case"

    def test_two_routing_addresses_are_one_case_and_both_are_named(self, acme: Any) -> None:
        first = ingest(hostile_mail("DD03"), to=["support@acme.example"])
        ingest(hostile_mail("DD03"), to=["sales@acme.example"])

        first.message.refresh_from_db()
        assert Case.objects.count() == 1
        assert first.message.also_received_by == ["sales@acme.example"]

    def test_a_mail_without_an_id_posted_twice_is_one_case(self, acme: Any) -> None:
        ingest(hostile_mail("HD10"), to=["support@acme.example"])
        ingest(hostile_mail("HD10"), to=["support@acme.example"])

        assert Case.objects.count() == 1


class TestSenders:
    def test_two_from_headers_are_not_the_known_customer(self, acme: Any) -> None:
        ContactFactory(email="ceo@acme.example")

        settled = ingest(hostile_mail("HD02"), to=["support@acme.example"])

        assert settled.message.flags == ["sender_ambiguous"]
        assert settled.case.contact is None

    def test_mail_for_a_blind_copy_is_routed_by_its_envelope(self, acme: Any) -> None:
        settled = ingest(hostile_mail("HD16"), to=["support@acme.example"])

        assert settled.case.routing_address == acme

    def test_a_forged_authentication_header_is_not_believed(self, acme: Any) -> None:
        settled = ingest(hostile_mail("HD21"), to=["support@acme.example"])

        assert settled.mail.analysis.authentication.by is None


def test_identical_mails_of_another_ticket_system_are_kept_and_held(acme: Any) -> None:
    raw = hostile_mail("LP10")

    states = [
        ingest(raw.replace(b"@@UNIQUE@@", f"u{number}".encode()), to=["support@acme.example"]).state
        for number in range(40)
    ]

    assert InboundEmail.objects.count() == 40
    assert states == ["case"] * 20 + ["held"] * 20
    assert not Outbox.objects.exists()
