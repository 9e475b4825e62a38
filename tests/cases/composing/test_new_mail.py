"""Write first: a case of one's own, stamped by the address, found again by the answer."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client

from cases.inbound.settle import settle_batch
from cases.models import Case, CaseEvent, Draft, EmailMessage, Outbox, Participant, RoutingDecision, SendDecision
from cases.outbound.composed import CannotReply, SendingNotAllowed
from cases.outbound.taking_back import cancel_reply
from routing.models import EmailToCaseSettings, RoutingAddress
from tests.cases.composing.mails import compose, deliver_all, draft_of, text_of
from tests.cases.outbound.people import grant, rep, verified_address
from tests.factories import ContactFactory, InboundEmailFactory, RawBodyFactory, RecordTypeFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer
from tests.mails import raw_mail

NEW = Draft.Mode.NEW


def write(author: User, send_from: RoutingAddress, **fields: Any) -> EmailMessage:
    values = {"to": ["Nora New <nora@example.org>"], "subject": "Your lamp", "text": "It is ready."}
    return compose(NEW, None, author, send_from, **(values | fields))


def test_new_mail_opens_a_case_of_its_author(smtp: FakeSmtpServer, ana: User, gold: RoutingAddress) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(
        case_priority="High", case_origin="Web", case_record_type=RecordTypeFactory(name="Sales")
    )
    gold.refresh_from_db()
    contact = ContactFactory(name="Nora New", email="Nora@example.org")

    message = write(ana, gold, cc=["sam@example.org"])
    deliver_all()

    case = Case.objects.get()
    assert (case.owner_user, case.owner_queue, case.subject, case.source) == (ana, None, "Your lamp", None)
    assert (case.priority, case.origin, case.record_type.name, case.routing_address) == ("High", "Web", "Sales", gold)
    assert (case.contact, case.supplied_email, case.supplied_name) == (contact, "nora@example.org", "Nora New")
    assert case.awaiting == Case.Awaiting.CUSTOMER
    decision = RoutingDecision.objects.get()
    assert (decision.kind, decision.owner_user, decision.because) == (
        *("initial", ana, "ana wrote first, from gold@company.example"),
    )
    assert dict(Participant.objects.values_list("address", "role")) == {
        "nora@example.org": "customer",
        "sam@example.org": "copied",
    }
    assert list(CaseEvent.objects.values_list("kind", flat=True)) == ["case_opened", "reply_queued", "reply_sent"]
    [taken] = smtp.ledger
    assert taken.message["Subject"] == "Your lamp"
    assert taken.message["In-Reply-To"] is None
    assert message.case == case


def test_answer_threads_back(smtp: FakeSmtpServer, ana: User, gold: RoutingAddress) -> None:
    write(ana, gold)
    deliver_all()
    sent_id = smtp.ledger[0].message["Message-ID"]
    InboundEmailFactory(
        raw=RawBodyFactory(
            content=raw_mail(
                sender="Nora <nora@example.org>", to="gold@company.example", headers=[f"In-Reply-To: {sent_id}"]
            )
        )
    )

    settle_batch()

    case = Case.objects.get()
    answer = EmailMessage.objects.get(incoming=True)
    assert (answer.case, answer.thread_basis, answer.sender_is_participant) == (case, "our_message_id", True)
    assert case.awaiting == Case.Awaiting.US


def test_refusal_opens_no_case(ana: User) -> None:
    closed = verified_address("closed@company.example", controlled_by_permission_set=True)
    grant(closed, rep("ben"))

    with pytest.raises(SendingNotAllowed):
        write(ana, closed)

    assert not Case.objects.exists()
    assert SendDecision.objects.get().allowed is False


@pytest.mark.parametrize("fields", [{"to": []}, {"to": ["nobody"]}, {"text": " "}, {"to": ["gold@company.example"]}])
def test_what_is_wrong_opens_no_case(ana: User, gold: RoutingAddress, fields: dict[str, Any]) -> None:
    with pytest.raises(CannotReply):
        write(ana, gold, **fields)

    assert not Case.objects.exists()


def test_submitted_twice_is_one_case(ana: User, gold: RoutingAddress) -> None:
    first, second = (write(ana, gold, key="form-1-aaaaaaaaaaaa") for _ in range(2))

    assert first.pk == second.pk
    assert Case.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_submits_at_the_same_moment_are_one_case(ana: User, gold: RoutingAddress) -> None:
    sent: list[int] = []
    start = threading.Barrier(4)

    def submit() -> None:
        start.wait()
        sent.append(write(ana, gold, key="form-1-aaaaaaaaaaaa").pk)
        connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.vendor == "postgresql"
    assert (len(sent), len(set(sent))) == (4, 1)
    assert (Case.objects.count(), Outbox.objects.count(), RoutingDecision.objects.count()) == (1, 1, 1)


def test_undone_new_mail_is_a_draft_on_its_case(
    smtp: FakeSmtpServer, ana: User, gold: RoutingAddress, settings: Any
) -> None:
    settings.E2C_UNDO_SECONDS = 10
    cancel_reply(write(ana, gold), by=ana)

    draft = Draft.objects.get()
    case = Case.objects.get()
    assert (draft.mode, draft.case, draft.subject) == ("new", case, "Your lamp")
    compose(NEW, case, ana, gold, to=["nora@example.org"], subject="Your lamp", draft=draft.pk, key=draft.key)
    deliver_all(after=timedelta(minutes=1))

    assert Case.objects.count() == 1
    assert smtp.ledger[0].message["Subject"] == "Your lamp"


def test_page_writes_first(page: Client, smtp: FakeSmtpServer, ana: User, gold: RoutingAddress) -> None:
    shown = page.get("/cases/new/").content.decode()
    draft = draft_of(ana, None, NEW, to="nora@example.org", text="begun")

    again = page.get(f"/cases/new/?draft={draft.pk}").content.decode()
    answer = page.post(
        "/cases/new/",
        {
            "send_from": gold.pk, "to": "nora@example.org", "subject": "Your lamp", "text": "It is ready.",
            "draft": draft.pk, "key": draft.key, "mode": "new",
        },
    )  # fmt: skip
    deliver_all()

    case = Case.objects.get()
    assert 'action="/cases/new/' in shown
    assert "begun" in again
    assert answer["Location"].startswith(f"/cases/{case.number:08d}/#message-")
    assert text_of(smtp.ledger[0].message).startswith("It is ready.")
    assert not Draft.objects.exists()


def test_mail_without_a_subject_is_asked_about(page: Client, gold: RoutingAddress) -> None:
    fields = {"send_from": gold.pk, "to": "nora@example.org", "text": "Hello"}

    stopped = page.post("/cases/new/", fields)

    assert stopped.status_code == 409
    assert "The mail has no subject." in stopped.content.decode()
    assert not Case.objects.exists()
    assert page.post("/cases/new/", fields | {"confirmed": "1"}).status_code == 302


def test_who_may_not_reply_may_not_write_first(client: Client, gold: RoutingAddress) -> None:
    client.force_login(UserFactory())

    answer = client.post(
        "/cases/new/", {"send_from": gold.pk, "to": "nora@example.org", "text": "x", "confirmed": "1"}
    )

    assert answer.status_code == 422
    assert not Case.objects.exists()
    assert client.post("/drafts/new/").status_code == 403


def test_token_is_in_the_subject_when_it_shall_be(smtp: FakeSmtpServer, ana: User, gold: RoutingAddress) -> None:
    EmailToCaseSettings.objects.update(token_in_subject=True)

    write(ana, gold)
    deliver_all()

    assert smtp.ledger[0].message["Subject"].startswith("Your lamp [ref:e2c-")
    assert Case.objects.get().subject == "Your lamp"


def test_new_mail_starts_with_the_address_that_was_used_last(page: Client, ana: User, gold: RoutingAddress) -> None:
    first = verified_address("a@company.example", routing_name="A")

    def chosen() -> str:
        [value] = re.findall(r'<option value="(\d+)" selected', page.get("/cases/new/").content.decode())
        return str(value)

    write(ana, gold)
    assert chosen() == str(gold.pk)
    EmailToCaseSettings.objects.update(default_from=first)
    assert chosen() == str(first.pk)
    RoutingAddress.objects.filter(pk=first.pk).update(is_active=False)
    assert chosen() == str(gold.pk)
    assert "The predefined From for all cases is a@company.example" in page.get("/cases/new/").content.decode()
