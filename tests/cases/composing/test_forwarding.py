"""A forward says whose mail it is, brings what was chosen, and lets nobody into the case who was not asked in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models import Case, Draft, EmailAddress, EmailMessage, Outbox, Participant
from cases.outbound.composed import CannotReply
from cases.outbound.taking_back import cancel_reply, send_again
from cases.thread_keys import signing_keys
from cases.thread_token import case_of_message_id, case_of_reply_address, find_case_tokens, reply_address, token_mark
from routing.models import EmailToCaseSettings, RoutingAddress
from tests.cases.composing.mails import FRIEND, PNG, attach, compose, deliver_all, parts_of, shape_of, text_of
from tests.factories import CaseFactory, EmailMessageFactory
from tests.fake_smtp import FakeSmtpServer

FORWARD = Draft.Mode.FORWARD


@pytest.fixture
def theirs(case: Case) -> EmailMessage:
    message = case.messages.get()
    EmailAddress.objects.create(email_message=message, role="to", address="gold@company.example", name="Gold")
    EmailAddress.objects.create(email_message=message, role="cc", address="sam@example.org")
    EmailAddress.objects.create(email_message=message, role="bcc", address="hidden@example.org")
    return message


def forward(case: Case, author: User, send_from: RoutingAddress, message: EmailMessage, **fields: Any) -> EmailMessage:
    return compose(FORWARD, case, author, send_from, **({"to": [FRIEND], "answers": message} | fields))


def test_forward_has_the_mail_under_a_block_that_says_whose_it_is(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    forward(case, ana, gold, theirs, text="Can you help?")

    deliver_all()

    [taken] = smtp.ledger
    assert (taken.sender, taken.recipients) == ("gold@company.example", (FRIEND,))
    assert taken.message["Subject"] == "Fwd: Order 17 has not come"
    text = text_of(taken.message)
    assert text.startswith("Can you help?\n\n-- \nGold Support\n\n---------- Forwarded message ----------\n")
    assert "From: Casey Customer <casey@example.net>\n" in text
    assert "Subject: Order 17 has not come\nTo: Gold <gold@company.example>\nCc: sam@example.org\n\n" in text
    assert text.endswith("Hello, my order has not come.\n")
    assert "hidden@example.org" not in text


def test_forward_without_a_word_is_a_forward(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    forward(case, ana, gold, theirs, text="")

    deliver_all()

    assert "Hello, my order has not come." in text_of(smtp.ledger[0].message)


def test_nothing_in_a_forward_lets_a_stranger_into_the_case(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    """Promise 7, also for the signs that the customer's mail quotes."""
    EmailToCaseSettings.objects.update(token_in_subject=True, token_in_body=True)
    keys = signing_keys()
    mark, signed = token_mark(case.pk, keys), reply_address(gold.email_address, case.pk, keys)
    ours = EmailMessageFactory(case=case, outgoing=True)
    torn = mark.replace("e2c-", "e2c-<b></b>")
    EmailMessage.objects.filter(pk=theirs.pk).update(
        text_body=f"Hello\n> {mark}\n> {mark[5:-1]} {signed}\n> {mark[:20]}\n> {mark[20:]}",
        html_body=f"<p>Hello {mark} {signed}</p>",
        subject=f"Order 17 {mark}",
        references=ours.message_identifier,
    )
    EmailAddress.objects.create(email_message=theirs, role="to", address=signed)
    theirs.refresh_from_db()

    forward(case, ana, gold, theirs)
    EmailMessage.objects.filter(pk=theirs.pk).update(html_body=f"<p>Hello {torn}</p>")
    theirs.refresh_from_db()
    forward(case, ana, gold, theirs)
    deliver_all()

    for taken in smtp.ledger:
        message = taken.message
        assert message["Reply-To"] is None
        assert message["References"] is None
        assert message["In-Reply-To"] is None
        assert case_of_message_id(message["Message-ID"], keys) is None
        everything = " ".join(text_of(part) for part in message.walk() if part.get_content_type() == "text/plain")
        everything += " ".join(text_of(part, "text/html") for part in parts_of(message, "text/html"))
        assert find_case_tokens(everything, keys) == []
        assert find_case_tokens("".join(everything.split()), keys) == []
        assert mark[5:-1] not in everything
        assert "e2c-" not in message["Subject"]
        assert "To: Gold <gold@company.example>, gold@company.example\n" in text_of(message)
    assert parts_of(smtp.ledger[0].message, "text/html")
    assert not parts_of(smtp.ledger[1].message, "text/html")  # torn apart by tags: only its text is sent
    assert not Participant.objects.filter(address=FRIEND).exists()


