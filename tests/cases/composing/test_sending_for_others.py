"""Who makes a mail of a colleague leave - sends it again, or at another time - may send from its address as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.models import Case, CaseEvent, Draft, EmailMessage, Outbox, SendDecision
from cases.outbound.composed import SendingNotAllowed
from cases.outbound.replies import send_again
from cases.outbound.taking_back import CannotResend, reschedule
from routing import permission_sets
from routing.models import AuditEvent, QueueMember, RoutingAddress
from tests.cases.composing.mails import CUSTOMER, compose, deliver_all
from tests.cases.outbound.people import grant, rep, verified_address
from tests.fake_smtp import FakeSmtpServer

REPLY = Draft.Mode.REPLY
State = Outbox.State


@pytest.fixture
def vip(ana: User) -> RoutingAddress:
    """An address that Ana holds by a permission set."""
    address = verified_address("vip@company.example", controlled_by_permission_set=True)
    grant(address, ana, label="VIP desk")
    return address


@pytest.fixture
def ben(case: Case) -> User:
    """A colleague who works on the case, without that address."""
    user = rep("ben")
    QueueMember.objects.create(queue=case.owner_queue, user=user)
    return user


def failed(smtp: FakeSmtpServer, case: Case, author: User, address: RoutingAddress) -> EmailMessage:
    message = compose(REPLY, case, author, address)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    smtp.refused_recipients.clear()
    smtp.ledger.clear()
    SendDecision.objects.all().delete()
    return message


def decisions() -> list[tuple[str, str, bool, str]]:
    rows = SendDecision.objects.order_by("pk")
    return list(rows.values_list("user_name", "stage", "allowed", "because"))


def test_colleague_without_the_address_does_not_send_it_again(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    message = failed(smtp, case, ana, vip)

    with pytest.raises(SendingNotAllowed, match=r"You may not send from vip@company\.example\. No permission set"):
        send_again(message, by=ben)

    deliver_all()
    assert smtp.ledger == []
    outbox = Outbox.objects.get(kind="reply")
    assert (outbox.state, outbox.human_resends) == (State.FAILED, 0)
    assert decisions() == [("ben", "use_case", False, "No permission set grants it.")]
    assert not AuditEvent.objects.filter(action="resend_outgoing_mail").exists()


def test_colleague_who_holds_the_address_sends_it_again_and_both_are_asked(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    grant(vip, ben, label="Seniors")
    message = failed(smtp, case, ana, vip)

    send_again(message, by=ben)
    deliver_all()

    assert len(smtp.ledger) == 1
    assert [row[:3] for row in decisions()] == [
        ("ben", "use_case", True),
        ("ana", "send", True),
        ("ben", "send", True),
    ]
    assert Outbox.objects.get(kind="reply").requested_by == ben


def test_uncertain_mail_is_asked_about_like_failed_mail(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, vip)
    Outbox.objects.filter(email_message=message).update(state=State.UNCERTAIN)

    with pytest.raises(SendingNotAllowed):
        send_again(message, by=ben)

    assert Outbox.objects.get(kind="reply").state == State.UNCERTAIN


def test_author_who_lost_the_address_is_told_at_once_and_so_is_a_colleague(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    grant(vip, ben, label="Seniors")
    message = failed(smtp, case, ana, vip)
    permission_sets.remove_member(ana.permission_set_memberships.get().permission_set, ana, by=None)

    with pytest.raises(SendingNotAllowed, match="You may not send from"):
        send_again(message, by=ana)
    with pytest.raises(SendingNotAllowed, match=r"ana may not send from vip@company\.example any more\."):
        send_again(message, by=ben)

    assert Outbox.objects.get(kind="reply").state == State.FAILED
    assert [row[:3] for row in decisions()] == [("ana", "use_case", False)] * 2


def test_colleague_who_loses_the_address_before_it_leaves_stops_it(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    seniors = grant(vip, ben, label="Seniors")
    message = failed(smtp, case, ana, vip)
    send_again(message, by=ben)
    permission_sets.remove_member(seniors, ben, by=None)

    deliver_all()

    assert smtp.ledger == []
    outbox = Outbox.objects.get(kind="reply")
    assert (outbox.state, outbox.detail) == (
        State.FAILED,
        "ben made this mail leave and may not send from its address. No permission set grants it.",
    )
    assert decisions()[-1][:3] == ("ben", "send", False)


def test_mail_does_not_leave_for_somebody_who_is_not_known_any_more(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    grant(vip, ben, label="Seniors")
    message = failed(smtp, case, ana, vip)
    send_again(message, by=ben)
    Outbox.objects.update(requested_by=None)

    deliver_all()

    assert smtp.ledger == []
    assert Outbox.objects.get(kind="reply").detail == "Who sent it again is not known any more."


def test_mail_whose_author_is_gone_is_not_sent_again(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, gold: RoutingAddress
) -> None:
    message = failed(smtp, case, ana, gold)
    EmailMessage.objects.filter(pk=message.pk).update(created_by=None)
    message.refresh_from_db()

    with pytest.raises(CannotResend, match="Its author is not known any more"):
        send_again(message, by=ben)


def test_colleague_without_the_address_does_not_change_when_it_leaves(
    smtp: FakeSmtpServer, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    now = timezone.now()
    message = compose(REPLY, case, ana, vip, send_at=now + timedelta(days=1))

    for send_at in (None, now + timedelta(hours=1)):
        with pytest.raises(SendingNotAllowed):
            reschedule(message, by=ben, send_at=send_at, now=now)

    deliver_all(after=timedelta(hours=2))
    assert smtp.ledger == []
    assert SendDecision.objects.filter(user=ben, allowed=False).count() == 2
    assert not CaseEvent.objects.filter(kind="sending_rescheduled").exists()


# The page
# ------------------------------------------------------------------------------------------------------------
def shown(client: Client, case: Case) -> str:
    return client.get(f"/cases/{case.number}/").content.decode()


def test_page_says_why_it_cannot_be_sent_again_and_offers_no_button(
    smtp: FakeSmtpServer, client: Client, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    message = failed(smtp, case, ana, vip)
    again = f"/cases/{case.number:08d}/messages/{message.pk}/send-again/"
    client.force_login(ben)

    html = shown(client, case)
    refused = client.post(again, follow=True).content.decode()

    assert again not in html
    assert "You cannot send it again: it is from <bdi>vip@company.example</bdi>. No permission set grants it." in html
    assert "You may not send from vip@company.example. No permission set grants it." in refused
    client.force_login(ana)
    assert again in shown(client, case)


def test_page_offers_no_other_time_to_who_may_not_send_from_the_address(
    client: Client, ana: User, ben: User, case: Case, vip: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, vip, send_at=timezone.now() + timedelta(days=1))
    schedule = f"/cases/{case.number:08d}/messages/{message.pk}/schedule/"
    client.force_login(ben)

    html = shown(client, case)

    assert schedule not in html
    assert "You cannot change when it leaves: it is from <bdi>vip@company.example</bdi>." in html
    client.force_login(ana)
    assert schedule in shown(client, case)


def test_mail_of_an_address_that_was_deleted_is_not_offered_to_be_sent_again(
    smtp: FakeSmtpServer, page: Client, ana: User, case: Case, vip: RoutingAddress
) -> None:
    failed(smtp, case, ana, vip)
    RoutingAddress.objects.filter(pk=vip.pk).update(deleted_at=timezone.now())

    html = shown(page, case)

    assert "/send-again/" not in html
    assert "The routing address was deleted." in html


def test_page_asks_who_may_send_with_the_mails_themselves(
    smtp: FakeSmtpServer,
    page: Client,
    ana: User,
    case: Case,
    gold: RoutingAddress,
    django_assert_max_num_queries: Any,
) -> None:
    shown(page, case)
    with django_assert_max_num_queries(20) as plain:
        shown(page, case)
    for _ in range(3):
        failed(smtp, case, ana, gold)

    with django_assert_max_num_queries(20) as with_failed:
        shown(page, case)

    assert len(with_failed) == len(plain)
