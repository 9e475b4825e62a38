"""What a mail costs in SQL statements: the cost model of settling. Constant in thread length and recipients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.inbound.circumstances import load_circumstances
from cases.inbound.settle import settle_one
from cases.inbound.settled import Settled
from cases.models import InboundEmail
from routing.models import EmailToCaseSettings
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    ParticipantFactory,
    RawBodyFactory,
    RoutingAddressFactory,
)
from tests.mails import mint_message_id, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("still_clock", "organisation")]


@pytest.fixture
def support() -> Any:
    return RoutingAddressFactory(
        email_address="support@company.example", last_mail_at=timezone.now(), forwarding_seen_at=timezone.now()
    )


@pytest.fixture
def statements_of(support: Any) -> Callable[[bytes], tuple[Settled, int]]:
    """Settle one mail as a worker would and count every statement, transaction control included."""

    def count(raw: bytes) -> tuple[Settled, int]:
        row = InboundEmailFactory(
            raw=RawBodyFactory(content=raw),
            state="processing",
            claim_token="token",
            lease_until=timezone.now() + timedelta(minutes=1),
        )
        inbound = InboundEmail.objects.select_related("raw__blob").get(pk=row.pk)
        circumstances = load_circumstances()
        with CaptureQueriesContext(connection) as captured:
            settled = settle_one(inbound, circumstances)
        return settled, len(captured)

    return count


def test_the_loop_guard_looks_at_no_more_mails_of_a_sender_than_its_limit(statements_of: Any) -> None:
    EmailToCaseSettings.objects.update(sender_hourly_limit=37)

    with CaptureQueriesContext(connection) as captured:
        statements_of(raw_mail())

    assert any("LIMIT 37" in each["sql"] and "COUNT(" in each["sql"] for each in captured.captured_queries)


def test_a_new_mail_takes_at_most_15_statements(statements_of: Any) -> None:
    settled, statements = statements_of(raw_mail())

    assert settled.state == "case"
    assert statements <= 15


def test_a_reply_takes_at_most_15_statements(statements_of: Any, support: Any) -> None:
    case = CaseFactory(routing_address=support)
    ParticipantFactory(case=case)

    settled, statements = statements_of(raw_mail(headers=[f"In-Reply-To: {mint_message_id(case.pk)}"]))

    assert settled.state == "appended"
    assert statements <= 15


def mail_with_files(*contents: str) -> bytes:
    parts = [
        f'--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="{n}.pdf"\r\n\r\n{content}'
        for n, content in enumerate(contents)
    ]
    text = "--b\r\nContent-Type: text/plain\r\n\r\nHello, my order has not come."
    return raw_mail(body="\r\n".join([text, *parts, "--b--"]), content_type="multipart/mixed; boundary=b")


def test_a_new_mail_with_files_never_seen_takes_at_most_18_statements(statements_of: Any) -> None:
    settled, one = statements_of(mail_with_files("%PDF-1.4 order"))
    _settled, nine = statements_of(mail_with_files(*(f"%PDF-1.4 {n}" for n in range(9))))

    assert (settled.state, settled.message.attachments.count()) == ("case", 1)
    assert one <= 18
    assert nine == one


def test_a_duplicate_takes_at_most_3_statements_beside_its_transaction(statements_of: Any) -> None:
    raw = raw_mail()
    statements_of(raw)

    settled, statements = statements_of(raw)

    # begin and commit, and on PostgreSQL the lock on the thread, come on top
    assert settled.state == "duplicate"
    assert statements <= 3 + 2 + (connection.vendor == "postgresql")


def test_statements_do_not_grow_with_the_thread(statements_of: Any, support: Any) -> None:
    case = CaseFactory(routing_address=support)
    ParticipantFactory(case=case)
    messages = EmailMessageFactory.create_batch(2, case=case)
    references = " ".join(f"<{message.message_identifier}>" for message in messages)
    _settled, short = statements_of(raw_mail(headers=[f"References: {references}"]))
    messages += EmailMessageFactory.create_batch(40, case=case)
    references = " ".join(f"<{message.message_identifier}>" for message in messages)

    settled, long = statements_of(raw_mail(headers=[f"References: {references}"]))

    assert settled.state == "appended"
    assert long == short


def test_statements_do_not_grow_with_the_recipients(statements_of: Any) -> None:
    _settled, few = statements_of(raw_mail())
    many = ", ".join(f"person{n}@example.org" for n in range(200))

    settled, statements = statements_of(raw_mail(headers=[f"Cc: {many}"]))

    assert settled.state == "case"
    assert statements == few
