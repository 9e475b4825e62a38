"""Send later: at the chosen time and not before; when the customer writes first, not at all."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.lifecycle import record_inbound_activity
from cases.models import Case, Draft, EmailMessage, Outbox
from cases.outbound import delivery
from cases.outbound.composed import CannotReply, Unseen
from cases.outbound.delivery import deliver_due
from cases.outbound.taking_back import cancel_reply, reschedule, take_back_scheduled
from cases.sweeping import tell_people
from routing import permission_sets
from routing.models import PermissionSet, RoutingAddress
from tests.cases.composing.mails import compose, deliver_all
from tests.cases.outbound.people import grant
from tests.factories import EmailMessageFactory, InboundEmailFactory, RawBodyFactory
from tests.fake_smtp import FakeSmtpServer
from tests.mails import mint_message_id, raw_mail

REPLY = Draft.Mode.REPLY
State = Outbox.State
TOMORROW = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def scheduled(case: Case, author: User, send_from: RoutingAddress, **fields: Any) -> EmailMessage:
    return compose(REPLY, case, author, send_from, **({"send_at": timezone.now() + TOMORROW} | fields))


def customer_writes(case: Case, **options: Any) -> None:
    row = InboundEmailFactory(
        raw=RawBodyFactory(
            content=raw_mail(
                sender="Casey <casey@example.net>",
                to="gold@company.example",
                headers=[f"In-Reply-To: {mint_message_id(case.pk)}", *options.get("headers", [])],
            )
        )
    )
    settle_batch()
    row.refresh_from_db()
    assert row.state == "appended"


# When it leaves
# ------------------------------------------------------------------------------------------------------------
def test_it_leaves_at_its_time_and_not_before(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = scheduled(case, ana, gold)

    deliver_all(after=timedelta(hours=23))
    assert smtp.ledger == []
    deliver_all(after=timedelta(hours=25))

    assert len(smtp.ledger) == 1
    assert Outbox.objects.get().email_message == message


@pytest.mark.parametrize("away", [timedelta(seconds=-1), timedelta(0), timedelta(days=400)])
def test_time_is_never_past_nor_a_lifetime_away(
    case: Case, ana: User, gold: RoutingAddress, now: datetime, away: timedelta
) -> None:
    with pytest.raises(CannotReply) as refused:
        scheduled(case, ana, gold, send_at=now + away, now=now)

    assert refused.value.field == "send_at"
    assert Outbox.objects.count() == 0


def test_permission_is_asked_for_again_at_its_time(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    grant(gold, ana)
    scheduled(case, ana, gold)
    permission_sets.remove_member(PermissionSet.objects.get(), ana, by=None)

    deliver_all(after=timedelta(days=2))

    assert smtp.ledger == []
    assert Outbox.objects.get(kind="reply").state == State.FAILED


def test_mail_for_tomorrow_holds_up_none_of_today(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    scheduled(case, ana, gold, text="tomorrow")
    compose(REPLY, case, ana, gold, text="today")

    deliver_all()

    assert len(smtp.ledger) == 1


def test_time_is_changed_or_it_leaves_now(smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress) -> None:
    message, now = scheduled(case, ana, gold), timezone.now()

    reschedule(message, by=ana, send_at=now + timedelta(days=3), now=now)
    deliver_all(after=timedelta(days=2))
    assert smtp.ledger == []
    with pytest.raises(CannotReply):
        reschedule(message, by=ana, send_at=now, now=now)
    reschedule(message, by=ana, send_at=None, now=now)
    deliver_all()

    assert len(smtp.ledger) == 1
    with pytest.raises(CannotReply):
        reschedule(message, by=ana, send_at=now + TOMORROW, now=now)


def test_it_is_taken_back_by_hand(case: Case, ana: User, gold: RoutingAddress) -> None:
    cancel_reply(scheduled(case, ana, gold), by=ana)

    assert Draft.objects.get().text == "It left us today."


# The customer writes first
# ------------------------------------------------------------------------------------------------------------
def test_customer_who_writes_first_makes_it_a_draft(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    scheduled(case, ana, gold, text="Is it there by now?")

    customer_writes(case)
    tell_people()
    deliver_all(after=timedelta(days=2))

    draft = Draft.objects.get()
    assert (draft.author, draft.text) == (ana, "Is it there by now?")
    assert draft.came_back_because == "The customer wrote before it was to be sent."
    assert Outbox.objects.get(kind="reply").state == State.CANCELLED
    taken_back = case.events.get(kind="reply_taken_back")
    assert (taken_back.actor, taken_back.because) == (None, "The customer wrote before it was to be sent.")
    [notice] = smtp.ledger
    assert notice.recipients == ("ana@company.example",)
    assert "Is it there" not in notice.message.as_string()
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US


def test_machine_that_answers_changes_nothing(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    scheduled(case, ana, gold)

    customer_writes(case, headers=["Auto-Submitted: auto-replied", "Subject: Automatic reply: away"])
    deliver_all(after=timedelta(days=2))

    assert len(smtp.ledger) == 1


def test_mail_that_is_not_scheduled_stays_queued(case: Case, ana: User, gold: RoutingAddress, settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 60
    compose(REPLY, case, ana, gold)

    customer_writes(case)

    assert Outbox.objects.get().state == State.QUEUED


def test_claim_of_a_worker_does_not_save_it(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has claimed it and is connecting when the customer's mail is written."""
    scheduled(case, ana, gold)
    open_connection = delivery.open_connection

    def customer_is_faster(*arguments: Any, **options: Any) -> Any:
        customer_writes(case)
        return open_connection(*arguments, **options)

    monkeypatch.setattr(delivery, "open_connection", customer_is_faster)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        deliver_due()

    assert smtp.ledger == []
    assert Outbox.objects.get(kind="reply").state == State.CANCELLED
    assert Draft.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_customer_and_worker_at_the_same_moment(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, turn: int
) -> None:
    """It is out, or it is a draft: never both, never neither."""
    scheduled(case, ana, gold)
    start = threading.Barrier(2)

    def deliver() -> None:
        start.wait()
        deliver_due()
        connections.close_all()

    def write() -> None:
        start.wait()
        now = timezone.now()
        with transaction.atomic():
            EmailMessageFactory(case=case)
            record_inbound_activity(case, at=now, by_person=True, reopen=False)
            take_back_scheduled(case, now=now)
        connections.close_all()

    with time_machine.travel(timezone.now() + timedelta(days=2)):
        threads = [threading.Thread(target=run) for run in (deliver, write)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert connection.vendor == "postgresql"
    state = Outbox.objects.get(kind="reply").state
    # The worker may have been late enough to tell the author that it came back.
    replies = [taken for taken in smtp.ledger if taken.recipients != (ana.email,)]
    assert (len(replies), Draft.objects.count(), state) in ((1, 0, "sent"), (0, 1, "cancelled"))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_scheduling_and_customer_at_the_same_moment(case: Case, ana: User, gold: RoutingAddress, turn: int) -> None:
    """Whoever is second sees the first: the rep is told, or the mail comes back."""
    ends: list[str] = []
    start = threading.Barrier(2)

    def schedule() -> None:
        start.wait()
        try:
            scheduled(case, ana, gold, last_seen=case.source_id)
            ends.append("scheduled")
        except Unseen:
            ends.append("told")
        connections.close_all()

    def write() -> None:
        start.wait()
        now = timezone.now()
        with transaction.atomic():
            EmailMessageFactory(case=case)
            record_inbound_activity(case, at=now, by_person=True, reopen=False)
            take_back_scheduled(case, now=now)
        connections.close_all()

    threads = [threading.Thread(target=run) for run in (schedule, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.vendor == "postgresql"
    assert not Outbox.objects.filter(kind="reply", state=State.QUEUED).exists()
    assert (ends, Draft.objects.count()) in ((["told"], 0), (["scheduled"], 1))


# The page
# ------------------------------------------------------------------------------------------------------------
def test_form_takes_a_moment_or_a_local_time_with_its_zone(
    page: Client, case: Case, ana: User, gold: RoutingAddress
) -> None:
    fields = {"send_from": gold.pk, "to": "casey@example.net", "text": "x", "confirmed": "1"}
    day = (timezone.now() + timedelta(days=30)).date()
    url = f"/cases/{case.number}/reply/"

    for number, extra in enumerate(
        [
            {"send_at": f"{day}T09:00:00+02:00"},
            {"send_at": f"{day}T09:00", "zone": "Europe/Berlin"},
            {"send_at": f"{day}T09:00", "zone": "../etc/passwd"},
        ]
    ):
        last = EmailMessage.objects.latest("pk").pk
        assert (
            page.post(url, fields | extra | {"key": f"key-{number}-aaaaaaaaaaaa", "last_seen": last}).status_code
            == 302
        )

    times = list(Outbox.objects.order_by("pk").values_list("not_before", flat=True))
    zones = ("Etc/GMT-2", "Europe/Berlin", "UTC")
    assert times == [datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo(zone)) for zone in zones]


def test_page_shows_when_it_leaves_and_lets_change_it(
    page: Client, case: Case, ana: User, gold: RoutingAddress
) -> None:
    message = scheduled(case, ana, gold)

    shown = page.get(f"/cases/{case.number}/").content.decode()
    page.post(f"/cases/{case.number}/messages/{message.pk}/schedule/", {"send_at": "2020-01-01T09:00"})
    unchanged = Outbox.objects.get().not_before
    page.post(f"/cases/{case.number}/messages/{message.pk}/schedule/")

    assert "Not sent yet: it leaves later." in shown
    assert f"/messages/{message.pk}/schedule/" in shown
    assert unchanged is not None
    assert unchanged > timezone.now()
    assert Outbox.objects.get().is_scheduled is False
