"""The wrong-recipient guard: rules over facts, facts from the database, and a page that asks before it sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.models import Case, Delivery, EmailMessage, Outbox
from cases.outbound.guard import Sending, has_word_of_attachment, is_confirmed, risks_of, seen
from cases.outbound.guard_facts import gather_facts
from routing.models import QueueMember, RoutingAddress
from tests.cases.composing.mails import CUSTOMER
from tests.factories import CaseFactory, ContactFactory, EmailMessageFactory

KNOWN = frozenset({CUSTOMER})


def kinds(**facts: Any) -> list[str]:
    values: dict[str, Any] = {"recipients": [CUSTOMER], "known": KNOWN, "subject": "Order 17", "text": "Hello"}
    return [risk.kind for risk in risks_of(Sending(**(values | facts)))]


# Rules
# ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"recipients": ["x@example.org"]}, ["new_outsider"]),
        ({"recipients": ["ben@company.example"], "ours": frozenset({"company.example"})}, []),
        ({"recipients": ["ben@it.company.co.uk"], "ours": frozenset({"company.co.uk"})}, []),
        ({"recipients": ["ben@other.co.uk"], "ours": frozenset({"company.co.uk"})}, ["new_outsider"]),
        ({"recipients": ["x@example.org"], "is_new": True}, []),
        ({"recipients": ["x@acme.example"], "others": {"x@acme.example": "Acme"}}, ["other_customer"]),
        ({"recipients": [CUSTOMER], "others": {CUSTOMER: "Acme"}}, []),
        ({"recipients": [f"a{n}@x.org" for n in range(11)], "ours": frozenset({"x.org"})}, ["many_recipients"]),
        ({"recipients": [f"a{n}@x.org" for n in range(10)], "ours": frozenset({"x.org"})}, []),
        ({"bounced": frozenset({CUSTOMER})}, ["bounced"]),
        ({"bounced": frozenset({"other@example.net"})}, []),
        ({"text": "See the attached file."}, ["forgotten_attachment"]),
        ({"text": "See the attached file.", "has_files": True}, []),
        ({"subject": "  "}, ["empty_subject"]),
        ({"text": "Dear {{ customer.first_name }},"}, ["unfilled_fields"]),
        ({"subject": "Case {{case.number}}"}, ["unfilled_fields"]),
        ({"text": "Write {single} or { { this"}, []),
        ({"answers_failed_authentication": True}, ["failed_authentication"]),
    ],
)
def test_rules(facts: dict[str, Any], expected: list[str]) -> None:
    assert kinds(**facts) == expected


@pytest.mark.parametrize(
    ("text", "speaks_of_one"),
    [
        ("Please see the attachment.", True),
        ("I attached it", True),
        ("We are very attached to you", True),
        ("Anbei die Rechnung.", True),
        ("Die Rechnung finden Sie im Anhang.", True),
        ("siehe Anlage", True),
        ("Ci-joint le devis", True),
        ("en pièce jointe", True),
        ("Adjunto la factura", True),
        ("el archivo adjunto", True),
        ("unattached", False),
        ("Ihre Anlageberatung", False),
        ("Nichts davon", False),
        ("", False),
    ],
)
def test_words_of_attachments_in_four_languages(text: str, speaks_of_one: bool) -> None:
    assert has_word_of_attachment(text) is speaks_of_one


def test_forward_whose_answers_stay_outside_says_nothing_of_answers() -> None:
    [can] = risks_of(Sending(recipients=["x@example.org"], subject="s"))
    [cannot] = risks_of(Sending(recipients=["x@example.org"], subject="s", can_answer_into_case=False))

    assert can.words == "x@example.org has not been part of this case. Whoever gets this mail can answer into it."
    assert cannot.words == "x@example.org has not been part of this case."


def test_one_more_stranger_is_one_more_warning() -> None:
    one = risks_of(Sending(recipients=["x@example.org"], subject="s"))
    two = risks_of(Sending(recipients=["x@example.org", "y@example.org"], subject="s"))

    assert is_confirmed(one, seen(one))
    assert not is_confirmed(two, seen(one))
    assert not is_confirmed(one, "")
    assert is_confirmed([], "")
    assert is_confirmed(two, "1")


# Facts
# ------------------------------------------------------------------------------------------------------------
def facts_of(case: Case, author: User, *recipients: str, **fields: Any) -> Sending:
    values = {"answers": None, "subject": "s", "text": "t", "has_files": False}
    return gather_facts(author=author, case=case, recipients=recipients, **(values | fields))


def test_other_customer_is_known_by_address_or_domain(case: Case, ana: User) -> None:
    ContactFactory(name="Bo", email="Bo@acme.example", company="Acme")
    CaseFactory(supplied_email="cy@other.example")
    ContactFactory(email="dee@gmail.com")

    sending = facts_of(
        case, ana, "bo@acme.example", "eve@acme.example", "cy@other.example", "new@gmail.com", "x@nobody.example"
    )

    # Ana sees no case of Acme: the name of the company is not told.
    assert sending.others == {
        "bo@acme.example": "a contact of another case",
        "eve@acme.example": "acme.example is the domain of another customer",
        "cy@other.example": "the customer of another case",
    }


def test_departments_of_a_customer_are_that_customer_and_neighbours_of_a_suffix_are_not(case: Case, ana: User) -> None:
    ContactFactory(name="Bo", email="bo@acme.co.uk", company="Acme")
    ContactFactory(name="Di", email="di@sales.lamps.co.uk", company="Lamps")

    sending = facts_of(case, ana, "eve@billing.acme.co.uk", "dan@sales.lamps.co.uk", "fay@nobody.co.uk")

    assert sending.others == {
        "eve@billing.acme.co.uk": "acme.co.uk is the domain of another customer",
        "dan@sales.lamps.co.uk": "sales.lamps.co.uk is the domain of another customer",
    }


def test_departments_of_the_customer_of_the_case_and_of_ourselves_are_not_others(
    case: Case, ana: User, gold: RoutingAddress
) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(email_address="gold@support.company.co.uk")
    case.participants.create(address="casey@acme.co.uk", role="customer")
    ContactFactory(name="Bo", email="bo@acme.co.uk", company="Acme")

    sending = facts_of(case, ana, "eve@billing.acme.co.uk", "ben@it.company.co.uk")

    assert sending.others == {}
    assert sending.ours >= {"company.co.uk"}


def test_name_of_a_customer_is_told_who_may_see_it(case: Case, ana: User) -> None:
    acme = ContactFactory(name="Bo", email="bo@acme.example", company="Acme")
    other = CaseFactory(contact=acme)
    QueueMember.objects.create(queue=other.owner_queue, user=ana)

    assert facts_of(case, ana, "bo@acme.example").others == {"bo@acme.example": "Acme"}


def test_bounce_counts_until_a_mail_arrived(case: Case, ana: User) -> None:
    def deliver(state: str) -> None:
        mail = EmailMessageFactory(case=case, outgoing=True)
        Delivery.objects.create(email_message=mail, recipient=CUSTOMER, state=state, at=timezone.now())

    deliver("bounced")
    assert facts_of(case, ana, CUSTOMER).bounced == {CUSTOMER}
    deliver("delivered")

    assert facts_of(case, ana, CUSTOMER).bounced == frozenset()


def test_mail_that_failed_authentication(case: Case, ana: User) -> None:
    assert not facts_of(case, ana, CUSTOMER).answers_failed_authentication

    EmailMessage.objects.filter(case=case).update(dmarc="fail")

    assert facts_of(case, ana, CUSTOMER).answers_failed_authentication


def test_facts_cost_a_bounded_number_of_statements(case: Case, ana: User, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(9):
        facts_of(case, ana, *(f"x{number}@supplier{number}.example" for number in range(20)))


# The page
# ------------------------------------------------------------------------------------------------------------
def test_risky_mail_is_asked_about_and_sent_when_confirmed(page: Client, case: Case, gold: RoutingAddress) -> None:
    fields = {
        "send_from": gold.pk, "to": f"{CUSTOMER}, eve@example.org", "text": "See the attachment.",
        "key": "k" * 24, "last_seen": case.source_id,
    }  # fmt: skip

    stopped = page.post(f"/cases/{case.number}/reply/", fields)

    html = stopped.content.decode()
    assert stopped.status_code == 409
    assert "eve@example.org has not been part of this case." in html
    assert "You write of an attachment, but no file is attached." in html
    assert "See the attachment." in html
    assert not Outbox.objects.exists()
    word = stopped.context["composer"].confirmed
    assert f'value="{word}"' in html
    assert (
        page.post(
            f"/cases/{case.number}/reply/", fields | {"to": "mallory@example.org", "confirmed": word}
        ).status_code
        == 409
    )
    assert page.post(f"/cases/{case.number}/reply/", fields | {"confirmed": word}).status_code == 302


def test_warnings_are_told_while_writing_and_nothing_is_sent(page: Client, case: Case) -> None:
    risky = page.post(f"/cases/{case.number}/warnings/", {"to": "eve@example.org", "text": "Hello"})
    calm = page.post(f"/cases/{case.number}/warnings/", {"to": CUSTOMER, "text": "Hello"})

    assert "eve@example.org has not been part of this case." in risky.content.decode()
    assert calm.content.decode().strip() == ""
    assert not Outbox.objects.exists()
