"""What a page of a case must not give away of others: mails of the same request, drafts, numbers (OP10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cases.inbound.settle import settle_batch
from cases.models import Case, EmailMessage, InboundEmail
from tests.cases import provider_requests as calls
from tests.cases.outbound.people import case_with_mail, rep
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, RoutingAddressFactory
from tests.mails import ingest, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture(autouse=True)
def configured(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.ANYMAIL = calls.ANYMAIL
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def page(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def event(raw: bytes, to: str) -> dict[str, Any]:
    """One mail of Mandrill's webhook, which posts several at once."""
    stored: dict[str, Any] = calls.stored("mandrill")[0]
    stored["msg"] |= {"raw_msg": raw.decode(), "email": to}
    return stored


def test_a_request_with_mails_of_two_customers_is_for_the_back_office(client: Client, page: Client, ana: User) -> None:
    queue = QueueFactory()
    queue.members.add(ana)
    RoutingAddressFactory(email_address="mine@company.example", owner_queue=queue)
    RoutingAddressFactory(email_address="theirs@company.example")
    events = [
        event(raw_mail(to="mine@company.example", body="for Ana"), "mine@company.example"),
        event(raw_mail(to="theirs@company.example", body="quartzother"), "theirs@company.example"),
    ]
    assert calls.mandrill(events).post(client).status_code == 200
    while settle_batch():
        pass
    message = EmailMessage.objects.get(text_body__contains="for Ana")
    raw_url = reverse("message_raw", kwargs={"number": message.case.number, "message_id": message.pk})

    shown = page.get(f"/cases/{message.case.number}/").content.decode()
    response = page.get(raw_url)

    assert set(InboundEmail.objects.values_list("state", flat=True)) == {"case"}
    assert response.status_code == 404
    assert raw_url not in shown
    assert "quartzother" not in shown


def test_a_request_with_one_mail_is_downloadable(page: Client, ana: User) -> None:
    queue = QueueFactory()
    queue.members.add(ana)
    RoutingAddressFactory(email_address="mine@company.example", owner_queue=queue)
    message = ingest(raw_mail(to="mine@company.example"), to=["mine@company.example"]).message
    assert message is not None
    raw_url = reverse("message_raw", kwargs={"number": message.case.number, "message_id": message.pk})

    assert raw_url in page.get(f"/cases/{message.case.number}/").content.decode()
    assert page.get(raw_url).status_code == 200


def test_a_draft_is_its_authors_alone(page: Client, ana: User) -> None:
    case = case_with_mail(ana, rep("ben"))
    draft = EmailMessageFactory(
        case=case,
        outgoing=True,
        status="draft",
        created_by=User.objects.get(username="ben"),
        text_body="quartzdraft",
        html_body="<p>quartzdraft</p>",
        snippet="quartzdraft",
        headers=[["X", "quartzdraft"]],
    )
    both = {"number": case.number, "message_id": draft.pk}
    urls = [reverse(name, kwargs=both) for name in ("message_text", "message_html", "message_headers")]
    bens = Client()
    bens.force_login(User.objects.get(username="ben"))

    shown = [page.get(url) for url in urls]
    others = [
        page.get(url)
        for url in ("/cases/", f"/cases/{case.number}/", f"/cases/{case.number}/compose/?draft={draft.pk}")
    ]

    assert [response.status_code for response in shown] == [404, 404, 404]
    assert all("quartzdraft" not in response.content.decode() for response in others)
    assert bens.get(urls[0]).status_code == 200


def test_a_case_that_possibly_belongs_to_a_hidden_one_does_not_name_it(page: Client, ana: User) -> None:
    queue = QueueFactory()
    queue.members.add(ana)
    RoutingAddressFactory(email_address="mine@company.example", owner_queue=queue)
    CaseFactory.create_batch(3)
    hidden: Case = CaseFactory(subject="quartzhidden")
    EmailMessageFactory(case=hidden, message_identifier="their.1@mail.example.net")

    settled = ingest(
        raw_mail(to="mine@company.example", headers=["In-Reply-To: <their.1@mail.example.net>"]),
        to=["mine@company.example"],
    )

    assert settled.case is not None
    assert settled.case.possibly_belongs_to == hidden
    shown = page.get(f"/cases/{settled.case.number}/").content.decode()
    assert "a case that you may not see" in shown
    assert "quartzhidden" not in shown
    assert str(hidden.number) not in shown
