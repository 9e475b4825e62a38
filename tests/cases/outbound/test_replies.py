"""A reply is one mail from an address its author may send from, at the moment it leaves. The mail server's ledger is
the judge.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import timezone

from cases.models import (
    Case,
    CaseEvent,
    CaseTask,
    Draft,
    EmailAddress,
    EmailMessage,
    Outbox,
    Participant,
    SendDecision,
)
from cases.outbound.delivery import deliver_due
from cases.outbound.endings import mark_abandoned, record_answer
from cases.outbound.handing_over import Accepted
from cases.outbound.recheck import permit_hand_over
from cases.outbound.replies import (
    CannotReply,
    NewAttachment,
    SendingNotAllowed,
    SentBefore,
    Unseen,
    cancel_reply,
    reply_to_case,
    send_again,
)
from cases.outbound.taking_back import CannotCancel
from cases.thread_keys import signing_keys
from cases.thread_token import case_of_message_id, case_of_reply_address, find_case_tokens
from routing import permission_sets
from routing.deletion import delete_routing_address
from routing.models import EmailToCaseSettings, QueueMember, RoutingAddress
from tests.cases.outbound.people import case_with_mail, grant, rep, verified_address
from tests.factories import (
    CaseTaskFactory,
    EmailMessageFactory,
    ParticipantFactory,
    RoutingAddressFactory,
    UserFactory,
)
from tests.fake_smtp import FakeSmtpServer, Taken, fake_smtp_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

State = Outbox.State
CUSTOMER = "casey@example.net"


@pytest.fixture(autouse=True)
def no_undo_window(settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 0


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def gold() -> RoutingAddress:
    return verified_address(
        "gold@company.example", display_name="Gold Support", signature="Gold Support\ncompany.example"
    )


@pytest.fixture
def case(ana: User, gold: RoutingAddress) -> Case:
    return case_with_mail(ana, address=gold, message_identifier="first@mail.example.net")


def reply(case: Case, author: User, send_from: RoutingAddress, **fields: Any) -> EmailMessage:
    values = {"to": [CUSTOMER], "text": "It left us today.", "now": timezone.now()}
    return reply_to_case(case=case, author=author, send_from=send_from, **(values | fields))


def deliver_all() -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        while deliver_due():
            pass


def outbox_of(message: EmailMessage) -> Outbox:
    return Outbox.objects.get(email_message=message)


def text_of(message: Message, kind: str = "text/plain") -> str:
    part = next(part for part in message.walk() if part.get_content_type() == kind)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


def subject_of(taken: Taken) -> str:
    return str(make_header(decode_header(taken.message["Subject"])))


# The mail
# ------------------------------------------------------------------------------------------------------------
def test_reply_reaches_the_customer_once_with_everything_that_threads_it(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    reply(case, ana, gold)

    deliver_all()
    deliver_all()

    [taken] = smtp.ledger
    message = taken.message
    assert (taken.sender, taken.recipients) == ("gold@company.example", (CUSTOMER,))
    assert message["From"] == "Gold Support <gold@company.example>"
    assert message["To"] == CUSTOMER
    assert message["Subject"] == "Re: Order 17 has not come"
    assert case_of_message_id(message["Message-ID"], signing_keys()) == case.pk
    assert message["Message-ID"].endswith("@company.example>")
    assert message["In-Reply-To"] == "<first@mail.example.net>"
    assert message["References"] == "<first@mail.example.net>"
    assert message["Reply-To"].startswith("Gold Support <gold+e2c-")
    assert case_of_reply_address(message["Reply-To"].partition("<")[2], signing_keys()) == case.pk
    assert message["Auto-Submitted"] is None
    text = text_of(message)
    assert text.startswith("It left us today.\n\n-- \nGold Support\ncompany.example\n\n[ref:e2c-")
    assert find_case_tokens(text, signing_keys()) == [case.pk]
    assert "Casey Customer wrote:\n> Hello, my order has not come.\n" in text


def test_what_is_stored_is_what_was_sent(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    message = reply(case, ana, gold, cc=["Sam <sam@example.org>"])

    deliver_all()

    message.refresh_from_db()
    [taken] = smtp.ledger
    assert text_of(taken.message) == message.text_body
    assert taken.message["Message-ID"] == f"<{message.message_identifier}>"
    assert (message.incoming, message.status, message.created_by) == (False, "sent", ana)
    assert message.reply_text == "It left us today."
    assert taken.message["Cc"] == "Sam <sam@example.org>"
    assert sorted(message.deliveries.values_list("recipient", "state")) == [
        (CUSTOMER, "sent"),
        ("sam@example.org", "sent"),
    ]


def test_bcc_is_in_the_envelope_alone(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    reply(case, ana, gold, bcc=["audit@example.org"])

    deliver_all()

    [taken] = smtp.ledger
    assert taken.recipients == (CUSTOMER, "audit@example.org")
    assert b"audit@example.org" not in taken.content
    assert not Participant.objects.filter(address="audit@example.org").exists()


def test_html_has_its_text_beside_it_and_fetches_nothing(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    html = '<p>It <b>left</b> us today.</p><script>x()</script><img src="https://evil.example/pixel.gif">'

    reply(case, ana, gold, html=html)
    deliver_all()

    message = smtp.ledger[0].message
    assert message.get_content_type() == "multipart/alternative"
    written = text_of(message, "text/html")
    assert "<b>left</b>" in written
    assert "evil.example" not in written
    assert "<script" not in written
    assert text_of(message).startswith("It left us today.")


def test_files_arrive_byte_for_byte(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    files = [
        NewAttachment("Rechnung Köln.pdf", "application/pdf", b"%PDF-1.7\r\n\x00\xff"),
        NewAttachment("lines.txt", "text/plain", b"one\ntwo\r\nthree"),
        NewAttachment("old.eml", "message/rfc822", b"Bcc: victim@example.org\r\n\r\nhello"),
        NewAttachment("../../x\r\nBcc: victim@example.org\u2028.bin", "evil/type\r\nX: y", b"\x00\x01"),
    ]

    reply(case, ana, gold, attachments=files)
    deliver_all()

    [taken] = smtp.ledger
    parts = [part for part in taken.message.walk() if part.get_content_disposition() == "attachment"]
    assert [part.get_payload(decode=True) for part in parts] == [file.content for file in files]
    assert [part.get_filename() for part in parts[:3]] == ["Rechnung Köln.pdf", "lines.txt", "old.eml"]
    assert [part.get_content_type() for part in parts] == [
        *("application/pdf", "text/plain", "application/octet-stream", "application/octet-stream")
    ]
    name = str(parts[3].get_filename())
    assert not set("/\\\r\n\u2028") & set(name)
    assert taken.recipients == (CUSTOMER,)
    assert taken.message["Bcc"] is None


@pytest.mark.parametrize(
    ("subject", "sent"),
    [
        ("Order 17", "Re: Order 17"),
        ("Re: Re: AW: Order 17", "Re: Order 17"),
        ("RE[2]: Order 17", "Re: Order 17"),
        ("Ré: Order 17", "Re: Ré: Order 17"),
        ("Grüße aus 東京", "Re: Grüße aus 東京"),
        ("", "Re: Order 17 has not come"),
    ],
)
def test_subject_has_one_re(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, subject: str, sent: str
) -> None:
    reply(case, ana, gold, subject=subject)

    deliver_all()

    assert subject_of(smtp.ledger[0]) == sent


def test_token_stands_where_the_settings_want_it(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    EmailToCaseSettings.objects.update(token_in_subject=True, token_in_body=False)

    first = reply(case, ana, gold)
    reply(case, ana, gold, subject=first.subject)
    deliver_all()

    for taken in smtp.ledger:
        assert subject_of(taken).startswith("Re: Order 17 has not come [ref:e2c-")
        assert subject_of(taken).count("[ref:") == 1
        assert find_case_tokens(text_of(taken.message), signing_keys()) == []


def test_mail_without_references_lends_its_in_reply_to(case: Case, ana: User, gold: RoutingAddress) -> None:
    customers = case.messages.get()
    EmailMessage.objects.filter(pk=customers.pk).update(references="", in_reply_to="earlier@mail.example.net")

    message = reply(case, ana, gold)

    assert message.references == f"earlier@mail.example.net {customers.message_identifier}"


def test_chain_of_references_keeps_the_first_and_the_newest(case: Case, ana: User, gold: RoutingAddress) -> None:
    ids = [f"m{number}@example.net" for number in range(60)]
    bad = ["noid", "x" * 300 + "@example.net", "é@example.net", "=?utf-8?q?x?=@example.net"]
    EmailMessage.objects.filter(case=case).update(references=" ".join([*ids, *bad]))

    message = reply(case, ana, gold)

    assert message.references.split() == [ids[0], *ids[-18:], "first@mail.example.net"]


# Headers that cannot be broken out of
# ------------------------------------------------------------------------------------------------------------
EVIL = (
    "x\r\nBcc: victim@example.org\r\n\r\nbody\u2028Bcc: victim@example.org =?utf-8?q?=0D=0ABcc:_victim@example.org?="
)


@pytest.mark.parametrize("where", ["subject", "case subject", "display name", "customer name", "message id"])
def test_line_ends_and_encoded_words_add_no_header_and_no_recipient(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, where: str
) -> None:
    subject: str | None = EVIL if where == "subject" else None
    if where == "case subject":
        Case.objects.filter(pk=case.pk).update(subject=EVIL[:500])
    elif where == "display name":
        RoutingAddress.objects.filter(pk=gold.pk).update(display_name=EVIL[:120])
        gold.refresh_from_db()
    elif where == "customer name":
        EmailMessage.objects.filter(case=case).update(from_name=EVIL[:255])
    elif where == "message id":
        EmailMessage.objects.filter(case=case).update(message_identifier=EVIL, references=EVIL)

    reply(case, ana, gold, subject=subject)
    deliver_all()

    [taken] = smtp.ledger
    assert taken.recipients == (CUSTOMER,)
    head, _blank, _body = taken.content.partition(b"\r\n\r\n")
    assert not [line for line in head.split(b"\r\n") if line.lower().startswith((b"bcc", b"body"))]
    for name, value in taken.message.items():
        shown = str(make_header(decode_header(value.replace("\r\n ", " "))))  # unfolded, RFC 5322 section 2.2.3
        assert len(shown.splitlines()) <= 1, name
        assert not any(ord(character) < 32 for character in shown), name
        assert "=?" not in shown, name


@pytest.mark.parametrize(
    "entry",
    [
        "casey@example.net\r\nBcc: victim@example.org",
        "casey@example.net\u2028Bcc: victim@example.org",
        "casey@example.net, victim@example.org",
        "casey@example.net <victim@example.org>",
        "=?utf-8?q?casey=40example.net?= <casey@example.net>",
        "casey@example.net\x00",
        "casey",
        "<>",
        "",
        "undisclosed-recipients:;",
        "a@b@example.net",
        "grüße@example.net",
        "x" * 300 + "@example.net",
    ],
)
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_recipient_that_is_not_one_address_is_refused(
    case: Case, ana: User, gold: RoutingAddress, entry: str, field: str
) -> None:
    with pytest.raises(CannotReply):
        reply(case, ana, gold, **{field: [entry]})

    assert Outbox.objects.count() == 0
    assert EmailMessage.objects.filter(incoming=False).count() == 0


def test_our_own_addresses_are_no_recipients(case: Case, ana: User, gold: RoutingAddress, settings: Any) -> None:
    settings.E2C_SYSTEM_FROM = "Notices <no-reply@company.example>"
    tagged = reply(case, ana, gold).addresses.get(role="reply_to").address

    for ours in ("GOLD@company.example", gold.services_address, tagged, "gold+x@company.example",
                 "no-reply@company.example"):  # fmt: skip
        with pytest.raises(CannotReply, match="one of our own addresses"):
            reply(case, ana, gold, cc=[ours])

    assert Outbox.objects.count() == 1


def test_many_recipients_are_refused(case: Case, ana: User, gold: RoutingAddress) -> None:
    with pytest.raises(CannotReply, match="at most 50 addresses; these are 51"):
        reply(case, ana, gold, cc=[f"c{number}@example.org" for number in range(50)])


def test_nobody_gets_a_mail_twice(case: Case, ana: User, gold: RoutingAddress) -> None:
    message = reply(case, ana, gold, cc=["CASEY@example.net", "sam@example.org"], bcc=["sam@example.org"])

    people = message.addresses.exclude(role="reply_to").values_list("role", "address")
    assert list(people) == [("to", CUSTOMER), ("cc", "sam@example.org")]


def test_empty_text_is_refused(case: Case, ana: User, gold: RoutingAddress) -> None:
    with pytest.raises(CannotReply) as refusal:
        reply(case, ana, gold, text=" \r\n ")

    assert refusal.value.field == "text"


# What is quoted
# ------------------------------------------------------------------------------------------------------------
def test_quote_holds_text_alone(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    EmailMessage.objects.filter(case=case).update(
        reply_text="See <b>this</b>", html_body='<img src="https://evil.example/pixel.gif"><script>x()</script>'
    )

    reply(case, ana, gold, html="<p>Hello</p>")
    deliver_all()

    content = smtp.ledger[0].content
    assert b"evil.example" not in content
    assert "> See <b>this</b>\n" in text_of(smtp.ledger[0].message)
    assert "See &lt;b&gt;this&lt;/b&gt;" in text_of(smtp.ledger[0].message, "text/html")


def test_mail_of_a_third_party_is_not_quoted_to_the_customer(case: Case, ana: User, gold: RoutingAddress) -> None:
    EmailMessageFactory(
        case=case,
        from_address="accounts@service.example",
        flags=["new_participant"],
        text_body="Confirm with this link: https://service.example/?code=1234",
        received_at=timezone.now() + timedelta(seconds=1),
    )
    ParticipantFactory(case=case, address="accounts@service.example", role=Participant.Role.NEW)

    message = reply(case, ana, gold)

    assert "1234" not in message.text_body
    assert "> Hello, my order has not come." in message.text_body
    assert message.in_reply_to == "first@mail.example.net"


def test_nothing_is_quoted_to_somebody_who_did_not_write_it(case: Case, ana: User, gold: RoutingAddress) -> None:
    message = reply(case, ana, gold, to=["sam@example.org"])

    assert ">" not in message.text_body


# Who may
# ------------------------------------------------------------------------------------------------------------
def nothing_was_sent(smtp: FakeSmtpServer) -> bool:
    deliver_all()
    return not smtp.ledger and not Outbox.objects.exists() and not EmailMessage.objects.filter(incoming=False).exists()


def test_address_of_another_permission_set_is_refused_and_recorded(
    smtp: FakeSmtpServer, case: Case, ana: User
) -> None:
    other = verified_address("billing@company.example", controlled_by_permission_set=True)
    grant(other, rep("ben"))

    with pytest.raises(SendingNotAllowed, match="No permission set grants it"):
        reply(case, ana, other)

    assert nothing_was_sent(smtp)
    decision = SendDecision.objects.get()
    assert (decision.user, decision.user_name, decision.address) == (ana, "ana", other)
    assert (decision.stage, decision.allowed, decision.case) == ("use_case", False, case)
    assert decision.because == "No permission set grants it."


def test_superuser_is_refused_an_unverified_and_an_ungranted_address(smtp: FakeSmtpServer, case: Case) -> None:
    root = UserFactory(superuser=True)
    controlled = verified_address("gold2@company.example", controlled_by_permission_set=True)

    for address in (RoutingAddressFactory(), controlled):
        with pytest.raises(SendingNotAllowed):
            reply(case, root, address)

    assert nothing_was_sent(smtp)
    assert SendDecision.objects.filter(user=root, allowed=False).count() == 2


@pytest.mark.parametrize("lack", ["reply permission", "sight of the case", "active"])
def test_half_of_the_permissions_is_not_enough(
    smtp: FakeSmtpServer, case: Case, gold: RoutingAddress, lack: str
) -> None:
    ben = UserFactory(username="ben") if lack == "reply permission" else rep("ben", is_active=lack != "active")
    if lack != "sight of the case":
        QueueMember.objects.create(queue=case.owner_queue, user=ben)

    with pytest.raises(SendingNotAllowed):
        reply(case, ben, gold)

    assert nothing_was_sent(smtp)


def end_permission(what: str, address: RoutingAddress, user: User, permission_set: Any) -> str:
    """Take the permission away; returns the words of the refusal."""
    rows = RoutingAddress.objects.filter(pk=address.pk)
    if what == "revoked":
        permission_sets.revoke(permission_set, address, by=None)
        return "No permission set grants it."
    if what == "expired":
        permission_sets.expire_member(permission_set, user, by=None)
        return "The membership in “Gold” expired"
    if what == "unverified":
        rows.update(verified_at=None)
        return "The routing address is not verified."
    if what == "off":
        rows.update(is_active=False)
        return "The routing address is switched off."
    if what == "deleted":
        delete_routing_address(address, by=None)
        return "The routing address was deleted."
    if what == "renamed":
        rows.update(email_address="other@company.example", verified_email="other@company.example")
        return "The routing address was changed after the mail was written."
    if what == "no replies":
        user.user_permissions.clear()
        return "ana does not have the permission to reply to cases."
    User.objects.filter(pk=user.pk).update(is_active=False)
    return "ana is not an active user."


@pytest.mark.parametrize(
    "what", ["revoked", "expired", "unverified", "off", "deleted", "renamed", "no replies", "inactive"]
)
def test_permission_that_ended_meanwhile_stops_the_mail(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, what: str
) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    permission_set = grant(gold, ana, label="Gold")
    message = reply(case, ana, gold)
    words = end_permission(what, gold, ana, permission_set)

    deliver_all()

    assert smtp.ledger == []
    outbox = outbox_of(message)
    assert outbox.state == State.FAILED
    assert outbox.detail.startswith(words)
    message.refresh_from_db()
    assert (message.status, message.reply_text) == ("failed", "It left us today.")
    decision = SendDecision.objects.get(stage="send")
    assert (decision.allowed, decision.outbox, decision.user) == (False, outbox, ana)
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US
    assert CaseEvent.objects.filter(case=case, kind="reply_failed", because__contains=words).count() == 1


def test_controlled_by_permission_set_switched_on_meanwhile_stops_the_mail(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold)
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)

    deliver_all()

    assert smtp.ledger == []
    assert outbox_of(message).detail == "No permission set grants it."


def test_permission_that_ends_while_connecting_stops_the_mail(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = reply(case, ana, gold)

    def revoke_then_ask(outbox: Outbox) -> str:
        RoutingAddress.objects.filter(pk=gold.pk).update(verified_at=None)
        return permit_hand_over(outbox)

    monkeypatch.setattr("cases.outbound.delivery.permit_hand_over", revoke_then_ask)
    deliver_all()

    assert smtp.ledger == []
    assert outbox_of(message).state == State.FAILED


def test_every_mail_that_was_sent_has_its_permission_at_that_moment(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    for number in range(3):
        reply(case, ana, gold, text=f"Part {number}")
    smtp.answers["data"] = ["250 OK", "250 OK", "drop"]

    deliver_all()

    handed_over = Outbox.objects.filter(kind="reply", state__in=[State.SENT, State.UNCERTAIN])
    assert handed_over.count() == 3
    for outbox in handed_over:
        assert outbox.decisions.filter(stage="send", allowed=True, address=gold).count() == 1
        assert outbox.decisions.filter(stage="use_case", allowed=True).count() == 1


# One mail
# ------------------------------------------------------------------------------------------------------------
def test_same_form_twice_is_one_mail(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    first = reply(case, ana, gold, key="form-1", last_seen=case.source_id)
    again = reply(case, ana, gold, key="form-1", last_seen=case.source_id)
    deliver_all()
    after_sending = reply(case, ana, gold, key="form-1", last_seen=case.source_id)
    deliver_all()

    assert first == again == after_sending
    assert len(smtp.ledger) == 1


def test_two_tabs_send_one_mail(case: Case, ana: User, gold: RoutingAddress) -> None:
    reply(case, ana, gold, key="tab-1", last_seen=case.source_id)

    with pytest.raises(Unseen):
        reply(case, ana, gold, key="tab-2", last_seen=case.source_id)

    assert Outbox.objects.count() == 1


def test_changed_text_under_a_used_key_is_not_lost_in_silence(case: Case, ana: User, gold: RoutingAddress) -> None:
    reply(case, ana, gold, key="form-1")

    with pytest.raises(SentBefore):
        reply(case, ana, gold, key="form-1", text="Another text")

    assert Outbox.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "Another subject"},
        {"cc": ["sam@example.org"]},
        {"attachments": [NewAttachment("forgotten.pdf", "application/pdf", b"%PDF-1.7")]},
    ],
)
def test_no_change_under_a_used_key_is_lost_in_silence(
    case: Case, ana: User, gold: RoutingAddress, changed: dict[str, Any]
) -> None:
    reply(case, ana, gold, key="form-1")

    with pytest.raises(SentBefore):
        reply(case, ana, gold, key="form-1", **changed)

    assert Outbox.objects.count() == 1


def test_key_of_one_author_is_nothing_to_another(case: Case, ana: User, gold: RoutingAddress) -> None:
    ben = rep("ben")
    QueueMember.objects.create(queue=case.owner_queue, user=ben)
    reply(case, ana, gold, key="form-1")

    reply(case, ben, gold, key="form-1")

    assert Outbox.objects.count() == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_submits_at_the_same_moment_are_one_mail(case: Case, ana: User, gold: RoutingAddress) -> None:
    sent: list[int] = []
    start = threading.Barrier(4)

    def submit() -> None:
        start.wait()
        sent.append(reply(case, ana, gold, key="form-1", last_seen=case.source_id).pk)
        connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.vendor == "postgresql"
    assert len(sent) == 4
    assert len(set(sent)) == 1
    assert Outbox.objects.count() == 1


def test_unseen_mail_stops_the_reply(case: Case, ana: User, gold: RoutingAddress) -> None:
    EmailMessageFactory(case=case)

    with pytest.raises(Unseen):
        reply(case, ana, gold, last_seen=case.source_id)

    assert Outbox.objects.count() == 0


def test_later_reply_of_a_case_waits_for_the_earlier_one(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    first = reply(case, ana, gold, text="First")
    reply(case, ana, gold, text="Second")
    smtp.answers["mail"] = ["451 try later"]

    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        deliver_due()
        assert deliver_due() == 0
    assert smtp.ledger == []
    assert outbox_of(first).state == State.QUEUED
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        while deliver_due():
            pass

    assert [text_of(taken.message).split("\n")[0] for taken in smtp.ledger] == ["First", "Second"]


# The case
# ------------------------------------------------------------------------------------------------------------
def test_reply_makes_it_the_customers_turn_and_closes_tasks(case: Case, ana: User, gold: RoutingAddress) -> None:
    from_mail = CaseTaskFactory(case=case, email_message=case.source)
    own = CaseTaskFactory(case=case)
    now = timezone.now()

    message = reply(case, ana, gold, now=now)

    case.refresh_from_db()
    assert (case.awaiting, case.last_activity_at) == (Case.Awaiting.CUSTOMER, now)
    assert EmailMessage.objects.get(pk=case.source_id).status == "replied"
    assert CaseTask.objects.get(pk=from_mail.pk).completed_at == now
    assert CaseTask.objects.get(pk=own.pk).completed_at is None
    event = CaseEvent.objects.get(case=case, kind="reply_queued")
    assert (event.actor, event.email_message) == (ana, message)
    assert event.because == "to casey@example.net from gold@company.example"


def test_whom_a_rep_writes_to_takes_part(case: Case, ana: User, gold: RoutingAddress) -> None:
    ParticipantFactory(case=case, address="new@example.org", role=Participant.Role.NEW)

    reply(case, ana, gold, cc=["new@example.org", "Sam <sam@example.org>"])

    assert dict(case.participants.values_list("address", "role")) == {
        CUSTOMER: "customer",
        "new@example.org": "copied",
        "sam@example.org": "copied",
    }


def test_undo_takes_everything_back_but_the_text(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, settings: Any
) -> None:
    settings.E2C_UNDO_SECONDS = 10
    task = CaseTaskFactory(case=case, email_message=case.source)
    message = reply(case, ana, gold)
    deliver_all()
    assert smtp.ledger == []

    cancel_reply(message, by=ana)

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        deliver_due()
    assert smtp.ledger == []
    assert not EmailMessage.objects.filter(incoming=False).exists()
    draft = Draft.objects.get()
    assert (draft.author, draft.case, draft.text, draft.to) == (ana, case, "It left us today.", CUSTOMER)
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US
    task.refresh_from_db()
    assert (task.status, task.completed_at) == ("Not Started", None)
    assert EmailMessage.objects.get(pk=case.source_id).status == "new"


def test_undo_comes_too_late_for_a_mail_that_was_sent(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold)
    deliver_all()

    with pytest.raises(CannotCancel):
        cancel_reply(message, by=ana)

    assert outbox_of(message).state == State.SENT


def test_stranger_to_the_case_takes_nothing_back(case: Case, ana: User, gold: RoutingAddress) -> None:
    message = reply(case, ana, gold)

    with pytest.raises(SendingNotAllowed):
        cancel_reply(message, by=rep("ben"))

    assert outbox_of(message).state == State.QUEUED


def test_reply_that_was_taken_back_does_not_leave_by_a_resubmit(case: Case, ana: User, gold: RoutingAddress) -> None:
    cancel_reply(reply(case, ana, gold, key="form-1"), by=ana)

    with pytest.raises(SentBefore):
        reply(case, ana, gold, key="form-1")


def test_refusal_of_the_mail_server_returns_the_case_and_keeps_the_text(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    case.owner_queue.email = "team@company.example"
    case.owner_queue.save()
    message = reply(case, ana, gold)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"

    deliver_all()

    message.refresh_from_db()
    assert (message.status, message.reply_text) == ("failed", "It left us today.")
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US
    assert CaseEvent.objects.get(kind="reply_failed").because == "failed, to casey@example.net: 550 no such user"
    assert Outbox.objects.get(kind="notice").recipient == "team@company.example"


def test_one_refused_recipient_of_two_returns_the_case(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold, cc=["Sam Other <sam@example.org>"])
    smtp.refused_recipients["sam@example.org"] = "550 no such user"

    deliver_all()

    states = dict(message.deliveries.values_list("recipient", "state"))
    assert states == {CUSTOMER: "sent", "sam@example.org": "bounced"}
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US


def test_silence_is_uncertain_and_only_a_person_sends_again(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold)
    smtp.answers["data"] = ["drop"]

    deliver_all()
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        deliver_due()
        mark_abandoned()

    message.refresh_from_db()
    assert message.status == "uncertain"
    assert len(smtp.ledger) == 1
    assert CaseEvent.objects.filter(kind="reply_uncertain").count() == 1
    send_again(message, by=ana)
    deliver_all()
    message.refresh_from_db()
    case.refresh_from_db()
    assert (message.status, len(smtp.ledger), case.awaiting) == ("sent", 2, Case.Awaiting.CUSTOMER)


def test_mail_that_failed_and_is_sent_again_answers_after_all(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    task, other = (CaseTaskFactory(case=case, email_message=case.source) for _ in range(2))
    message = reply(case, ana, gold)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    assert EmailMessage.objects.get(pk=case.source_id).status == "new"
    assert set(CaseTask.objects.values_list("status", flat=True)) == {"Not Started"}
    CaseTask.objects.filter(pk=other.pk).update(status="Deferred")  # somebody changed it meanwhile
    smtp.refused_recipients.clear()

    send_again(message, by=ana)
    assert outbox_of(message).detail == ""  # what went wrong before is no trouble of this try
    deliver_all()

    case.refresh_from_db()
    assert (outbox_of(message).state, case.awaiting) == (State.SENT, Case.Awaiting.CUSTOMER)
    assert EmailMessage.objects.get(pk=case.source_id).status == "replied"
    task.refresh_from_db()
    other.refresh_from_db()
    assert (task.status, task.completed_at is not None) == ("Completed", True)
    assert (other.status, other.completed_at) == ("Deferred", None)


def test_customer_who_wrote_before_it_was_sent_again_still_waits_for_us(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    smtp.refused_recipients.clear()
    Case.objects.filter(pk=case.pk).update(last_inbound_at=timezone.now() + timedelta(seconds=1))

    send_again(message, by=ana)
    deliver_all()

    case.refresh_from_db()
    assert (outbox_of(message).state, case.awaiting) == (State.SENT, Case.Awaiting.US)


def test_answer_that_came_late_makes_it_the_customers_turn(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = reply(case, ana, gold)
    Outbox.objects.update(state=State.SENDING, claim_token="slow", lease_until=timezone.now())
    slow = Outbox.objects.select_related("email_message", "case").get()
    mark_abandoned()
    case.refresh_from_db()
    assert (outbox_of(message).state, case.awaiting) == (State.UNCERTAIN, Case.Awaiting.US)

    record_answer(slow, Accepted(provider_id="p1"))

    case.refresh_from_db()
    assert (outbox_of(message).state, case.awaiting) == (State.SENT, Case.Awaiting.CUSTOMER)


def test_case_that_was_joined_to_another_is_answered_there(case: Case, ana: User, gold: RoutingAddress) -> None:
    target = case_with_mail(ana, address=gold)
    Case.objects.filter(pk=case.pk).update(merged_into=target)

    with pytest.raises(CannotReply, match=target.number_text):
        reply(case, ana, gold)


def test_reply_address_of_roles_is_ours(case: Case, ana: User, gold: RoutingAddress) -> None:
    message = reply(case, ana, gold)

    assert [row.role for row in message.addresses.all()] == [EmailAddress.Role.TO, EmailAddress.Role.REPLY_TO]
