"""Notices are queued once, to proven people, within budgets, and carry nothing of a mail but a subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from cases.models import Outbox
from cases.outbound.notices import NotQueued, queue_owner_notice, queue_refusal_notice
from cases.reasons import Reason
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    QueueFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Verdict:
    dmarc: str | None = "pass"


def refuse(recipient: str = "casey@example.net", *, dmarc: str | None = "pass", **options: Any) -> Outbox | NotQueued:
    inbound = options.pop("inbound", None) or InboundEmailFactory()
    reason = options.pop("reason", Reason.UNAUTHORIZED_SENDER)
    return queue_refusal_notice(inbound, reason=reason, recipient=recipient, authentication=Verdict(dmarc), **options)


def reason_of(outcome: object) -> str:
    assert isinstance(outcome, NotQueued)
    assert outcome.because
    return outcome.reason


def test_authenticated_sender_of_a_refused_mail_gets_one_fixed_text(organisation: Any) -> None:
    address = RoutingAddressFactory(email_address="support@company.example")
    inbound = InboundEmailFactory(routing_address=address, subject="Buy now", from_address="casey@example.net")

    row = refuse(inbound=inbound)

    assert isinstance(row, Outbox)
    assert (row.state, row.kind, row.recipient, row.answers) == ("queued", "notice", "casey@example.net", inbound)
    assert row.from_address is None
    assert row.subject == "Your email was not accepted"
    assert "support@company.example" in row.text_body
    assert "Buy now" not in row.subject + row.text_body
    assert row.message_identifier


def test_over_limit_has_its_own_text(organisation: Any) -> None:
    row = refuse(reason=Reason.OVER_LIMIT)

    assert isinstance(row, Outbox)
    assert "Please send it again tomorrow." in row.text_body


@pytest.mark.parametrize("dmarc", [None, "none", "fail", "temperror", ""])
def test_sender_that_nothing_proves_gets_no_notice(organisation: Any, dmarc: str | None) -> None:
    assert reason_of(refuse(dmarc=dmarc)) == "not_authenticated"
    assert Outbox.objects.count() == 0


def test_same_mail_is_answered_once(organisation: Any) -> None:
    inbound = InboundEmailFactory()
    refuse(inbound=inbound)

    assert reason_of(refuse(inbound=inbound)) == "already_queued"
    assert Outbox.objects.count() == 1


def test_recipient_gets_no_more_automatic_mail_than_the_budget(organisation: Any) -> None:
    outcomes = [refuse("Casey@Example.net") for _ in range(4)]

    assert [isinstance(outcome, Outbox) for outcome in outcomes] == [True, True, True, False]
    assert reason_of(outcomes[3]) == "over_budget"
    assert isinstance(refuse("other@example.net"), Outbox)


def test_budget_of_a_recipient_comes_back_after_a_day(organisation: Any) -> None:
    for _ in range(3):
        refuse()

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert isinstance(refuse(), Outbox)


def test_daily_budget_stops_all_automatic_mail(organisation: Any) -> None:
    organisation.automatic_mail_daily_budget = 2
    organisation.save()

    outcomes = [refuse(f"person{n}@example.net") for n in range(3)]

    assert [isinstance(outcome, Outbox) for outcome in outcomes] == [True, True, False]


def test_budget_of_zero_switches_notices_off(organisation: Any) -> None:
    organisation.automatic_mail_recipient_budget = 0
    organisation.save()

    assert reason_of(refuse()) == "over_budget"


def test_our_own_addresses_get_no_notice(organisation: Any, settings: Any) -> None:
    settings.E2C_SYSTEM_FROM = "Support <no-reply@company.example>"
    RoutingAddressFactory(email_address="support@company.example")

    for address in ("support@company.example", "no-reply@company.example", f"token@{settings.E2C_INBOUND_DOMAIN}"):
        assert reason_of(refuse(address)) == "own_address"


def test_reason_without_a_text_sends_nothing(organisation: Any) -> None:
    assert reason_of(refuse(reason=Reason.BLOCKED_SENDER)) == "no_text"


@pytest.mark.parametrize(
    "recipient", ["", "nobody", "casey@example.net\r\nBcc: x@example.net", "a@b.example, c@d.example"]
)
def test_recipient_that_is_not_one_address_gets_no_notice(organisation: Any, recipient: str) -> None:
    assert reason_of(refuse(recipient)) == "no_recipient"


def queue_case(**fields: Any) -> Any:
    return CaseFactory(owner_queue=QueueFactory(email="team@company.example"), **fields)


def test_address_of_the_queue_is_told_with_a_link_and_no_content(organisation: Any, settings: Any) -> None:
    settings.E2C_PUBLIC_URL = "https://help.company.example"
    case = queue_case(subject="Broken lamp")
    message = EmailMessageFactory(case=case, text_body="secret words")

    row = queue_owner_notice(case, message)

    assert isinstance(row, Outbox)
    assert row.recipient == "team@company.example"
    assert row.case == case
    assert row.subject == f"New email on case {case.number_text}: Broken lamp"
    assert f"https://help.company.example/cases/{case.number}/" in row.text_body
    assert "secret words" not in row.text_body


def test_subject_of_a_customer_cannot_break_out_of_the_header(organisation: Any) -> None:
    case = queue_case(subject="Hi\r\nBcc: x@evil.example\u2028X: y\x85Z")

    row = queue_owner_notice(case, EmailMessageFactory(case=case))

    assert isinstance(row, Outbox)
    assert row.subject == f"New email on case {case.number_text}: Hi Bcc: x@evil.example X: y Z"


def test_queue_is_told_once_in_a_few_minutes(organisation: Any) -> None:
    case = queue_case()
    now = timezone.now()

    outcomes = [
        queue_owner_notice(case, EmailMessageFactory(case=case), now=now + timedelta(seconds=seconds))
        for seconds in (0, 60, 290)
    ]

    assert isinstance(outcomes[0], Outbox)
    assert [reason_of(outcome) for outcome in outcomes[1:]] == ["told_recently"] * 2
    assert Outbox.objects.count() == 1
    later = now + timedelta(minutes=6)
    assert isinstance(queue_owner_notice(case, EmailMessageFactory(case=case), now=later), Outbox)


def test_another_case_of_the_queue_has_its_own_notice(organisation: Any) -> None:
    first = queue_case()
    second = CaseFactory(owner_queue=first.owner_queue)

    for case in (first, second):
        queue_owner_notice(case, EmailMessageFactory(case=case))

    assert Outbox.objects.count() == 2


@pytest.mark.parametrize("address", ["", "not an address", "support@company.example"])
def test_queue_without_an_address_of_its_own_gets_nothing(organisation: Any, address: str) -> None:
    """One of our own would make a case of the notice."""
    RoutingAddressFactory(email_address="support@company.example")
    case = CaseFactory(owner_queue=QueueFactory(email=address))

    assert reason_of(queue_owner_notice(case, EmailMessageFactory(case=case))) == "no_recipient"


def test_a_person_who_owns_the_case_is_told_elsewhere(organisation: Any) -> None:
    case = CaseFactory(owner_queue=None, owner_user=UserFactory())

    assert reason_of(queue_owner_notice(case, EmailMessageFactory(case=case))) == "no_recipient"
    assert Outbox.objects.count() == 0


def test_automatic_mail_is_not_worth_a_notice(organisation: Any) -> None:
    case = queue_case()

    assert reason_of(queue_owner_notice(case, EmailMessageFactory(case=case, is_automatic=True))) == "automatic_mail"


def test_bounce_is_worth_a_notice(organisation: Any) -> None:
    case = queue_case()

    row = queue_owner_notice(case, EmailMessageFactory(case=case, is_automatic=True, is_bounce=True))

    assert isinstance(row, Outbox)
    assert row.subject.startswith("Delivery failed on case ")


def test_notices_to_owners_take_nothing_from_the_budget_of_outsiders(organisation: Any) -> None:
    organisation.automatic_mail_daily_budget = 1
    organisation.save()
    case = queue_case()
    queue_owner_notice(case, EmailMessageFactory(case=case))

    assert isinstance(refuse(), Outbox)
