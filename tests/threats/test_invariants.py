"""After any mixture of hostile and plain mail the invariants hold; and each invariant finds what it is there for."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.inbound.accept import store_raw_mail
from cases.inbound.settle import settle_batch
from cases.models import Case, EmailMessage, InboundEmail, Outbox, RawBody, SendDecision
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    ParticipantFactory,
    RoutingAddressFactory,
    UserFactory,
)
from tests.hostile.make import hostile_ids, hostile_mail
from tests.invariants import assert_invariants, broken_invariants
from tests.mails import mint_message_id, mint_reply_address, mint_token, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

# Those that are read in a process of their own, seconds each; tests/cases/inbound/test_hostile.py has them all.
SLOW = frozenset({"MB01", "MB03", "MB04", "MB05", "MB07", "MB09", "MB10", "MB11"})


@pytest.fixture
def acme() -> Any:
    RoutingAddressFactory(email_address="sales@acme.example", verified=True)
    return RoutingAddressFactory(email_address="support@acme.example", verified=True)


def plain_and_threaded(case: Case) -> list[bytes]:
    """Plain mails, answers with every proof of thread, and the same by strangers."""
    senders = ["casey@example.net", "stranger@example.org"]
    mails = [raw_mail(to="support@acme.example", sender=f"plain{number}@example.org") for number in range(12)]
    for sender in senders:
        for headers, subject in [
            ([f"In-Reply-To: {mint_message_id(case.pk, 'acme.example')}"], "Re: lamp"),
            (["In-Reply-To: <customer.1@mail.example.net>"], "Re: lamp"),
            ([], f"Re: lamp {mint_token(case.pk)}"),
            ([], f"Re: lamp {case.number_text}"),
            (["Auto-Submitted: auto-replied", f"In-Reply-To: {mint_message_id(case.pk)}"], "Out of office"),
        ]:
            mails.append(raw_mail(to="support@acme.example", sender=sender, headers=headers, subject=subject))
        mails.append(raw_mail(to=mint_reply_address(case.pk, "support@acme.example"), sender=sender))
    return mails


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_after_a_mixed_run_in_any_order(seed: int, acme: Any) -> None:
    case = CaseFactory(routing_address=acme)
    ParticipantFactory(case=case, address="casey@example.net")
    EmailMessageFactory(
        case=case,
        message_identifier="customer.1@mail.example.net",
        inbound_email=InboundEmailFactory(state="case", trail=[{"step": "write", "verdict": "case", "because": ""}]),
    )
    mails = plain_and_threaded(case)
    mails += [hostile_mail(identifier) for identifier in hostile_ids() if identifier not in SLOW]
    mails += mails[:20]  # replays
    random.Random(seed).shuffle(mails)

    ledger = []
    for raw in mails:
        store_raw_mail(
            provider="smtp", raw=raw, envelope_sender="x@example.net", envelope_recipients=["support@acme.example"]
        )
        ledger.append((hashlib.sha256(raw).hexdigest(), 200))
    while settle_batch(limit=50):
        pass

    assert not InboundEmail.objects.filter(state__in=InboundEmail.UNSETTLED).exists()
    assert set(InboundEmail.objects.values_list("state", flat=True)) >= {"case", "appended", "duplicate", "rejected"}
    assert_invariants(ledger)


class TestEachInvariantFindsItsFault:
    def test_lost_bytes(self) -> None:
        assert broken_invariants([("ab" * 32, 200), ("cd" * 32, 503)]) == {"I1 every 2xx has its bytes": ["ab" * 32]}

    def test_changed_bytes(self) -> None:
        raw = InboundEmailFactory().raw
        RawBody.objects.filter(pk=raw.pk).update(content=b"other")

        assert broken_invariants() == {"I1 stored bytes are those that were hashed": [raw.pk]}

    def test_forgotten_mail(self) -> None:
        inbound = InboundEmailFactory(received_at=timezone.now() - timedelta(minutes=6))

        assert broken_invariants() == {
            "I2 every mail is settled in time, every refusal has a reason": [(inbound.pk, "received", "")]
        }

    def test_outcome_without_a_record(self) -> None:
        inbound = InboundEmailFactory(state="case", trail=[{"step": "write"}])

        assert broken_invariants() == {
            "I3 a mail is on a case if and only if its outcome says so, and once": [(inbound.pk, "case", 0)]
        }

    @pytest.mark.parametrize("basis", ["their_message_id", "thread_index", "none", "merged"])
    def test_append_without_authority(self, basis: str) -> None:
        inbound = InboundEmailFactory(state="appended", trail=[{"step": "write"}])
        message = EmailMessageFactory(inbound_email=inbound, thread_basis=basis)

        assert broken_invariants() == {"I5 nobody is appended without authority": [(message.pk, basis)]}
        EmailMessage.objects.filter(pk=message.pk).update(approved_by=UserFactory())
        assert broken_invariants() == {}

    def test_send_that_nobody_allowed(self) -> None:
        address = RoutingAddressFactory(verified=True)
        outbox = Outbox.objects.create(
            key="k", kind="reply", from_address=address, recipient="casey@example.net", state="sent",
            sent_at=timezone.now(),
        )  # fmt: skip

        assert broken_invariants() == {
            "I6 every send from an address was verified and allowed at that moment": [(outbox.pk, "sent")]
        }
        SendDecision.objects.create(address=address, outbox=outbox, stage="send", allowed=True, because="granted")
        assert broken_invariants() == {}

    def test_send_from_an_address_verified_later(self) -> None:
        address = RoutingAddressFactory(verified=True)
        outbox = Outbox.objects.create(
            key="k", kind="reply", from_address=address, recipient="casey@example.net", state="uncertain",
            sent_at=timezone.now() - timedelta(hours=1),
        )  # fmt: skip
        SendDecision.objects.create(address=address, outbox=outbox, stage="send", allowed=True, because="granted")

        assert [row[0] for row in broken_invariants().popitem()[1]] == [outbox.pk]


@pytest.mark.postgres
def test_invariants_are_statements_of_postgresql_too() -> None:
    assert connection.vendor == "postgresql"
    assert broken_invariants() == {}
