"""The live checklist of a routing address: each line turns by what really happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, LoopTest, Outbox
from cases.outbound.delivery import deliver_due
from cases.outbound.loop_tests import alert_missing, last_tests_of, send_canaries, send_test
from cases.setup_checks.address_proof import AddressProof, proof_of
from cases.setup_checks.loop_way import stamps_of, way_of
from cases.setup_checks.sending import check_canaries
from routing import domain_checks
from routing.choices import Priority
from routing.models import Connection, Queue, RoutingAddress
from tests.cases.outbound.people import grant, rep
from tests.factories import ConnectionFactory, RoutingAddressFactory, UserFactory
from tests.fake_dns import fake_dns
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.mails import ingest, mint_reply_address, raw_mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]

SUPPORT = "support@company.example"


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as server:
        settings.E2C_EMAIL_URL = f"smtp://127.0.0.1:{server.port}"
        settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
        yield server


@pytest.fixture
def support(db: Any) -> RoutingAddress:
    made: Any = RoutingAddressFactory(
        routing_name="Support", email_address=SUPPORT, verified=True, forwarding_seen_at=None
    )
    return RoutingAddress.objects.get(pk=made.pk)


@pytest.fixture
def admin(client: Client) -> Client:
    user = UserFactory(email="admin@company.example", staff=True)
    user.user_permissions.add(Permission.objects.get(codename="customize_application"))
    client.force_login(user)
    return client


def proof(address: RoutingAddress, at: Any = None) -> AddressProof:
    address = RoutingAddress.objects.get(pk=address.pk)
    return proof_of(address, last_test=last_tests_of([address]).get(address.pk), now=at or timezone.now())


def states(address: RoutingAddress, at: Any = None) -> dict[str, str]:
    return {line.key: line.state for line in proof(address, at).lines}


def words(address: RoutingAddress, key: str, at: Any = None) -> str:
    [line] = [line for line in proof(address, at).lines if line.key == key]
    return f"{line.words} {line.next_step}"


def deliver() -> None:
    with time_machine.travel(timezone.now()):
        while deliver_due():
            pass


def forward(smtp: FakeSmtpServer, address: RoutingAddress) -> Any:
    return ingest(smtp.ledger[-1].message.as_bytes(), to=[address.services_address])


def customer(address: RoutingAddress, **parts: Any) -> Any:
    return ingest(raw_mail(to=address.email_address, **parts), to=[address.services_address])


def left(key: str, address: RoutingAddress, **fields: Any) -> None:
    Outbox.objects.create(
        key=key, kind=Outbox.Kind.REPLY, from_address=address, recipient="casey@example.net", **fields
    )


def url(address: RoutingAddress, page: str) -> str:
    return f"/admin/routing/routingaddress/{address.pk}/{page}/"


# --- the lines -------------------------------------------------------------------------------------------------------


def test_a_new_address_says_what_is_to_do(smtp: FakeSmtpServer) -> None:
    address = RoutingAddressFactory(email_address=SUPPORT)

    assert states(address) == {
        "saved": "ok",
        "verified": "todo",
        "forwarding": "todo",
        "from": "unknown",
        "threads": "unknown",
        "spf": "unknown",
        "dkim": "unknown",
        "dmarc": "unknown",
        "senders": "todo",
        "connection": "ok",
        "mail_in": "unknown",
        "mail_out": "unknown",
        "canary": "unknown",
    }
    assert address.services_address in words(address, "forwarding")
    assert "E2C_DNS is off" in words(address, "spf")


def test_a_test_mail_proves_forward_and_sender(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    send_test(support, by=None, now=timezone.now())
    deliver()
    forward(smtp, support)

    after = states(support)

    assert (after["forwarding"], after["from"]) == ("ok", "ok")


def test_a_broken_forward_turns_wrong_though_it_worked_before(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    RoutingAddress.objects.update(forwarding_seen_at=timezone.now())
    send_test(support, by=None, now=timezone.now())
    deliver()

    assert states(support)["forwarding"] == "ok"
    assert states(support, timezone.now() + timedelta(minutes=16))["forwarding"] == "wrong"


def test_a_forward_that_rewrites_every_sender_is_wrong(support: RoutingAddress) -> None:
    for _turn in range(3):
        customer(support, sender=f"Casey via Support <{SUPPORT}>")

    assert states(support)["from"] == "wrong"
    assert "3 of the last 3 mails" in words(support, "from")


def test_a_colleague_who_writes_now_and_then_is_no_rewriting(support: RoutingAddress) -> None:
    RoutingAddressFactory(email_address="sales@company.example", verified=True)
    for _turn in range(9):
        customer(support)
    customer(support, sender="sales@company.example")

    assert states(support)["from"] == "ok"


def test_an_answer_by_our_own_sign_proves_threads(support: RoutingAddress) -> None:
    customer(support)
    assert states(support)["threads"] == "unknown"

    case = Case.objects.get()
    answer = mint_reply_address(case.pk, SUPPORT)
    settled = ingest(raw_mail(to=answer), to=[support.services_address])

    assert settled.state == "appended"
    assert states(support)["threads"] == "ok"
    assert "signed reply address" in words(support, "threads")


def test_a_thread_that_only_the_customers_ids_hold_proves_nothing(support: RoutingAddress) -> None:
    customer(support, message_id="<first@mail.example.net>")
    customer(support, headers=["In-Reply-To: <first@mail.example.net>"])

    assert states(support)["threads"] == "unknown"


def test_a_controlled_address_without_holders_is_wrong(support: RoutingAddress) -> None:
    ana = rep("ana")
    assert states(support)["senders"] == "ok"

    RoutingAddress.objects.update(controlled_by_permission_set=True)
    assert states(support)["senders"] == "wrong"

    grant(support, ana)
    assert states(support)["senders"] == "ok"


@pytest.mark.parametrize(
    ("state", "shown"), [("works", "ok"), ("untested", "unknown"), ("broken", "wrong"), ("disconnected", "wrong")]
)
def test_the_connection_is_as_its_last_use_left_it(support: RoutingAddress, state: str, shown: str) -> None:
    RoutingAddress.objects.update(connection=ConnectionFactory(account=SUPPORT))
    Connection.objects.update(state=state, state_detail="535 no")

    assert states(support)["connection"] == shown


def test_mail_that_stays_on_this_machine_is_no_way_out(support: RoutingAddress, settings: Any) -> None:
    settings.E2C_EMAIL_URL = "file:"

    assert states(support)["connection"] == "todo"


def test_last_mail_in_and_out_are_named(support: RoutingAddress) -> None:
    customer(support)
    left("1", support, state=Outbox.State.SENT, sent_at=timezone.now())
    assert (states(support)["mail_in"], states(support)["mail_out"]) == ("ok", "ok")

    left("2", support, state=Outbox.State.FAILED, detail="550 no such user")
    assert "550 no such user" in words(support, "mail_out")


def test_the_canary_is_seen_to_come_back_and_to_fail(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    RoutingAddress.objects.update(canary_hours=1)
    assert states(support)["canary"] == "todo"
    now = timezone.now()
    send_canaries(now=now)
    deliver()
    assert states(support)["canary"] == "ok"
    late = now + timedelta(minutes=16)
    assert states(support, late)["canary"] == "wrong"
    alert_missing(now=late)
    with time_machine.travel(late):
        [finding] = [each for each in check_canaries() if not each.is_ok]
        health = Client().get("/healthz").json()
    assert SUPPORT in finding.message
    assert health["checks"]["canaries"]["status"] == "degraded"
    assert "An alert was sent" in words(support, "canary", late)

    forward(smtp, support)

    assert states(support, late)["canary"] == "ok"
    with time_machine.travel(late):
        assert all(each.is_ok for each in check_canaries())


def test_dns_is_asked_by_a_click_and_shown_with_the_record(
    admin: Client, support: RoutingAddress, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.E2C_DNS, settings.E2C_EMAIL_URL = True, "smtp://smtp-relay.gmail.com"
    with fake_dns({"company.example": ["v=spf1 mx -all"]}) as server:
        monkeypatch.setattr(domain_checks, "new_resolver", server.resolver)
        page = admin.get(url(support, "change")).content.decode()
        assert "Not asked yet." in page
        assert server.asked == []

        page = admin.post(url(support, "check-dns"), follow=True).content.decode()

    assert "v=spf1 mx include:_spf.google.com -all" in page
    assert "_dmarc.company.example" in page
    assert [states(support)[name] for name in ("spf", "dkim", "dmarc")] == ["todo", "todo", "todo"]


# --- the way of a test mail ------------------------------------------------------------------------------------------


def way(address: RoutingAddress, at: Any = None) -> tuple[str, dict[str, str]]:
    shown = way_of(last_tests_of([address])[address.pk], now=at or timezone.now())
    return shown.verdict, {step.key: step.state for step in shown.steps}


def test_the_way_is_shown_step_by_step(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    send_test(support, by=None, now=timezone.now())
    assert way(support) == ("under_way", {"queued": "ok", "sent": "todo", "back": "todo"})
    deliver()
    assert way(support) == ("under_way", {"queued": "ok", "sent": "ok", "back": "todo"})
    assert way(support, timezone.now() + timedelta(seconds=121))[0] == "broken"

    forward(smtp, support)

    verdict, steps = way(support)
    assert verdict == "arrived"
    assert (steps["back"], steps["from"]) == ("ok", "ok")


def test_a_forward_to_another_address_is_named(smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    other = RoutingAddressFactory(email_address="other@company.example")
    send_test(support, by=None, now=timezone.now())
    deliver()
    forward(smtp, other)

    shown = way_of(last_tests_of([support])[support.pk], now=timezone.now())

    assert shown.steps[-1].state == "wrong"
    assert "services address of other@company.example" in shown.steps[-1].words


def test_a_mail_service_that_refuses_is_named_as_the_broken_step(
    smtp: FakeSmtpServer, support: RoutingAddress
) -> None:
    smtp.refused_recipients[SUPPORT] = "550 no such user here"
    send_test(support, by=None, now=timezone.now())
    deliver()

    shown = way_of(last_tests_of([support])[support.pk], now=timezone.now())

    assert shown.verdict == "broken"
    assert "no such user here" in shown.steps[1].words


def test_stamps_are_those_of_the_case_that_then_comes(support: RoutingAddress) -> None:
    gold = Queue.objects.create(name="Gold")
    RoutingAddress.objects.update(
        owner_queue=gold, case_priority=Priority.HIGH, create_task=True, save_email_headers=True
    )
    support.refresh_from_db()

    would, stamps = stamps_of(support, now=timezone.now())
    values = {stamp.what: stamp.value for stamp in stamps}

    assert would.outcome == "case"
    assert not Case.objects.exists()
    customer(support)
    case = Case.objects.get()
    assert case.owner_queue == gold
    assert values["Owner"] == "queue Gold"
    assert values["Priority"] == case.get_priority_display()
    assert values["Origin"] == case.get_origin_display()
    assert values["Record type"] == case.record_type.name
    assert (values["Task"], values["Headers kept"], values["Automatic answer"]) == ("Not Started", "all", "none")
    assert all(stamp.because for stamp in stamps)


def test_an_address_that_would_refuse_says_so(support: RoutingAddress) -> None:
    support.accept_email_from = "partner.example"
    support.save()

    would, stamps = stamps_of(support, now=timezone.now())

    assert (would.outcome, would.reason, stamps) == ("rejected", "unauthorized_sender", [])


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_sends_a_test_follows_it_and_rests(
    admin: Client, smtp: FakeSmtpServer, support: RoutingAddress
) -> None:
    page = admin.get(url(support, "change")).content.decode()
    assert "every 4s" not in page

    page = admin.post(url(support, "test-mail"), follow=True).content.decode()
    assert "A test mail is under way" in page
    assert 'hx-trigger="every 4s"' in page
    deliver()
    forward(smtp, support)

    fragment = admin.get(url(support, "proof")).content.decode()
    assert "The last test mail came back" in fragment
    assert "mail becomes now" in fragment
    assert "hx-trigger" not in fragment
    assert "<html" not in fragment


def test_a_second_click_within_a_minute_is_told(admin: Client, smtp: FakeSmtpServer, support: RoutingAddress) -> None:
    admin.post(url(support, "test-mail"))

    page = admin.post(url(support, "test-mail"), follow=True).content.decode()

    assert "within the last minute" in page
    assert LoopTest.objects.count() == 1


def test_the_fragment_costs_a_bounded_number_of_queries(admin: Client, support: RoutingAddress) -> None:
    for _turn in range(5):
        customer(support)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        admin.get(url(support, "proof"))

    assert len(queries) <= 22


def test_the_canary_is_set_on_the_form(admin: Client, support: RoutingAddress) -> None:
    assert 'name="canary_hours"' in admin.get(url(support, "change")).content.decode()
