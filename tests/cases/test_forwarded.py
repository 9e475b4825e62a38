"""The author of a forwarded mail becomes the customer, by a click or by policy, and never otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from cases.forwarded import NoOriginalSender, make_original_sender_contact
from cases.models import Case, CaseEvent, Contact
from tests.factories import ContactFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

FORWARD = """\
Please look.

---------- Forwarded message ---------
From: Jane Doe <{original}>
Date: Mon, 23 Nov 2026 at 10:00
Subject: Broken lamp
To: <sales@company.example>

My lamp is dark.
"""


def forward(*, original: str = "jane@customer.example", **headers: str) -> Case:
    """Settle a forward from sam@company.example to support@company.example; returns its case."""
    sender = headers.pop("sender", "Sam <sam@company.example>")
    settled = ingest_mail(
        sender=sender,
        subject="Fwd: Broken lamp",
        body=FORWARD.format(original=original),
        headers=[f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()],
    )
    assert settled.case is not None
    return Case.objects.get(pk=settled.case.pk)


def participants(case: Case) -> set[tuple[str, str]]:
    return set(case.participants.values_list("address", "role"))


@pytest.fixture
def trusting() -> Any:
    return RoutingAddressFactory(
        email_address="support@company.example", unwrap_forwards_from="*.company.example, company.example"
    )


def test_forward_is_only_proposed_without_a_policy() -> None:
    RoutingAddressFactory(email_address="support@company.example")

    case = forward()

    assert (case.supplied_email, case.contact) == ("sam@company.example", None)
    assert participants(case) == {("sam@company.example", "customer")}
    assert Contact.objects.count() == 0
    assert case.source is not None
    assert case.source.forwarded_original["from_address"] == "jane@customer.example"


def test_trusted_forwarder_opens_the_case_for_the_original_sender(trusting: Any) -> None:
    case = forward()

    assert (case.supplied_email, case.supplied_name) == ("jane@customer.example", "Jane Doe")
    assert case.contact is not None
    assert (case.contact.name, case.contact.email) == ("Jane Doe", "jane@customer.example")
    assert participants(case) == {("sam@company.example", "copied"), ("jane@customer.example", "customer")}
    assert case.source is not None
    assert case.source.inbound_email is not None
    [line] = [line for line in case.source.inbound_email.trail if line["step"] == "customer"]
    assert line["verdict"] == "jane@customer.example"
    assert "sam@company.example" in line["because"]


def test_contact_that_exists_is_taken(trusting: Any) -> None:
    contact = ContactFactory(email="Jane@customer.example")

    assert forward().contact == contact


def test_several_contacts_with_the_address_leave_the_choice_to_a_person(trusting: Any) -> None:
    ContactFactory.create_batch(2, email="jane@customer.example")

    case = forward()

    assert (case.contact, case.supplied_email) == (None, "jane@customer.example")


@pytest.mark.parametrize(
    "headers",
    [
        {"sender": "Eve <eve@elsewhere.example>"},
        {"sender": "sam@company.example <eve@elsewhere.example>"},
        {"original": "support@company.example"},
        {"auto_submitted": "auto-generated"},
    ],
    ids=["stranger", "ambiguous sender", "our own address", "machine"],
)
def test_policy_does_not_apply(trusting: Any, headers: dict[str, str]) -> None:
    case = forward(**headers)

    assert "jane@customer.example" not in case.supplied_email
    assert (case.supplied_email, Contact.objects.count()) != ("support@company.example", 1)
    assert Contact.objects.count() == 0


def test_forged_forward_of_a_trusted_sender_changes_nothing(trusting: Any, settings: Any) -> None:
    settings.E2C_TRUSTED_AUTHSERV_IDS = frozenset({"mx.company.example"})

    case = forward(authentication_results="mx.company.example; dmarc=fail header.from=company.example")

    assert case.supplied_email == "sam@company.example"


def test_click_makes_the_original_sender_the_customer(client: Any) -> None:
    RoutingAddressFactory(email_address="support@company.example")
    case = forward()
    user = UserFactory(superuser=True)
    client.force_login(user)

    response = client.post(
        reverse("make_contact", kwargs={"number": case.number, "message_id": case.source_id}), follow=True
    )

    case.refresh_from_db()
    assert response.redirect_chain == [(reverse("case", kwargs={"number": case.number}), 302)]
    assert (case.supplied_email, case.supplied_name) == ("jane@customer.example", "Jane Doe")
    assert case.contact is not None
    assert participants(case) == {("sam@company.example", "copied"), ("jane@customer.example", "customer")}
    event = CaseEvent.objects.get(case=case, kind=CaseEvent.Kind.CUSTOMER_CHANGED)
    assert (event.actor, event.detail["supplied_email"]) == (user, "sam@company.example")


def test_second_click_changes_nothing() -> None:
    RoutingAddressFactory(email_address="support@company.example")
    case, user = forward(), UserFactory()
    assert case.source is not None

    make_original_sender_contact(case=case, message=case.source, by=user)
    make_original_sender_contact(case=case, message=case.source, by=user)

    assert CaseEvent.objects.filter(case=case, kind=CaseEvent.Kind.CUSTOMER_CHANGED).count() == 1
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("original", ["support@company.example", "not an address"])
def test_nobody_and_ourselves_are_no_customers(original: str) -> None:
    RoutingAddressFactory(email_address="support@company.example")
    case = forward(original=original)
    assert case.source is not None

    with pytest.raises(NoOriginalSender):
        make_original_sender_contact(case=case, message=case.source, by=UserFactory())

    case.refresh_from_db()
    assert case.supplied_email == "sam@company.example"


def test_case_of_others_cannot_be_changed(client: Any) -> None:
    RoutingAddressFactory(email_address="support@company.example")
    case = forward()
    client.force_login(UserFactory())

    response = client.post(reverse("make_contact", kwargs={"number": case.number, "message_id": case.source_id}))

    assert response.status_code == 404
    assert Contact.objects.count() == 0
