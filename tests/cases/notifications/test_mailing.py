"""Mails about notifications: at once or in a digest, few, and none about what was read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from cases.comments import add_note
from cases.models import Case, CaseEvent, Notification, NotificationChoice, Outbox
from cases.notifications import mailing
from cases.notifications.choices import Choice, choices_of, mail_time, save_choices
from cases.notifications.mailing import INTERVAL, mail_notifications
from cases.notifications.making import make_notifications
from cases.notifications.reading import mark_read
from cases.outbound.budgets import TO_OUTSIDERS
from cases.outbound.delivery import deliver_due
from cases.sweeping import tell_people
from cases.visits import mark_seen
from routing.models import EmailToCaseSettings, Queue
from tests.cases.acting.people import queue_with
from tests.cases.notifications.told import customer_wrote, happened
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory, RoutingAddressFactory
from tests.fake_smtp import fake_smtp_server

Kind = Notification.Kind
Mail = NotificationChoice.Mail
NOW = datetime(2030, 1, 2, 9, 30, tzinfo=UTC)


def choose(user: User, kind: str, mail: str, *, in_app: bool = True) -> None:
    NotificationChoice.objects.update_or_create(user=user, kind=kind, defaults={"mail": mail, "in_app": in_app})


def mails() -> list[Outbox]:
    return list(Outbox.objects.filter(kind="notice").order_by("pk"))


def later(minutes: float) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        tell_people()


# At once
# ------------------------------------------------------------------------------------------------------------
def test_a_mail_at_once_has_subject_link_and_nothing_that_was_written(case: Case, ana: User, settings: Any) -> None:
    settings.E2C_PUBLIC_URL = "https://help.company.example"
    choose(ana, "new_mail", "at_once")
    event = customer_wrote(case, text_body="secret words")

    tell_people()

    [mail] = mails()
    assert (mail.recipient, mail.case) == (ana.email, case)
    assert mail.subject == f"New email on case {case.number_text}: Broken lamp"
    assert f"https://help.company.example/cases/{case.number_text}/#message-{event.email_message_id}" in mail.text_body
    assert "https://help.company.example/cases/notifications/settings/" in mail.text_body
    assert "secret" not in mail.text_body


def test_mail_of_a_customer_is_mailed_when_the_organisation_says_so(case: Case) -> None:
    customer_wrote(case)
    tell_people()
    assert mails() == []

    EmailToCaseSettings.objects.update(notify_case_owner_on_new_email=True)
    customer_wrote(case)
    tell_people()

    assert len(mails()) == 1


def test_a_subject_cannot_break_out_of_the_header(ana: User) -> None:
    case = CaseFactory(owner_queue=None, owner_user=ana, subject="Hi\r\nBcc: x@evil.example\u2028X: y\x85Z")
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)

    tell_people()

    assert mails()[0].subject == f"New email on case {case.number_text}: Hi Bcc: x@evil.example X: y Z"


def test_one_mail_about_a_case_in_five_minutes_and_the_rest_together(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "at_once")
    for _ in range(3):
        customer_wrote(case)
        tell_people()
    assert len(mails()) == 1

    later(4.5)
    assert len(mails()) == 1

    later(5.5)
    assert len(mails()) == 2
    assert not Notification.objects.filter(mail_due_at__isnull=False).exists()


def test_another_case_has_its_own_mail(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "at_once")
    for each in (case, CaseFactory(owner_queue=None, owner_user=ana)):
        customer_wrote(each)

    tell_people()

    assert len(mails()) == 2


def test_what_was_read_meanwhile_is_not_mailed(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)
    make_notifications()
    mark_read(ana, up_to=Notification.objects.get().pk)

    mail_notifications()

    assert mails() == []
    assert Notification.objects.get().mail_due_at is None


def test_what_was_seen_on_the_page_meanwhile_is_not_mailed(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "hourly")
    customer_wrote(case)
    tell_people()
    mark_seen(ana, case, timezone.now())

    later(61)

    assert mails() == []


def test_who_lost_the_case_meanwhile_gets_no_mail_about_it(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "hourly")
    customer_wrote(case)
    tell_people()
    Case.objects.filter(pk=case.pk).write_owner(owner_user=rep("ben"))

    later(61)

    assert mails() == []


@pytest.mark.parametrize("address", ["", "nobody", "support@company.example"])
def test_no_mail_without_an_address_or_to_one_of_ours(case: Case, ana: User, address: str) -> None:
    RoutingAddressFactory(email_address="support@company.example")
    User.objects.filter(pk=ana.pk).update(email=address)
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)

    tell_people()

    assert mails() == []
    assert Notification.objects.get().mail_due_at is None


def test_the_mail_leaves_as_automatic_mail_that_answers_nothing(case: Case, ana: User, settings: Any) -> None:
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)
    tell_people()

    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        deliver_due()
        [sent] = fake.ledger

    assert sent.message["Auto-Submitted"] == "auto-generated"
    assert sent.message["Precedence"] == "bulk"
    assert sent.message["To"] == ana.email


def test_a_notice_that_fails_tells_nobody_again(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)
    tell_people()
    happened(case, "notice_failed")

    later(10)

    assert len(mails()) == 1


def test_members_get_the_mail_of_a_queue_that_wants_it_and_a_rules_notice_instead_of_it() -> None:
    queue = queue_with(rep("ana"), rep("ben"))
    Queue.objects.update(notify_members=True)
    case = CaseFactory(owner_queue=queue)
    happened(case, "case_opened")
    key = f"entry:{case.pk}:{mailing.short_hash('ana@company.example')}"
    Outbox.objects.create(key=key, kind="notice", case=case, recipient="ana@company.example")

    tell_people()

    assert [mail.recipient for mail in mails()] == ["ana@company.example", "ben@company.example"]
    assert mails()[1].subject.startswith("Waits in your queue: case ")


def test_a_flood_becomes_a_digest(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "MOST_MAILS_A_DAY", 2)
    choose(ana, "new_mail", "at_once")
    for _ in range(5):
        customer_wrote(CaseFactory(owner_queue=None, owner_user=ana))
        tell_people()
    assert len(mails()) == 2

    later(61)

    assert len(mails()) == 3
    assert mails()[2].subject == "3 things happened on cases"


# Digest
# ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mail", "due"),
    [("hourly", datetime(2030, 1, 2, 10, tzinfo=UTC)), ("daily", datetime(2030, 1, 3, 8, tzinfo=UTC))],
)
def test_a_digest_comes_at_its_time(case: Case, ana: User, mail: str, due: datetime) -> None:
    choose(ana, "new_mail", mail)
    with time_machine.travel(NOW, tick=False):
        customer_wrote(case)
        tell_people()
    with time_machine.travel(due - timedelta(seconds=1), tick=False):
        tell_people()
        assert mails() == []

    with time_machine.travel(due, tick=False):
        tell_people()
        tell_people()

    assert len(mails()) == 1


@pytest.mark.parametrize(
    ("mail", "now", "due"),
    [
        # Clocks in Berlin go back from 3:00 to 2:00 on 27 October 2030, at 1:00 UTC.
        ("hourly", datetime(2030, 10, 27, 0, 30, tzinfo=UTC), datetime(2030, 10, 27, 1, 0, tzinfo=UTC)),
        ("hourly", datetime(2030, 10, 27, 1, 30, tzinfo=UTC), datetime(2030, 10, 27, 2, 0, tzinfo=UTC)),
        ("daily", datetime(2030, 10, 26, 12, 0, tzinfo=UTC), datetime(2030, 10, 27, 7, 0, tzinfo=UTC)),
        # And from 2:00 to 3:00 on 31 March.
        ("hourly", datetime(2030, 3, 31, 0, 30, tzinfo=UTC), datetime(2030, 3, 31, 1, 0, tzinfo=UTC)),
        ("daily", datetime(2030, 3, 30, 12, 0, tzinfo=UTC), datetime(2030, 3, 31, 6, 0, tzinfo=UTC)),
    ],
)
def test_digests_keep_their_hours_when_clocks_change(mail: str, now: datetime, due: datetime) -> None:
    with timezone.override("Europe/Berlin"):
        assert mail_time(Mail(mail), now=now) == due


def test_a_digest_has_a_section_for_each_kind_and_no_subject_with_a_mention(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "hourly")
    choose(ana, "mention", "hourly")
    other = CaseFactory(owner_queue=None, owner_user=ana, subject="Only in a note")
    add_note(case=other, author=rep("ben", is_superuser=True), body="@ana look")
    customer_wrote(case)
    tell_people()

    later(61)

    [mail] = mails()
    assert mail.subject == "2 things happened on cases"
    lines = [line for line in mail.text_body.splitlines() if line]
    assert lines[0] == "Mentioned in a note"
    assert lines[1] == f"* {other.number_text} "
    assert "ben mentioned you in a note" in lines[2]
    assert "New email on my case" in lines
    assert f"* {case.number_text} Broken lamp" in lines
    assert "Only in a note" not in mail.text_body


def test_a_quiet_hour_has_no_digest(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "hourly")
    customer_wrote(case)
    tell_people()
    mark_read(ana, up_to=Notification.objects.get().pk)

    later(61)

    assert mails() == []


def test_digests_take_nothing_from_the_budget_of_outsiders(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "hourly")
    customer_wrote(case)
    tell_people()
    later(61)

    assert len(mails()) == 1
    assert not Outbox.objects.filter(TO_OUTSIDERS).exists()


def test_a_process_that_dies_while_it_writes_a_mail_doubles_none(
    case: Case, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)
    make_notifications()

    def dies(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mailing, "_note_mailed", dies)
        with pytest.raises(KeyboardInterrupt):
            mail_notifications()
    assert mails() == []

    mail_notifications()
    mail_notifications()

    assert len(mails()) == 1


def test_the_interval_counts_from_the_mail_not_from_the_event(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "at_once")
    customer_wrote(case)
    tell_people()
    customer_wrote(case)
    tell_people()

    first, second = Notification.objects.order_by("pk")
    assert second.mail_due_at == first.mailed_at + INTERVAL


# Choices
# ------------------------------------------------------------------------------------------------------------
def test_neither_console_nor_mail_leaves_no_row(case: Case, ana: User) -> None:
    choose(ana, "new_mail", "off", in_app=False)
    customer_wrote(case)

    tell_people()

    assert Notification.objects.count() == 0
    assert CaseEvent.objects.get().told_at is not None


def test_only_what_somebody_changed_is_kept(ana: User) -> None:
    chosen = dict(choices_of(ana)) | {Kind.MENTION: Choice(True, Mail.DAILY)}

    assert save_choices(ana, chosen) == 1
    assert NotificationChoice.objects.get().kind == "mention"
    assert choices_of(ana)[Kind.MENTION] == Choice(True, Mail.DAILY)
    assert save_choices(ana, chosen) == 0
