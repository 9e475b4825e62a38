"""What rules and flows are told about a mail that opens a case."""

from __future__ import annotations

import pytest

from routing.models import AssignmentRule, Queue, RuleEntry
from tests.factories import QueueFactory, RoutingAddressFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

GERMAN = "Guten Tag, meine Lampe ist kaputt. Bitte senden Sie mir eine neue."


@pytest.fixture
def german() -> Queue:
    """The queue of all German mail to support@company.example, where colleagues may pass mail on."""
    rule = AssignmentRule.objects.create(name="Languages")
    queue = QueueFactory(name="German")
    conditions = {"field": "language", "operator": "is", "value": "de"}
    RuleEntry.objects.create(rule=rule, label="German", conditions=conditions, owner_queue=queue)
    RoutingAddressFactory(
        email_address="support@company.example",
        strategy="rules",
        assignment_rule=rule,
        unwrap_forwards_from="company.example",
    )
    return queue


def test_language_is_told_from_the_text(german: Queue) -> None:
    case = ingest_mail(body=GERMAN).case
    other = ingest_mail(body="Good morning, my lamp is broken. Please send me a new one.").case

    assert case is not None
    assert other is not None
    assert case.owner_queue == german
    assert other.owner_queue != german


def test_language_of_an_answered_quote_does_not_count(german: Queue) -> None:
    body = "Here is what your colleague wrote to us. Can you please explain it?\n\nOn Mon, Jane wrote:\n" + "".join(
        f"> {GERMAN}\n" for _ in range(5)
    )

    case = ingest_mail(body=body).case

    assert case is not None
    assert case.owner_queue != german


def test_language_of_a_mail_passed_on_is_that_of_the_customer(german: Queue) -> None:
    body = (
        "Please look at this one, it came to my own address.\n\n---------- Forwarded message ---------\n"
        "From: Jan <jan@customer.example>\nDate: Mon, 23 Nov 2026 at 10:00\nSubject: Lampe\n"
        f"To: <sam@company.example>\n\n{GERMAN}\n"
    )

    case = ingest_mail(sender="Sam <sam@company.example>", subject="Fwd: Lampe", body=body).case

    assert case is not None
    assert case.owner_queue == german