def test_forward_whose_answers_are_wanted_carries_what_every_reply_carries(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    forward(case, ana, gold, theirs, answers_join=True)

    deliver_all()

    message = smtp.ledger[0].message
    assert case_of_message_id(message["Message-ID"], signing_keys()) == case.pk
    assert case_of_reply_address(message["Reply-To"].partition("<")[2].rstrip(">"), signing_keys()) == case.pk
    assert Participant.objects.get(address=FRIEND).role == Participant.Role.COPIED


def test_forward_that_failed_and_is_sent_again_leaves_the_customer_waiting_for_us(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    message = forward(case, ana, gold, theirs)
    smtp.refused_recipients[FRIEND] = "550 no such user"
    deliver_all()
    smtp.refused_recipients.clear()

    send_again(message, by=ana)
    deliver_all()

    case.refresh_from_db()
    theirs.refresh_from_db()
    assert (Outbox.objects.get().state, case.awaiting, theirs.status) == ("sent", Case.Awaiting.US, "forwarded")


def test_forward_brings_its_own_pictures_and_fetches_none(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    """OB12 for a forward."""
    attach(theirs, "logo.png", PNG, content_type="image/png", inline=True, content_id="logo@example.net")
    attach(theirs, "order.pdf", b"%PDF-1.7")
    html = (
        '<p>See <b>this</b></p><img src="cid:logo@example.net"><img src="https://evil.example/p.gif">'
        "<script>x()</script>"
    )
    EmailMessage.objects.filter(pk=theirs.pk).update(html_body=html)
    theirs.refresh_from_db()

    message = forward(case, ana, gold, theirs, text="Look:")
    deliver_all()

    [taken] = smtp.ledger
    assert shape_of(taken.message) == (
        "multipart/mixed",
        [
            ("multipart/alternative", ["text/plain", ("multipart/related", ["text/html", "image/png"])]),
            "application/pdf",
        ],
    )
    written = text_of(taken.message, "text/html")
    [picture] = parts_of(taken.message, "image/png")
    content_id = picture["Content-ID"].strip("<>")
    assert f'src="cid:{content_id}"' in written
    assert content_id != "logo@example.net"
    assert picture.get_payload(decode=True) == PNG
    assert "Look:" in written
    assert "evil.example" not in written
    assert "script" not in written
    assert [each.file_name for each in message.attachments.all()] == ["logo.png", "order.pdf"]


def test_files_of_the_mail_are_chosen(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    attach(theirs, "secret.pdf", b"secret")
    wanted = attach(theirs, "order.pdf", b"order")

    forward(case, ana, gold, theirs, kept=[wanted.pk])
    deliver_all()

    names = [part.get_filename() for part in smtp.ledger[0].message.walk() if part.get_filename()]
    assert names == ["order.pdf"]


def test_formatting_switched_off_makes_it_plain(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    EmailToCaseSettings.objects.update(html_email=False)
    EmailMessage.objects.filter(pk=theirs.pk).update(html_body="<p>Hello</p>")
    theirs.refresh_from_db()

    forward(case, ana, gold, theirs)
    deliver_all()

    assert smtp.ledger[0].message.get_content_type() == "text/plain"


def test_forwarded_mail_is_marked_and_the_customer_still_waits(
    case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage, settings: Any
) -> None:
    settings.E2C_UNDO_SECONDS = 10

    message = forward(case, ana, gold, theirs)

    theirs.refresh_from_db()
    case.refresh_from_db()
    assert (theirs.status, case.awaiting) == ("forwarded", Case.Awaiting.US)
    cancel_reply(message, by=ana)
    theirs.refresh_from_db()
    case.refresh_from_db()
    assert (theirs.status, case.awaiting) == ("new", Case.Awaiting.US)
    draft = Draft.objects.get()
    assert (draft.mode, draft.answers, draft.to, draft.subject) == (
        *(FORWARD, theirs, FRIEND, "Fwd: Order 17 has not come"),
    )


def test_mail_of_another_case_is_not_forwarded(
    case: Case, ana: User, gold: RoutingAddress, theirs: EmailMessage
) -> None:
    foreign = EmailMessageFactory(case=CaseFactory())

    with pytest.raises(CannotReply):
        forward(case, ana, gold, foreign)

    assert Outbox.objects.count() == 0
