"""Send and close: the case closes when the mail sets out, and opens again when it did not leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from cases.editing import change_status, close_case, reopen_case
from cases.lifecycle import OnClosedCase, effect_of_mail, record_inbound_activity
from cases.merging import merge_case
from cases.models import Case, CaseEvent, CaseStatus, Draft, EmailMessage, Outbox
from cases.outbound.approvals import approve, reject
from cases.outbound.composed import CannotReply
from cases.outbound.replies import send_again
from cases.outbound.taking_back import cancel_reply, reschedule, take_back_scheduled
from cases.snoozing import snooze
from routing.models import RecordType, RoutingAddress
from tests.cases.composing.mails import CUSTOMER, FRIEND, compose, deliver_all, draft_of
from tests.cases.outbound.people import case_with_mail, rep
from tests.fake_smtp import FakeSmtpServer

REPLY, FORWARD, NEW = Draft.Mode.REPLY, Draft.Mode.FORWARD, Draft.Mode.NEW
DAY = timedelta(days=1)


@pytest.fixture
def working() -> CaseStatus:
    return CaseStatus.objects.get_or_create(label="Working", defaults={"position": 3})[0]


def let_it_end(smtp: FakeSmtpServer, end: str) -> None:
    """What the server does with the next mail leaves it "failed" or "uncertain"."""
    if end == "failed":
        smtp.refused_recipients[CUSTOMER] = "550 no such user"
    else:
        smtp.answers["data"] = ["drop"]


def fresh(case: Case) -> Case:
    return Case.objects.select_related("status").get(pk=case.pk)


def history(case: Case) -> list[tuple[str, str | None]]:
    return list(case.events.order_by("pk").values_list("kind", "actor__username"))


def customer_writes(case: Case) -> None:
    """As cases.inbound.writing does with a mail that the closed-case policy lets reopen its case."""
    now = timezone.now()
    effect, _because, _setting = effect_of_mail(fresh(case), now=now, may_reopen=True)
    reopen = effect == OnClosedCase.REOPEN
    record_inbound_activity(case, at=now, by_person=True, reopen=reopen)
    take_back_scheduled(case, now=now)
    if reopen:
        CaseEvent.objects.create(case=case, kind=CaseEvent.Kind.CASE_REOPENED)


# Closing
# ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", [REPLY, FORWARD])
def test_case_closes_when_the_mail_is_queued(ana: User, case: Case, gold: RoutingAddress, mode: Draft.Mode) -> None:
    compose(mode, case, ana, gold, closes=True, answers=case.source)

    closed = fresh(case)
    assert (closed.status.label, closed.is_closed) == ("Closed", True)
    assert history(case) == [("reply_queued", "ana"), ("status_changed", "ana")]


def test_mail_that_leaves_keeps_the_case_closed(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, gold, closes=True)
    deliver_all()

    assert len(smtp.ledger) == 1
    assert fresh(case).is_closed
    assert [kind for kind, _who in history(case)] == ["reply_queued", "status_changed", "reply_sent"]


def test_new_mail_opens_a_case_that_is_closed(ana: User, gold: RoutingAddress) -> None:
    message = compose(NEW, None, ana, gold, subject="For your information", closes=True)

    assert fresh(message.case).is_closed


def test_case_that_is_closed_stays_as_it_is(ana: User, case: Case, gold: RoutingAddress) -> None:
    done = CaseStatus.objects.create(label="Done", is_closed=True, position=90)
    change_status(case=case, status=done, by=ana)
    closed_at = fresh(case).closed_at

    compose(REPLY, case, ana, gold, closes=True)

    assert (fresh(case).status, fresh(case).closed_at) == (done, closed_at)


def test_without_a_status_that_closes_nothing_is_sent(ana: User, case: Case, gold: RoutingAddress) -> None:
    CaseStatus.objects.filter(is_closed=True).delete()

    with pytest.raises(CannotReply, match="No status closes a case"):
        compose(REPLY, case, ana, gold, closes=True)

    assert not Outbox.objects.exists()


def test_other_drafts_on_the_case_are_kept(ana: User, case: Case, gold: RoutingAddress) -> None:
    draft_of(ana, case, FORWARD, text="half written", answers=case.source)

    compose(REPLY, case, ana, gold, closes=True)

    assert fresh(case).is_closed
    assert Draft.objects.get().text == "half written"


def test_same_form_sent_again_by_the_other_button_is_one_mail_and_closes(
    ana: User, case: Case, gold: RoutingAddress
) -> None:
    first = compose(REPLY, case, ana, gold, key="form-of-one-mail")
    assert not fresh(case).is_closed

    second = compose(REPLY, case, ana, gold, key="form-of-one-mail", closes=True)
    compose(REPLY, case, ana, gold, key="form-of-one-mail", closes=True)

    assert first == second
    assert Outbox.objects.count() == 1
    assert fresh(case).is_closed
    cancel_reply(second, by=ana)
    assert not fresh(case).is_closed


def test_command_closes(case: Case, ana: User, gold: RoutingAddress, tmp_path: Any) -> None:
    body = tmp_path / "body.txt"
    body.write_text("It left us today.")
    arguments = (f"--user=ana --from={gold.email_address} --body-file={body} --close").split()

    call_command("reply", str(case.number), *arguments)

    assert fresh(case).is_closed


# What brings the status back
# ------------------------------------------------------------------------------------------------------------
def test_undo_brings_status_and_snooze_back(ana: User, case: Case, gold: RoutingAddress, working: CaseStatus) -> None:
    change_status(case=case, status=working, by=ana)
    until = timezone.now() + DAY
    snooze(case=case, until=until, by=ana)

    message = compose(REPLY, case, ana, gold, closes=True)
    assert (fresh(case).is_closed, fresh(case).snoozed_until) == (True, None)
    cancel_reply(message, by=ana)

    back = fresh(case)
    assert (back.status, back.is_closed, back.snoozed_until, back.reopened_count) == (working, False, until, 0)
    assert back.awaiting == Case.Awaiting.US
    assert Draft.objects.get().text == "It left us today."


@pytest.mark.parametrize("end", ["failed", "uncertain"])
def test_mail_that_did_not_leave_opens_the_case_again(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress, working: CaseStatus, end: str
) -> None:
    change_status(case=case, status=working, by=ana)
    message = compose(REPLY, case, ana, gold, closes=True)
    let_it_end(smtp, end)

    deliver_all()

    assert Outbox.objects.get(email_message=message).state == end
    back = fresh(case)
    assert (back.status, back.is_closed, back.awaiting) == (working, False, Case.Awaiting.US)


@pytest.mark.parametrize("end", ["failed", "uncertain"])
def test_mail_that_is_sent_after_all_closes_after_all(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress, end: str
) -> None:
    message = compose(REPLY, case, ana, gold, closes=True)
    let_it_end(smtp, end)
    deliver_all()
    smtp.refused_recipients.clear()

    send_again(message, by=ana)
    assert not fresh(case).is_closed
    deliver_all()

    assert fresh(case).is_closed


@pytest.mark.parametrize("what", ["the customer wrote", "a colleague changed the status"])
def test_mail_that_is_sent_after_all_closes_nothing_that_went_on(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress, working: CaseStatus, what: str
) -> None:
    message = compose(REPLY, case, ana, gold, closes=True)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    smtp.refused_recipients.clear()
    if what == "the customer wrote":
        customer_writes(case)
    else:
        change_status(case=case, status=working, by=rep("ben", is_superuser=True))

    send_again(message, by=ana)
    deliver_all()

    assert Outbox.objects.get(email_message=message).state == "sent"
    assert not fresh(case).is_closed


def test_recipient_who_is_refused_opens_the_case_again(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, gold, to=[CUSTOMER, FRIEND], closes=True)
    smtp.refused_recipients[FRIEND] = "550 no such user"

    deliver_all()

    assert (fresh(case).is_closed, fresh(case).awaiting) == (False, Case.Awaiting.US)


def test_status_that_a_colleague_chose_meanwhile_stays(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress, working: CaseStatus
) -> None:
    """Undone after a colleague reopened and closed it for reasons of their own."""
    ben = rep("ben", is_superuser=True)
    message = compose(REPLY, case, ana, gold, closes=True)
    reopen_case(case=case, by=ben)
    close_case(case=case, by=ben)

    cancel_reply(message, by=ana)

    assert fresh(case).is_closed


def test_mail_of_a_case_that_was_merged_opens_and_closes_no_other(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    done, open_one = (case_with_mail(ana, address=gold, message_identifier=f"{n}@x.example") for n in (1, 2))
    close_case(case=done, by=ana)
    message = compose(REPLY, case, ana, gold, closes=True)
    merge_case(case=case, into=done, by=ana)
    later = compose(REPLY, open_one, ana, gold, closes=True, send_at=timezone.now() + DAY)
    into = case_with_mail(ana, address=gold, message_identifier="3@x.example")
    merge_case(case=open_one, into=into, by=ana)

    cancel_reply(message, by=ana)
    deliver_all(after=2 * DAY)

    assert fresh(done).is_closed
    assert Outbox.objects.get(email_message=later).state == "sent"
    assert not fresh(into).is_closed


# The customer writes first
# ------------------------------------------------------------------------------------------------------------
def test_customer_who_writes_in_the_undo_window_opens_the_case_and_the_mail_does_not_close_it(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, gold, closes=True)

    customer_writes(case)
    deliver_all()

    assert len(smtp.ledger) == 1
    assert (fresh(case).is_closed, fresh(case).reopened_count) == (False, 1)


def test_undo_after_the_customer_wrote_leaves_the_open_case_alone(
    ana: User, case: Case, gold: RoutingAddress, working: CaseStatus
) -> None:
    change_status(case=case, status=working, by=ana)
    message = compose(REPLY, case, ana, gold, closes=True)
    customer_writes(case)
    status = fresh(case).status

    cancel_reply(message, by=ana)

    assert (fresh(case).status, fresh(case).is_closed) == (status, False)


# Send later and approval
# ------------------------------------------------------------------------------------------------------------
def test_mail_for_later_closes_when_it_has_left(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, gold, closes=True, send_at=timezone.now() + DAY)
    deliver_all()
    assert not fresh(case).is_closed

    deliver_all(after=2 * DAY)

    assert len(smtp.ledger) == 1
    assert fresh(case).is_closed
    assert history(case)[-2:] == [("reply_sent", None), ("status_changed", "ana")]


def test_mail_for_later_that_is_sent_now_closes(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    message = compose(REPLY, case, ana, gold, closes=True, send_at=timezone.now() + DAY)

    reschedule(message, by=ana, send_at=None, now=timezone.now())
    deliver_all()

    assert fresh(case).is_closed


def test_mail_for_later_that_the_customer_overtakes_closes_nothing(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    compose(REPLY, case, ana, gold, closes=True, send_at=timezone.now() + DAY)

    customer_writes(case)
    deliver_all(after=2 * DAY)

    assert smtp.ledger == []
    assert not fresh(case).is_closed


def test_mail_that_waits_for_approval_closes_when_it_is_approved(
    ana: User, boss: User, case: Case, gold: RoutingAddress
) -> None:
    RecordType.objects.update(requires_approval=True)
    message = compose(REPLY, case, ana, gold, closes=True)
    assert not fresh(case).is_closed

    approve(message, by=boss, now=timezone.now())

    assert fresh(case).is_closed
    assert history(case)[-1] == ("status_changed", "ana")


def test_mail_that_is_rejected_closes_nothing(ana: User, boss: User, case: Case, gold: RoutingAddress) -> None:
    RecordType.objects.update(requires_approval=True)
    message = compose(REPLY, case, ana, gold, closes=True)

    reject(message, by=boss, reason="no", now=timezone.now())

    assert not fresh(case).is_closed
    assert [kind for kind, _who in history(case)] == ["approval_requested", "reply_rejected"]


# The page
# ------------------------------------------------------------------------------------------------------------
def posted(case: Case, gold: RoutingAddress, **fields: str) -> dict[str, str]:
    values = {"send_from": str(gold.pk), "to": CUSTOMER, "text": "It left us today.", "key": "k" * 24}
    return values | {"subject": "Re: Order", "last_seen": str(EmailMessage.objects.latest("pk").pk)} | fields


def test_plain_form_sends_and_closes(page: Client, case: Case, gold: RoutingAddress, settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 10
    shown = page.get(f"/cases/{case.number}/compose/?mode=reply").content.decode()

    answer = page.post(f"/cases/{case.number}/reply/", posted(case, gold, closes="1"), follow=True).content.decode()

    assert '<button name="closes" value="1"' in shown
    assert fresh(case).is_closed
    assert "Undo opens the case again." in answer


def test_warnings_offer_to_send_and_close_in_spite_of_them(page: Client, case: Case, gold: RoutingAddress) -> None:
    url, risky = f"/cases/{case.number}/reply/", posted(case, gold, to=f"{CUSTOMER}, stranger@elsewhere.example")

    warned = page.post(url, risky | {"closes": "1"})
    word = warned.context["composer"].confirmed
    html = warned.content.decode()
    assert not Outbox.objects.exists()
    page.post(url, risky | {"confirmed_closing": word})

    assert warned.status_code == 409
    assert f'<button name="confirmed_closing" value="{word}"' in html
    assert Outbox.objects.get().closes_case
    assert fresh(case).is_closed


def test_closed_case_does_not_offer_to_close_it(page: Client, ana: User, case: Case, gold: RoutingAddress) -> None:
    close_case(case=case, by=ana)
    url = f"/cases/{case.number}/"

    shown = page.get(f"{url}compose/?mode=reply").content.decode()
    warned = page.post(f"{url}warnings/", posted(case, gold, to="stranger@elsewhere.example")).content.decode()

    assert 'name="closes"' not in shown
    assert "Send anyway" in warned
    assert "confirmed_closing" not in warned


def test_page_says_when_the_case_will_close(page: Client, ana: User, case: Case, gold: RoutingAddress) -> None:
    compose(REPLY, case, ana, gold, closes=True, send_at=timezone.now() + DAY)
    RecordType.objects.update(requires_approval=True)
    compose(REPLY, case, ana, gold, closes=True)

    shown = page.get(f"/cases/{case.number}/").content.decode()

    assert "The case closes when it leaves." in shown
    assert "The case closes when it is approved." in shown


def test_page_promises_nothing_of_a_case_that_the_customer_opened(
    page: Client, ana: User, case: Case, gold: RoutingAddress, settings: Any
) -> None:
    settings.E2C_UNDO_SECONDS = 10
    compose(REPLY, case, ana, gold, closes=True)
    assert "Undo opens the case again." in page.get(f"/cases/{case.number}/").content.decode()

    customer_writes(case)

    assert "Undo opens the case again." not in page.get(f"/cases/{case.number}/").content.decode()
