"""The notice that an entry of an assignment rule sends: through ingest, as mail comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cases.models import Outbox
from cases.outbound.delivery import deliver_due
from cases.outbound.rule_notices import MOST_ENTRY_NOTICES
from routing.models import AssignmentRule, EmailTemplate, RuleEntry
from tests.factories import CaseFactory, QueueFactory, RoutingAddressFactory, UserFactory
from tests.fake_smtp import fake_smtp_server
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

INVOICE = {"field": "subject", "operator": "contains", "value": "invoice"}


@pytest.fixture
def template() -> EmailTemplate:
    return EmailTemplate.objects.create(
        name="New invoice",
        subject="Invoice case {{ case.number }} from {{ customer.email }}",
        text_body="{{ customer.first_name|Somebody }} asks about {{ case.subject }}.",
    )


@pytest.fixture
def entry(template: EmailTemplate) -> Callable[..., RuleEntry]:
    def make(**owner: Any) -> RuleEntry:
        rule = AssignmentRule.objects.create(name="Rules")
        RoutingAddressFactory(email_address="support@company.example", strategy="rules", assignment_rule=rule)
        return RuleEntry.objects.create(
            rule=rule, label="Invoices", conditions=INVOICE, notice_template=template, **owner
        )

    return make


def notices() -> list[Outbox]:
    return list(Outbox.objects.filter(kind="notice").order_by("pk"))


def test_the_new_owner_and_the_copies_get_the_filled_template(entry: Any) -> None:
    entry(owner_user=UserFactory(email="ana@company.example"), notice_cc="boss@company.example\nBoss@company.example")

    case = ingest_mail(subject="Invoice 7", sender="casey@example.net").case

    assert case is not None
    assert [row.recipient for row in notices()] == ["ana@company.example", "boss@company.example"]
    [first, _copy] = notices()
    assert first.subject == f"Invoice case {case.number_text} from casey@example.net"
    assert first.text_body.startswith("Somebody asks about Invoice 7.\n")
    assert f"/cases/{case.number}/" in first.text_body
    assert (first.case, first.from_address) == (case, None)


def test_a_queue_gets_the_notice_of_the_entry_in_place_of_its_own(entry: Any) -> None:
    queue = QueueFactory(name="Billing", email="billing-team@company.example", notify_members=True)
    queue.members.add(UserFactory(email="ben@company.example"))
    entry(owner_queue=queue)

    ingest_mail(subject="Invoice 7")

    assert [row.recipient for row in notices()] == ["billing-team@company.example", "ben@company.example"]
    assert all(row.subject.startswith("Invoice case") for row in notices())


def test_a_template_that_is_switched_off_leaves_the_queue_its_own_notice(entry: Any, template: EmailTemplate) -> None:
    entry(owner_queue=QueueFactory(name="Billing", email="billing-team@company.example"))
    EmailTemplate.objects.update(is_active=False)

    ingest_mail(subject="Invoice 7")

    [notice] = notices()
    assert notice.subject.startswith("New email on case")


def test_mail_that_another_entry_takes_sends_no_notice(entry: Any) -> None:
    entry(owner_user=UserFactory(email="ana@company.example"))

    ingest_mail(subject="Broken lamp")

    assert notices() == []


@pytest.mark.parametrize("ours", ["support@company.example", "Support@Company.example"])
def test_no_notice_goes_to_our_own_addresses_or_to_people_who_left(entry: Any, ours: str, settings: Any) -> None:
    services = f"anything@{settings.E2C_INBOUND_DOMAIN}"
    queue = QueueFactory(notify_members=True)
    queue.members.add(UserFactory(email="gone@company.example", is_active=False))
    entry(owner_queue=queue, notice_cc=f"{ours}\n{services}\nnot an address")

    ingest_mail(subject="Invoice 7")

    assert notices() == []


def test_a_customer_cannot_write_headers_or_fields_into_the_notice(entry: Any) -> None:
    entry(owner_user=UserFactory(email="ana@company.example"))

    ingest_mail(subject="Invoice {{ customer.email }} =?utf-8?q?=0D=0ABcc:_evil=40example.net?=")

    [notice] = notices()
    assert "\n" not in notice.subject
    assert "{{" not in notice.text_body


def test_a_flood_of_cases_is_no_flood_of_notices(entry: Any) -> None:
    entry(owner_user=UserFactory(email="ana@company.example"))
    case = CaseFactory()
    Outbox.objects.bulk_create(
        Outbox(key=f"entry:0:{number}", kind="notice", case=case, recipient="ana@company.example")
        for number in range(MOST_ENTRY_NOTICES)
    )

    ingest_mail(subject="Invoice 7")

    assert len(notices()) == MOST_ENTRY_NOTICES


def test_the_notice_leaves_as_automatic_mail_from_the_system(entry: Any, settings: Any) -> None:
    entry(owner_user=UserFactory(email="ana@company.example"))
    ingest_mail(subject="Invoice 7")

    with fake_smtp_server() as smtp:
        settings.E2C_EMAIL_URL = f"smtp://{smtp.host}:{smtp.port}"
        assert deliver_due() == 1

    [taken] = smtp.ledger
    assert taken.recipients == ("ana@company.example",)
    assert taken.message["From"] == settings.E2C_SYSTEM_FROM
    assert taken.message["Auto-Submitted"] == "auto-generated"
