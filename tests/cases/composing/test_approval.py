"""Four eyes: nothing that waits for approval leaves, nobody approves their own mail, a rejection comes back."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from cases.models import (
    Approval,
    Case,
    CaseEvent,
    Draft,
    EmailMessage,
    Notification,
    Outbox,
    Participant,
    SendDecision,
)
from cases.notifications.words import sentence_of
from cases.outbound.approvals import CannotApprove, approve, reject
from cases.outbound.changing import OtherWords
from cases.outbound.composed import CannotReply, SendingNotAllowed, Unseen
from cases.outbound.quoting import without_token
from cases.outbound.taking_back import cancel_reply
from cases.selectors.approvals import count_waiting, list_waiting
from cases.sweeping import tell_people
from routing import permission_sets
from routing.approval_rules import approval_required_because
from routing.models import PermissionSet, QueueMember, RecordType, RoutingAddress
from tests.cases.composing.mails import CUSTOMER, FRIEND, compose, deliver_all, text_of
from tests.cases.outbound.people import grant, rep, verified_address
from tests.factories import CaseTaskFactory, EmailMessageFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer

REPLY = Draft.Mode.REPLY
State = Outbox.State


@pytest.fixture
def closed(ana: User) -> RoutingAddress:
    """An address that Ana holds by a permission set whose mail needs approval."""
    address = verified_address("vip@company.example", controlled_by_permission_set=True)
    juniors = grant(address, ana, label="Juniors")
    PermissionSet.objects.filter(pk=juniors.pk).update(requires_approval=True)
    return address


# When it is required
# ------------------------------------------------------------------------------------------------------------
def test_permission_set_can_require_it(ana: User, case: Case, closed: RoutingAddress) -> None:
    assert approval_required_because(ana, closed, case.record_type) == (
        "Mail sent by the permission set “Juniors” needs approval."
    )


def test_most_generous_permission_set_counts(ana: User, case: Case, closed: RoutingAddress) -> None:
    seniors = grant(closed, ana, label="Seniors")

    assert approval_required_because(ana, closed, case.record_type) == ""
    permission_sets.expire_member(seniors, ana, by=None)
    assert approval_required_because(ana, closed, case.record_type) != ""


def test_address_that_every_rep_may_use_is_held_by_no_set(ana: User, case: Case, closed: RoutingAddress) -> None:
    RoutingAddress.objects.filter(pk=closed.pk).update(controlled_by_permission_set=False)
    closed.refresh_from_db()

    assert approval_required_because(ana, closed, case.record_type) == ""


def test_record_type_can_require_it(ana: User, case: Case, gold: RoutingAddress) -> None:
    RecordType.objects.update(requires_approval=True)
    message = compose(REPLY, case, ana, gold)

    approval = Approval.objects.get()
    assert (approval.state, approval.requested_by) == ("waiting", ana)
    assert approval.required_because == "Mail on cases of the type “Support” needs approval."
    assert Outbox.objects.get(email_message=message).state == State.AWAITING_APPROVAL


# While it waits
# ------------------------------------------------------------------------------------------------------------
def test_nothing_leaves_and_nothing_is_answered_while_it_waits(
    smtp: FakeSmtpServer, ana: User, case: Case, closed: RoutingAddress
) -> None:
    task = CaseTaskFactory(case=case, email_message=case.source)

    compose(REPLY, case, ana, closed, to=[CUSTOMER, FRIEND])
    deliver_all(after=timedelta(days=2))

    assert smtp.ledger == []
    case.refresh_from_db()
    task.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US
    assert task.status == "Not Started"
    assert case.messages.get(incoming=True).status == "new"
    assert not Participant.objects.filter(address=FRIEND).exists()
    assert list(case.events.values_list("kind", flat=True)) == ["approval_requested"]


def test_mail_that_waits_holds_up_no_other(
    smtp: FakeSmtpServer, ana: User, case: Case, closed: RoutingAddress, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, closed, text="waits")
    compose(REPLY, case, ana, gold, text="goes")

    deliver_all()

    assert len(smtp.ledger) == 1


# Approved
# ------------------------------------------------------------------------------------------------------------
def test_approved_mail_leaves_once_and_answers(
    smtp: FakeSmtpServer, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed)

    approve(message, by=boss, now=timezone.now(), last_seen=message.pk)
    deliver_all()

    [taken] = smtp.ledger
    assert taken.sender == "vip@company.example"
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.CUSTOMER
    approval = Approval.objects.get()
    assert (approval.state, approval.decided_by) == ("approved", boss)
    events = list(case.events.values_list("kind", "actor__username"))
    assert events == [
        *(("approval_requested", "ana"), ("reply_approved", "boss"), ("reply_queued", "ana"), ("reply_sent", None)),
    ]


@pytest.mark.parametrize("who", ["author", "author who approves", "no approver", "approver of other cases", "root"])
def test_who_may_not_approve(
    smtp: FakeSmtpServer, ana: User, boss: User, case: Case, closed: RoutingAddress, who: str
) -> None:
    message = compose(REPLY, case, ana, closed)
    by = ana
    if who == "author who approves":
        ana.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    elif who == "no approver":
        by = rep("ben")
        QueueMember.objects.create(queue=case.owner_queue, user=by)
    elif who == "approver of other cases":
        by = boss
        QueueMember.objects.filter(user=boss).delete()
    elif who == "root":
        User.objects.filter(pk=ana.pk).update(is_superuser=True)  # a superuser's own mail needs four eyes too
        by = User.objects.get(pk=ana.pk)

    with pytest.raises(CannotApprove):
        approve(message, by=by, now=timezone.now())
    with pytest.raises(CannotApprove):
        reject(message, by=by, reason="no", now=timezone.now())

    deliver_all()
    assert smtp.ledger == []
    assert Approval.objects.get().state == "waiting"
    assert count_waiting(by) == 0


def test_author_who_lost_the_address_is_not_helped_by_an_approval(
    smtp: FakeSmtpServer, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed)
    permission_sets.remove_member(PermissionSet.objects.get(), ana, by=None)

    with pytest.raises(SendingNotAllowed):
        approve(message, by=boss, now=timezone.now())

    assert Approval.objects.get().state == "waiting"
    refused = SendDecision.objects.filter(allowed=False).get()
    assert (refused.user, refused.address, refused.outbox) == (ana, closed, Outbox.objects.get())


def test_author_who_loses_the_address_after_the_approval_sends_nothing(
    smtp: FakeSmtpServer, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed)
    approve(message, by=boss, now=timezone.now())
    permission_sets.remove_member(PermissionSet.objects.get(), ana, by=None)

    deliver_all()

    assert smtp.ledger == []
    assert Outbox.objects.get(kind="reply").state == State.FAILED


def test_approver_sees_what_came_meanwhile_first(ana: User, boss: User, case: Case, closed: RoutingAddress) -> None:
    message = compose(REPLY, case, ana, closed)
    EmailMessageFactory(case=case)

    with pytest.raises(Unseen):
        approve(message, by=boss, now=timezone.now(), last_seen=message.pk)

    assert Approval.objects.get().state == "waiting"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_the_same_moment_one_counts(
    ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed)
    ends: list[str] = []
    refused: list[str] = []
    start = threading.Barrier(2)

    def decide(what: str) -> None:
        start.wait()
        try:
            if what == "approved":
                approve(message, by=boss, now=timezone.now())
            else:
                reject(message, by=boss, reason="no", now=timezone.now())
            ends.append(what)
        except CannotApprove:
            refused.append(what)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=decide, args=(what,)) for what in ("approved", "rejected")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.vendor == "postgresql"
    assert (len(ends), len(refused)) == (1, 1)
    assert Approval.objects.get().state == ends[0]
    assert Outbox.objects.get(kind="reply").state == {"approved": "queued", "rejected": "cancelled"}[ends[0]]


# Changed and approved
# ------------------------------------------------------------------------------------------------------------
def changed_words(message: EmailMessage, text: str, subject: str = "") -> OtherWords:
    return OtherWords(subject or without_token(message.subject), text)


@pytest.fixture
def chief(boss: User, closed: RoutingAddress) -> User:
    """An approver who may send from the address as well."""
    grant(closed, boss, label="Chiefs")
    return boss


def test_approver_changes_the_words_and_what_leaves_has_them(
    smtp: FakeSmtpServer, ana: User, chief: User, case: Case, closed: RoutingAddress
) -> None:
    RoutingAddress.objects.filter(pk=closed.pk).update(signature="VIP desk")
    closed.refresh_from_db()
    html = "<div>Pay <b>now</b> or else.</div><div><i>Thank you</i></div>"
    message = compose(REPLY, case, ana, closed, text="x", html=html, subject="Bill")
    before = EmailMessage.objects.get(pk=message.pk)

    words = changed_words(message, "Please pay by Friday.\r\nThank you", "Your bill")
    approve(message, by=chief, now=timezone.now(), words=words)
    tell_people()
    deliver_all()

    [left] = [taken.message for taken in smtp.ledger if taken.sender == closed.email_address]
    assert text_of(left).startswith("Please pay by Friday.\nThank you\n\n")
    assert "VIP desk" in text_of(left)
    changed = "<div><div>Please pay by Friday.</div><div><i>Thank you</i></div></div>"
    assert text_of(left, "text/html").startswith(changed)
    message.refresh_from_db()
    assert message.text_body.partition("Thank you")[2] == before.text_body.partition("Thank you")[2]
    assert (message.created_by, without_token(message.subject)) == (ana, "Your bill")
    assert message.subject.partition("[")[2] == before.subject.partition("[")[2]
    assert Outbox.objects.get(kind="reply").requested_by == chief
    event = CaseEvent.objects.get(kind="reply_approved")
    assert (event.because, event.detail["changed"]) == ("with changes", ["subject", "text"])
    told = Notification.objects.get(user=ana, kind="approval_decided")
    assert sentence_of(told) == "boss changed your mail and approved it"
    assert [row.user for row in SendDecision.objects.filter(stage="send").order_by("pk")] == [ana, chief]


def test_what_was_changed_stands_on_the_mail(
    client: Client, ana: User, chief: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed, text="Pay now <b>or else</b>.")
    client.force_login(chief)
    url = f"/cases/{case.number}/messages/{message.pk}/approve/"
    form = client.get(f"/cases/{case.number}/").content.decode()

    client.post(url, {"last_seen": message.pk, "subject": "", "text": "Pay soon <b>or else</b>."})
    html = client.get(f"/cases/{case.number}/").content.decode()

    assert "Approve with these changes" in form
    assert "Pay now &lt;b&gt;or else&lt;/b&gt;.</textarea>" in form
    assert "<bdi>boss</bdi> changed this mail before approving it" in html
    assert "Pay <del>now </del><ins>soon </ins>&lt;b&gt;or else&lt;/b&gt;." in html
    assert Approval.objects.get().changes["text"][:3] == [["same", "Pay "], ["out", "now "], ["in", "soon "]]


def test_words_that_stayed_are_no_change(ana: User, boss: User, case: Case, closed: RoutingAddress) -> None:
    """An approver without the address may approve the form as it was."""
    message = compose(REPLY, case, ana, closed, text="Hello\n\nthere")

    approve(message, by=boss, now=timezone.now(), words=changed_words(message, "Hello\r\n\r\nthere\r\n"))

    assert (Approval.objects.get().state, Approval.objects.get().changes) == ("approved", {})
    assert Outbox.objects.get(kind="reply").requested_by is None


def test_approver_without_the_address_cannot_change_what_leaves_from_it(
    client: Client, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed)
    client.force_login(boss)

    html = client.get(f"/cases/{case.number}/").content.decode()
    with pytest.raises(SendingNotAllowed, match=r"You may not send from vip@company\.example"):
        approve(message, by=boss, now=timezone.now(), words=changed_words(message, "Mine"))

    assert Approval.objects.get().state == "waiting"
    assert EmailMessage.objects.get(pk=message.pk).reply_text == "It left us today."
    assert SendDecision.objects.get(allowed=False).user == boss
    assert "Approve with these changes" not in html
    assert "You can approve or reject it, but not change it: it is from <bdi>vip@company.example</bdi>." in html


def test_approver_cannot_take_all_words_away(ana: User, chief: User, case: Case, closed: RoutingAddress) -> None:
    message = compose(REPLY, case, ana, closed)

    with pytest.raises(CannotReply, match="Write something"):
        approve(message, by=chief, now=timezone.now(), words=changed_words(message, " \n "))

    assert Approval.objects.get().state == "waiting"


@pytest.mark.parametrize("what", ["withdrawn", "approved", "rejected"])
def test_change_of_a_mail_that_is_decided_is_refused(
    ana: User, chief: User, case: Case, closed: RoutingAddress, what: str
) -> None:
    message = compose(REPLY, case, ana, closed)
    as_read = EmailMessage.objects.select_related("case", "created_by").get(pk=message.pk)
    other = UserFactory(superuser=True)
    if what == "withdrawn":
        cancel_reply(message, by=ana)
    elif what == "approved":
        approve(message, by=other, now=timezone.now())
    else:
        reject(message, by=other, reason="no", now=timezone.now())

    with pytest.raises(CannotApprove, match="does not wait for approval any more"):
        approve(as_read, by=chief, now=timezone.now(), words=changed_words(as_read, "Too late"))

    assert not EmailMessage.objects.filter(reply_text="Too late").exists()


def test_author_who_undoes_an_approved_mail_has_the_changed_words(
    settings: Any, ana: User, chief: User, case: Case, closed: RoutingAddress
) -> None:
    settings.E2C_UNDO_SECONDS = 10
    message = compose(REPLY, case, ana, closed, text="x", html="<div>Pay <b>now</b></div>")
    approve(message, by=chief, now=timezone.now(), words=changed_words(message, "Pay soon"))

    cancel_reply(message, by=ana)

    assert (Draft.objects.get().text, Draft.objects.get().html) == ("Pay soon", "<div>Pay soon</div>")


def test_forward_without_words_gets_those_of_the_approver(
    smtp: FakeSmtpServer, ana: User, chief: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(Draft.Mode.FORWARD, case, ana, closed, to=[FRIEND], text="", answers=case.source)

    approve(message, by=chief, now=timezone.now(), words=changed_words(message, "Can you help?"))
    deliver_all()

    text = text_of(smtp.ledger[0].message)
    assert text.startswith("Can you help?\n\n")
    assert "Forwarded message" in text


# Rejected and withdrawn
# ------------------------------------------------------------------------------------------------------------
def test_rejected_mail_is_a_draft_with_the_reason_and_its_author_is_told(
    smtp: FakeSmtpServer, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed, text="Pay now or else.")

    reject(message, by=boss, reason="  Be kind.  ", now=timezone.now())
    tell_people()
    deliver_all()

    draft = Draft.objects.get()
    assert (draft.author, draft.text, draft.came_back_because) == (
        *(ana, "Pay now or else.", "boss did not approve it: Be kind."),
    )
    approval = Approval.objects.get()
    assert (approval.state, approval.reason, approval.decided_by) == ("rejected", "Be kind.", boss)
    assert Outbox.objects.get(kind="reply").state == State.CANCELLED
    assert list(case.events.values_list("kind", flat=True)) == ["approval_requested", "reply_rejected"]
    [notice] = smtp.ledger
    assert notice.recipients == ("ana@company.example",)
    assert "Be kind" not in notice.message.as_string()


def test_rejection_needs_a_reason(ana: User, boss: User, case: Case, closed: RoutingAddress) -> None:
    message = compose(REPLY, case, ana, closed)

    with pytest.raises(CannotApprove):
        reject(message, by=boss, reason="  ", now=timezone.now())

    assert Approval.objects.get().state == "waiting"


def test_author_withdraws(smtp: FakeSmtpServer, ana: User, case: Case, closed: RoutingAddress) -> None:
    message = compose(REPLY, case, ana, closed)

    cancel_reply(message, by=ana)
    deliver_all()

    assert smtp.ledger == []
    assert Draft.objects.get().text == "It left us today."
    assert Approval.objects.get().state == "withdrawn"


def test_changed_mail_is_a_new_request(ana: User, boss: User, case: Case, closed: RoutingAddress) -> None:
    first = compose(REPLY, case, ana, closed)
    reject(first, by=boss, reason="no", now=timezone.now())
    draft = Draft.objects.get()

    compose(REPLY, case, ana, closed, text="Better.", draft=draft.pk, key=draft.key)

    assert [approval.state for approval in Approval.objects.all()] == ["rejected", "waiting"]


# The pages
# ------------------------------------------------------------------------------------------------------------
def test_approver_decides_on_the_case_page(
    smtp: FakeSmtpServer, client: Client, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, closed, text="Please approve me")
    client.force_login(boss)

    listed = client.get("/cases/approvals/").content.decode()
    shown = client.get(f"/cases/{case.number}/").content.decode()
    answer = client.post(f"/cases/{case.number}/messages/{message.pk}/approve/", {"last_seen": message.pk})
    deliver_all()

    assert f"/cases/{case.number:08d}/#message-{message.pk}" in listed
    assert "Mail sent by the permission set" in shown
    assert f"/messages/{message.pk}/approve/" in shown
    assert answer.status_code == 302
    assert len(smtp.ledger) == 1


def test_mail_that_was_written_down_last_is_seen_although_it_came_before(
    client: Client, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    """A mail that waited for a person, or was moved here, is older than what stands below it."""
    message = compose(REPLY, case, ana, closed)
    released = EmailMessageFactory(case=case, received_at=message.received_at - timedelta(hours=1))
    client.force_login(boss)

    html = client.get(f"/cases/{case.number}/").content.decode()

    [seen] = re.findall(r'action="[^"]*/approve/">.*?name="last_seen" value="(\d+)"', html)
    assert seen == str(released.pk)
    assert f'id="live-seen" name="seen" value="{released.pk}"' in html
    client.post(f"/cases/{case.number}/messages/{message.pk}/approve/", {"last_seen": seen})
    assert Approval.objects.get().state == "approved"


def test_author_sees_that_it_waits_but_no_buttons_to_approve(
    page: Client, ana: User, boss: User, case: Case, closed: RoutingAddress
) -> None:
    ana.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    message = compose(REPLY, case, ana, closed)

    shown = page.get(f"/cases/{case.number}/").content.decode()
    refused = page.post(f"/cases/{case.number}/messages/{message.pk}/approve/", follow=True).content.decode()

    assert "Not sent: it waits for approval." in shown
    assert f"/messages/{message.pk}/approve/" not in shown
    assert f"/messages/{message.pk}/undo/" in shown
    assert "Somebody else has to approve your mail." in refused
    assert f"#message-{message.pk}" not in page.get("/cases/approvals/").content.decode()


def test_new_mail_says_beforehand_that_its_case_will_need_approval(
    page: Client, ana: User, gold: RoutingAddress
) -> None:
    """The address stamps no type of its own: the case gets the usual one."""
    RoutingAddress.objects.update(case_record_type=None)
    RecordType.objects.filter(is_default=True).update(requires_approval=True)
    composed = page.get("/cases/new/").content.decode()

    message = compose(Draft.Mode.NEW, None, ana, gold, subject="Hello")

    assert "Mail on cases of the type “Support” needs approval." in composed
    assert Outbox.objects.get(email_message=message).state == State.AWAITING_APPROVAL


def test_composer_says_beforehand_that_it_needs_approval(
    page: Client, ana: User, case: Case, closed: RoutingAddress
) -> None:
    Case.objects.filter(pk=case.pk).update(routing_address=closed)

    shown = page.get(f"/cases/{case.number}/compose/?mode=reply").content.decode()

    assert "Mail sent by the permission set “Juniors” needs approval." in shown


def test_list_costs_the_same_for_every_length(
    boss: User, ana: User, case: Case, closed: RoutingAddress, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        compose(REPLY, case, ana, closed)

    with django_assert_max_num_queries(4):
        assert len(list_waiting(boss)) == 5


def test_superuser_approves_the_mail_of_others(ana: User, case: Case, closed: RoutingAddress) -> None:
    message = compose(REPLY, case, ana, closed)

    approve(message, by=UserFactory(superuser=True), now=timezone.now())

    assert Outbox.objects.get(kind="reply").state == State.QUEUED
    assert CaseEvent.objects.filter(kind="reply_approved").count() == 1
