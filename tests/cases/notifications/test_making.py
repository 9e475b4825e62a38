"""Which event concerns whom: once each, never oneself, and only who may see the case."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.assignment import assign
from cases.comments import add_note, edit_note
from cases.models import (
    Approval,
    Case,
    CaseComment,
    CaseEvent,
    CaseTask,
    EmailMessage,
    Mention,
    Notification,
    NotificationChoice,
    Outbox,
)
from cases.models.event import TOLD_KINDS
from cases.notifications.concerned import concerned_by
from cases.notifications.making import OLDEST_TOLD, _untold, make_notifications
from cases.selectors.visible import visible_cases, who_may_see
from cases.service_levels import keep_clocks
from routing.models import Queue, QueueMember, ServiceLevel
from routing.owners import OwnerChoice
from tests.cases.acting.people import queue_with
from tests.cases.notifications.told import customer_wrote, happened, our_mail, told
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory, QueueFactory, UserFactory


def give(case: Case, *, by: User | None, user: User | None = None, queue: Queue | None = None) -> CaseEvent:
    case.refresh_from_db()
    owner = OwnerChoice(user, queue, "test")
    return assign(case=case, owner=owner, kind="manual", expected_version=case.routing_version, decided_by=by)


def boss() -> User:
    user = rep("boss")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["approve_reply", "view_all_cases"]))
    return user


def waits_for_approval(message: EmailMessage, *, by: User | None) -> None:
    outbox = Outbox.objects.create(key=f"reply:{message.pk}", kind="reply", case=message.case, state="approval")
    Approval.objects.create(outbox=outbox, case=message.case, requested_by=by)
    happened(message.case, "approval_requested", email_message=message, actor=by, detail={"outbox": outbox.pk})


# Who is concerned
# ------------------------------------------------------------------------------------------------------------
def test_a_new_owner_is_told(case: Case, ana: User) -> None:
    ben = rep("ben")
    give(case, by=ben, user=ana)

    assert told() == [("ana", "assigned")]


def test_who_takes_a_case_is_told_nothing(case: Case, ana: User) -> None:
    give(case, by=ana, user=ana)

    assert told() == []


def test_only_the_last_of_several_owners_is_told(case: Case, ana: User) -> None:
    ben, lead = rep("ben"), boss()
    give(case, by=lead, user=ben)
    give(case, by=lead, user=ana)

    assert told() == [("ana", "assigned")]


def test_the_first_owner_of_a_new_case_is_told(case: Case, ana: User) -> None:
    happened(case, "case_opened")

    assert told() == [("ana", "assigned")]


def test_members_of_a_queue_are_told_of_a_case_that_waits_when_the_queue_wants_that() -> None:
    queue = queue_with(rep("ana"), rep("ben"))
    happened(CaseFactory(owner_queue=queue), "case_opened")

    assert told() == []

    queue.notify_members = True
    queue.save()
    happened(CaseFactory(owner_queue=queue), "case_opened")

    assert told() == [("ana", "in_queue"), ("ben", "in_queue")]


def test_a_choice_of_ones_own_wins_over_the_queue() -> None:
    ana, ben = rep("ana"), rep("ben")
    queue = queue_with(ana, ben)
    NotificationChoice.objects.create(user=ana, kind="in_queue", in_app=True)
    happened(CaseFactory(owner_queue=queue), "case_opened")

    assert told() == [("ana", "in_queue")]

    Queue.objects.update(notify_members=True)
    NotificationChoice.objects.create(user=ben, kind="in_queue", in_app=False)
    happened(CaseFactory(owner_queue=queue), "case_opened")

    assert told() == [("ana", "in_queue"), ("ana", "in_queue")]


def test_the_owner_is_told_of_mail_of_a_person(case: Case) -> None:
    customer_wrote(case)
    customer_wrote(case, is_automatic=True)

    assert told() == [("ana", "new_mail")]


def test_the_user_that_automation_runs_as_did_not_write_the_mail(case: Case, ana: User) -> None:
    event = customer_wrote(case)
    CaseEvent.objects.filter(pk=event.pk).update(actor=ana)

    assert told() == [("ana", "new_mail")]


def test_owner_and_author_are_told_of_a_mail_that_came_back(case: Case) -> None:
    happened(case, "bounce_added", email_message=our_mail(case, boss()))

    assert told() == [("ana", "send_failed"), ("boss", "send_failed")]


def test_an_author_who_owns_the_case_is_told_once(case: Case, ana: User) -> None:
    happened(case, "reply_failed", email_message=our_mail(case, ana))

    assert told() == [("ana", "send_failed")]


def test_what_its_author_took_back_is_no_news(case: Case, ana: User) -> None:
    message = our_mail(case, ana)
    happened(case, "reply_taken_back", email_message=message, actor=ana)

    assert told() == []

    happened(case, "reply_taken_back", email_message=message)

    assert told() == [("ana", "send_failed")]


def test_approvers_who_see_the_case_are_asked_and_the_author_hears_the_decision(case: Case, ana: User) -> None:
    lead = boss()
    blind = rep("blind")
    blind.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    message = our_mail(case, ana)
    waits_for_approval(message, by=ana)

    assert told() == [("boss", "approval_asked")]

    happened(case, "reply_approved", email_message=message, actor=lead)

    assert told() == [("ana", "approval_decided"), ("boss", "approval_asked")]


def test_nobody_is_asked_for_an_approval_that_was_given_meanwhile(case: Case, ana: User) -> None:
    boss()
    waits_for_approval(our_mail(case, ana), by=ana)
    Approval.objects.update(state="withdrawn")

    assert told() == []


def test_who_is_mentioned_is_told_once_however_often_the_note_is_edited(case: Case, ana: User) -> None:
    rep("ben")
    rep("kim")
    note = add_note(case=case, author=ana, body="@ben please")

    assert told() == [("ben", "mention")]

    edit_note(note=note, by=ana, body="@ben @kim @ana please look")

    assert told() == [("ben", "mention"), ("kim", "mention")]


def test_a_task_that_is_due_is_its_owners_or_that_of_the_case(case: Case) -> None:
    ben = rep("ben")
    give(case, by=ben, user=case.owner_user)
    CaseEvent.objects.all().delete()
    mine = CaseTask.objects.create(case=case, subject="Call")
    done = CaseTask.objects.create(case=case, subject="Look", completed_at=timezone.now())
    for task in (mine, done):
        happened(case, "task_due", detail={"task": task.pk})

    assert told() == [("ana", "task_due")]


def test_service_levels_tell_the_owner_and_an_escalation_its_queue_alone() -> None:
    ana, ben = rep("ana"), rep("ben")
    before, after = queue_with(ana, name="First"), queue_with(ben, name="Second")
    ServiceLevel.objects.create(name="Gold", resolution_minutes=60, escalate_to_queue=after)
    now = timezone.now()
    CaseFactory(owner_queue=before, created_at=now)
    for minutes in (0, 50, 61):
        keep_clocks(now=now + timedelta(minutes=minutes))
        make_notifications()

    assert told() == [("ana", "service_near"), ("ben", "escalated")]


def test_a_missed_service_level_without_escalation_is_told_to_the_owner(case: Case) -> None:
    happened(case, "service_level_broken", because="Resolution: Gold, due", detail={"clock": 1})

    assert told() == [("ana", "service_missed")]


def test_the_owner_is_told_when_the_customer_is_not_content(case: Case) -> None:
    for rating in ("good", "bad"):
        happened(case, "satisfaction_answered", because=f"{rating}: words", detail={"rating": rating})

    assert told() == [("ana", "not_content")]


@pytest.mark.parametrize("detail", [{}, {"mentions": "ana"}, {"mentions": [None, "1"]}, {"task": None}])
@pytest.mark.parametrize("kind", TOLD_KINDS)
def test_an_event_without_what_it_is_about_tells_nobody_something_wrong(
    case: Case, kind: str, detail: dict[str, Any]
) -> None:
    happened(case, kind, detail=detail)

    make_notifications()

    assert CaseEvent.objects.get().told_at is not None


# Once each
# ------------------------------------------------------------------------------------------------------------
def test_a_second_round_tells_nothing_again(case: Case) -> None:
    customer_wrote(case)

    assert (make_notifications(), make_notifications()) == (1, 0)
    assert Notification.objects.count() == 1


def test_a_process_that_dies_in_the_middle_loses_and_doubles_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark and the notifications are one transaction: what was not marked is told by the next."""
    customer_wrote(case)

    def dies(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("cases.notifications.making.mail_time", dies)
        with pytest.raises(KeyboardInterrupt):
            make_notifications()
    assert not CaseEvent.objects.filter(told_at__isnull=False).exists()

    assert told() == [("ana", "new_mail")]


def test_history_that_was_read_in_is_told_to_nobody(case: Case) -> None:
    event = customer_wrote(case)
    CaseEvent.objects.filter(pk=event.pk).update(at=timezone.now() - OLDEST_TOLD - timedelta(minutes=1))

    assert told() == []
    assert make_notifications() == 0


def test_events_that_concern_nobody_are_not_looked_at(case: Case) -> None:
    happened(case, "tags_changed")

    assert make_notifications() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_sweepers_tell_each_event_once() -> None:
    ana = rep("ana")
    case = CaseFactory(owner_queue=None, owner_user=ana)
    for _ in range(30):
        customer_wrote(case)

    def work() -> None:
        while make_notifications(limit=5):
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    make_notifications()

    assert Notification.objects.count() == 30
    assert not CaseEvent.objects.filter(told_at__isnull=True).exists()


@pytest.mark.parametrize("count", [1, 40])
def test_a_round_costs_the_same_however_much_happened(count: int) -> None:
    queue = queue_with(*(rep(f"rep{number}") for number in range(10)))
    Queue.objects.update(notify_members=True)
    lead = boss()
    for _ in range(count):
        case = CaseFactory(owner_queue=queue)
        customer_wrote(case)
        waits_for_approval(our_mail(case, None), by=None)
        happened(case, "task_due", detail={"task": CaseTask.objects.create(case=case, owner=lead).pk})

    with CaptureQueriesContext(connection) as queries:
        make_notifications()

    # SQLite takes the rows in several INSERT statements, as many as their values need.
    inserts = [query for query in queries if query["sql"].startswith("INSERT")]
    assert len(queries) - len(inserts) <= 14
    assert len(inserts) <= 1 + count // 3
    assert Notification.objects.count() > count * 10


def test_untold_events_are_found_by_their_index() -> None:
    plan = _untold().order_by("pk")[:10].explain()

    assert "case_event_untold" in plan


# Who may see it
# ------------------------------------------------------------------------------------------------------------
def test_who_may_not_see_the_case_is_told_nothing(case: Case) -> None:
    happened(case, "bounce_added", email_message=our_mail(case, rep("former")))

    assert told() == [("ana", "send_failed")]


def test_who_may_see_answers_as_visible_cases_does() -> None:
    """One rule in two forms: each kind of user against each kind of case."""
    queue = QueueFactory()
    plain, member, mentioned, gone = (UserFactory() for _ in range(4))
    root, granted, grouped = UserFactory(superuser=True), UserFactory(), UserFactory()
    view_all = Permission.objects.get(content_type__app_label="cases", codename="view_all_cases")
    granted.user_permissions.add(view_all)
    group = Group.objects.create(name="leads")
    group.permissions.add(view_all)
    grouped.groups.add(group)
    for user in (member, gone):
        QueueMember.objects.create(queue=queue, user=user)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    cases = [
        CaseFactory(owner_queue=queue),
        CaseFactory(owner_queue=QueueFactory()),
        CaseFactory(owner_queue=None, owner_user=plain),
        CaseFactory(owner_queue=None, owner_user=gone),
    ]
    note = CaseComment.objects.create(case=cases[1], body="@you")
    Mention.objects.create(comment=note, case=cases[1], user=mentioned)
    users = list(User.objects.all())

    asked = who_may_see([user.pk for user in users], cases)

    expected = {
        (user.pk, case.pk) for user, case in product(users, cases) if visible_cases(user).filter(pk=case.pk).exists()
    }
    assert asked == expected
    assert {user for user, _case in asked} == {each.pk for each in (plain, member, mentioned, root, granted, grouped)}


def test_nobody_is_concerned_by_nothing() -> None:
    assert concerned_by([]) == []
