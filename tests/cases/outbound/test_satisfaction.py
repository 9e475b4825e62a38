"""The question after closing: once a case, to one proven customer, and not when anything speaks against it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.lifecycle import closed_status, default_status, set_status
from cases.models import Case, CaseEvent, Delivery, EmailMessage, Outbox, SatisfactionRequest
from cases.outbound.delivery import deliver_due
from cases.outbound.satisfaction import LATEST, ask_after_closing
from cases.setup import set_up_instance
from routing.models import EmailTemplate, EmailToCaseSettings, RoutingAddress
from tests.factories import CaseFactory, EmailMessageFactory, RecordTypeFactory, RoutingAddressFactory
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

NOW = timezone.now()


@pytest.fixture(autouse=True)
def _organisation(db: Any) -> None:
    set_up_instance()


@pytest.fixture
def template() -> EmailTemplate:
    row: EmailTemplate = EmailTemplate.objects.create(
        name="How did it go",
        subject="How did it go with {{ case.number }}?",
        text_body="Hello {{ customer.first_name|there }},\n\nplease tell us: {{ satisfaction.link }}",
    )
    return row


@pytest.fixture
def address(template: EmailTemplate) -> RoutingAddress:
    row: RoutingAddress = RoutingAddressFactory(
        verified=True,
        email_address="support@company.example",
        display_name="Gold Support",
        asks_satisfaction=True,
        satisfaction_template=template,
    )
    return row


def closed_case(
    address: RoutingAddress, *, hours_ago: float = 25, customer: str = "casey@example.net", **mail: Any
) -> Case:
    case = CaseFactory(routing_address=address, supplied_email=customer, closed=True, closed_at=ago(hours_ago))
    EmailMessageFactory(**{"case": case, "from_address": customer, "dmarc": "pass"} | mail)
    answer = EmailMessageFactory(case=case, outgoing=True)
    Outbox.objects.create(
        key=f"reply:{answer.pk}", kind="reply", case=case, email_message=answer, state="sent", sent_at=NOW
    )
    return case  # type: ignore[no-any-return]


def ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


def why_not(case: Case) -> str:
    ask_after_closing()
    assert not Outbox.objects.filter(kind="survey").exists()
    request = SatisfactionRequest.objects.filter(case=case).first()
    return request.refused_because if request else "undecided"


def test_a_mail_that_was_only_passed_on_is_no_answer_to_judge(address: RoutingAddress) -> None:
    case = closed_case(address)
    Outbox.objects.filter(case=case).update(composed={"mode": "forward"})

    assert why_not(case) == "no reply was sent: there is nothing to judge"


def test_a_reply_that_is_on_its_way_is_waited_for(address: RoutingAddress) -> None:
    """Sent and closed, and the mail service did not take it for hours."""
    case = closed_case(address)
    Outbox.objects.filter(case=case).update(state="queued", sent_at=None)
    assert why_not(case) == "undecided"

    Outbox.objects.filter(case=case).update(state="sent", sent_at=timezone.now())
    ask_after_closing()

    assert SatisfactionRequest.objects.get().refused_because == ""


# Asked
# ------------------------------------------------------------------------------------------------------------
def test_cases_of_some_types_are_not_asked_about(address: RoutingAddress) -> None:
    spam = RecordTypeFactory(name="Spam", asks_satisfaction=False)
    case = closed_case(address)
    Case.objects.filter(pk=case.pk).update(record_type=spam)

    assert why_not(case) == "cases of the type “Spam” are not asked about"


def test_the_customer_of_a_closed_case_is_asked_once(address: RoutingAddress) -> None:
    case = closed_case(address)

    assert (ask_after_closing(), ask_after_closing()) == (1, 0)

    request = SatisfactionRequest.objects.get()
    outbox = Outbox.objects.get(kind="survey")
    message = outbox.email_message
    assert (request.case, request.recipient, request.refused_because, request.rating) == (
        case,
        *("casey@example.net", "", ""),
    )
    assert (outbox.recipient, outbox.from_address, message.subject) == (
        *("casey@example.net", address),
        f"How did it go with {case.number_text}?",
    )
    assert "Hello Casey," in message.text_body
    assert "/feedback/" in message.text_body
    assert "/feedback/" not in message.reply_text + message.snippet
    assert list(case.events.values_list("kind", flat=True)) == ["satisfaction_asked"]


def test_the_mail_leaves_with_the_marks_of_automatic_mail(address: RoutingAddress, settings: Any) -> None:
    closed_case(address)
    ask_after_closing()

    sent = deliver(settings)

    assert sent.message["Auto-Submitted"] == "auto-generated"
    assert sent.message["From"] == "Gold Support <support@company.example>"
    assert sent.message["To"] == "Casey Customer <casey@example.net>"
    assert sent.message["In-Reply-To"] is None
    assert Outbox.objects.get(kind="survey").state == "sent"


def deliver(settings: Any) -> Any:
    fake: FakeSmtpServer
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        while deliver_due():
            pass
        return fake.ledger[0] if fake.ledger else None


def test_a_template_without_the_field_gets_the_link_and_html_an_anchor(
    address: RoutingAddress, template: EmailTemplate
) -> None:
    template.text_body, template.html_body = "", "<p>All well?</p>"
    template.save()
    EmailToCaseSettings.objects.update(html_email=True)
    closed_case(address)

    ask_after_closing()

    message = EmailMessage.objects.get(is_automatic=True)
    assert "Tell us how it went:\nhttp" in message.text_body
    assert message.html_body.count('<a href="http') == 1


def test_a_link_in_html_can_be_followed(address: RoutingAddress, template: EmailTemplate) -> None:
    template.html_body = "<p>Please: {{ satisfaction.link }}</p>"
    template.save()
    EmailToCaseSettings.objects.update(html_email=True)
    closed_case(address)

    ask_after_closing()

    assert '<p>Please: <a href="http' in EmailMessage.objects.get(is_automatic=True).html_body


# Not asked
# ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mail", "because"),
    [
        ({"is_automatic": True}, "a machine wrote the customer's newest mail"),
        ({"dmarc": "fail"}, "nothing proves that casey@example.net sent the mail"),
        ({"dmarc": ""}, "nothing proves that casey@example.net sent the mail"),
        ({"from_address": "other@example.net"}, "no mail of the customer is here"),
    ],
)
def test_what_the_mail_says_against_it(address: RoutingAddress, mail: dict[str, Any], because: str) -> None:
    assert why_not(closed_case(address, **mail)) == because


@pytest.mark.parametrize("customer", ["no-reply@example.net", "mailer-daemon@example.net", "support@company.example"])
def test_nobody_is_asked_who_reads_no_mail_or_is_ourselves(address: RoutingAddress, customer: str) -> None:
    assert customer in why_not(closed_case(address, customer=customer))


@pytest.mark.parametrize("state", ["bounced", "complained"])
def test_mail_that_came_back_is_followed_by_none(address: RoutingAddress, state: str) -> None:
    other = EmailMessageFactory(outgoing=True)
    Delivery.objects.create(email_message=other, recipient="casey@example.net", state=state, at=NOW)

    assert why_not(closed_case(address)) == "mail to casey@example.net came back"


def test_a_case_that_nobody_answered_is_not_judged(address: RoutingAddress) -> None:
    case = closed_case(address)
    Outbox.objects.filter(case=case).delete()

    assert why_not(case) == "no reply was sent: there is nothing to judge"


def test_one_question_to_a_customer_in_the_window_over_all_addresses(
    address: RoutingAddress, template: EmailTemplate
) -> None:
    other = RoutingAddressFactory(verified=True, asks_satisfaction=True, satisfaction_template=template)
    cases = [closed_case(each) for each in (address, other)]
    ask_after_closing()

    assert [each.satisfaction.refused_because for each in cases] == ["", "casey@example.net was asked within 30 days"]
    assert Outbox.objects.filter(kind="survey").count() == 1

    SatisfactionRequest.objects.update(decided_at=NOW - timedelta(days=31))
    third = closed_case(address)
    ask_after_closing()
    assert third.satisfaction.refused_because == ""


@pytest.mark.parametrize("hours", [0, 23, 24 + LATEST.total_seconds() / 3600 + 1])
def test_neither_too_early_nor_long_after(address: RoutingAddress, hours: float) -> None:
    assert why_not(closed_case(address, hours_ago=hours)) == "undecided"


def test_a_case_that_was_opened_again_is_not_asked_about(address: RoutingAddress) -> None:
    case = closed_case(address)
    set_status(case=case, status=default_status(), by=None)

    assert why_not(case) == "undecided"
    case.refresh_from_db()

    closed = closed_status()
    assert closed is not None
    set_status(case=case, status=closed, by=None, now=ago(25))
    assert ask_after_closing() == 1


@pytest.mark.parametrize("undone", ["reopened", "off", "unverified", "template", "merged"])
def test_what_changes_before_it_leaves_stops_it(
    address: RoutingAddress, template: EmailTemplate, undone: str, settings: Any
) -> None:
    case = closed_case(address)
    ask_after_closing()
    addresses = RoutingAddress.objects.filter(pk=address.pk)
    match undone:
        case "reopened":
            set_status(case=case, status=default_status(), by=None)
        case "merged":
            Case.objects.filter(pk=case.pk).update(merged_into=CaseFactory())
        case "off":
            addresses.update(asks_satisfaction=False)
        case "unverified":
            addresses.update(verified_at=None, verified_email="")
        case "template":
            EmailTemplate.objects.update(is_active=False)

    assert deliver(settings) is None
    assert Outbox.objects.get(kind="survey").state == "failed"


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"verified_at": None, "verified_email": ""}, {"asks_satisfaction": False}]
)
def test_an_address_that_may_not_ask_decides_nothing(address: RoutingAddress, change: dict[str, Any]) -> None:
    RoutingAddress.objects.filter(pk=address.pk).update(**change)

    assert why_not(closed_case(address)) == "undecided"


def test_a_spent_budget_puts_it_off(address: RoutingAddress) -> None:
    EmailToCaseSettings.objects.update(automatic_mail_recipient_budget=0)
    case = closed_case(address)
    assert why_not(case) == "undecided"

    EmailToCaseSettings.objects.update(automatic_mail_recipient_budget=3)
    assert ask_after_closing() == 1


def test_a_question_counts_in_the_budget(address: RoutingAddress) -> None:
    EmailToCaseSettings.objects.update(automatic_mail_daily_budget=1)
    for customer in ("a@example.net", "b@example.net"):
        closed_case(address, customer=customer)

    assert ask_after_closing() == 1


def test_without_an_address_that_asks_a_round_is_one_statement(django_assert_num_queries: Any) -> None:
    closed_case(RoutingAddressFactory(verified=True))

    with django_assert_num_queries(1):
        assert ask_after_closing() == 0


def test_a_question_without_a_template_cannot_be_saved() -> None:
    address = RoutingAddressFactory.build(asks_satisfaction=True)

    with pytest.raises(Exception, match="Choose the template of the question"):
        address.validate_constraints()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_sweepers_ask_a_customer_once(address: RoutingAddress) -> None:
    for _ in range(5):
        closed_case(address)

    def work() -> None:
        while ask_after_closing(limit=2):
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert SatisfactionRequest.objects.count() == 5
    assert Outbox.objects.filter(kind="survey").count() == 1
    assert CaseEvent.objects.filter(kind="satisfaction_asked").count() == 1
