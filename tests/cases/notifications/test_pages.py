"""The bell's number, the list and the choices: one's own alone, in few statements, and a GET changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from cases.comments import add_note
from cases.models import Case, Notification, NotificationChoice
from cases.notifications.making import make_notifications
from cases.notifications.reading import COUNTED_TO, PER_PAGE, count_unread, forget_old, note_what_was_seen
from cases.sweeping import all_jobs
from cases.visits import mark_seen
from tests.cases.notifications.told import customer_wrote, happened
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory, UserFactory

LIST, READ, UNREAD = "/cases/notifications/", "/cases/notifications/read/", "/cases/notifications/unread/"
CHOICES = "/cases/notifications/settings/"


@pytest.fixture
def page(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


def tell(case: Case, count: int = 1) -> list[Notification]:
    for _ in range(count):
        customer_wrote(case)
    while make_notifications():
        pass
    return list(Notification.objects.order_by("pk"))


def test_the_list_leads_to_the_place_in_the_case(page: Client, case: Case, ana: User) -> None:
    event = customer_wrote(case)
    note = add_note(case=case, author=rep("ben", is_superuser=True, first_name="Ben", last_name="B"), body="@ana")
    make_notifications()

    shown = page.get(LIST).content.decode()

    assert f'href="/cases/{case.number_text}/#message-{event.email_message_id}"' in shown
    assert f'href="/cases/{case.number_text}/#note-{note.pk}"' in shown
    assert "Ben B mentioned you in a note" in shown
    assert shown.index("Ben B mentioned you") < shown.index("New email on your case")


def test_words_of_strangers_are_text(page: Client, ana: User) -> None:
    tell(CaseFactory(owner_queue=None, owner_user=ana, subject="<script>alert(1)</script>"))

    assert "<script>alert" not in page.get(LIST).content.decode()


@pytest.mark.parametrize("count", [0, 1, PER_PAGE + 5])
@pytest.mark.parametrize("path", [LIST, f"{LIST}?unread=1", CHOICES, UNREAD, "/cases/counts/"])
def test_each_page_costs_at_most_eight_statements(
    page: Client, case: Case, path: str, count: int, django_assert_max_num_queries: Any
) -> None:
    tell(case, count)

    with django_assert_max_num_queries(8):
        assert page.get(path).status_code == 200


def test_older_ones_are_on_the_next_page(page: Client, case: Case) -> None:
    rows = tell(case, PER_PAGE + 5)

    first = page.get(LIST)
    second = page.get(f"{LIST}?before={first.context['before']}")

    keys = [each.notification.pk for each in (*first.context["shown"], *second.context["shown"])]
    assert keys == [row.pk for row in reversed(rows)]
    assert second.context["before"] is None


def test_the_bell_counts_what_is_unread_up_to_a_limit(page: Client, case: Case) -> None:
    assert page.get(UNREAD).content.decode() == ""

    tell(case, 3)
    assert page.get(UNREAD).content.decode().startswith("3<")

    tell(case, COUNTED_TO)
    assert page.get(UNREAD).content.decode().startswith("99+<")
    assert 'id="bell-count" hx-swap-oob="innerHTML">99+' in page.get("/cases/counts/").content.decode()


def test_one_is_marked_read_and_then_all(page: Client, case: Case, ana: User) -> None:
    first, _second, third = tell(case, 3)

    assert page.post(READ, {"id": first.pk}).headers["Location"] == LIST
    assert count_unread(ana) == 2

    fourth = tell(case)[-1]
    assert page.post(READ, {"up_to": third.pk, "unread": "1"}).headers["Location"] == f"{LIST}?unread=1"
    assert list(Notification.objects.filter(read_at__isnull=True)) == [fourth]


def test_those_of_others_stay_unread(page: Client, case: Case) -> None:
    [row] = tell(case)
    Notification.objects.update(user=UserFactory())

    page.post(READ, {"id": row.pk})
    page.post(READ, {"up_to": row.pk})

    assert Notification.objects.get().read_at is None


@pytest.mark.parametrize("typed", [{}, {"id": "x"}, {"id": "9" * 30}, {"up_to": "-1"}])
def test_nonsense_marks_nothing(page: Client, case: Case, typed: dict[str, str]) -> None:
    tell(case)

    assert page.post(READ, typed).status_code == 302
    assert Notification.objects.get().read_at is None


def test_a_look_at_the_case_reads_what_happened_there_until_then(page: Client, case: Case, ana: User) -> None:
    tell(case)

    page.get(f"/cases/{case.number}/", headers={"X-Prefetch": "1"})
    assert count_unread(ana) == 1

    page.get(f"/cases/{case.number}/")
    assert count_unread(ana) == 0
    assert "is-unread" not in page.get(LIST).content.decode()

    tell(case)
    assert count_unread(ana) == 1
    assert page.get(LIST).content.decode().count("is-unread") == 1


def test_the_look_of_a_colleague_reads_nothing(case: Case, ana: User) -> None:
    tell(case)
    mark_seen(rep("ben"), case, timezone.now() + timedelta(hours=1))

    assert count_unread(ana) == 1
    assert note_what_was_seen() == 0


def test_what_was_seen_is_noted_by_the_sweeper(case: Case, ana: User) -> None:
    tell(case)
    mark_seen(ana, case, timezone.now())

    assert note_what_was_seen() == 1
    assert Notification.objects.get().read_at is not None


def test_a_case_that_was_lost_takes_its_notifications_with_it(page: Client, case: Case, ana: User) -> None:
    tell(case)
    Case.objects.filter(pk=case.pk).write_owner(owner_user=rep("ben"))

    assert count_unread(ana) == 0
    assert "Broken lamp" not in page.get(LIST).content.decode()


def test_what_is_wanted_by_mail_alone_is_not_in_the_list(page: Client, case: Case, ana: User) -> None:
    NotificationChoice.objects.create(user=ana, kind="new_mail", in_app=False, mail="daily")
    tell(case)

    assert count_unread(ana) == 0
    assert page.get(LIST).context["shown"] == []


def test_choices_are_kept_and_nonsense_is_not(page: Client, ana: User) -> None:
    typed = {"mention-in-app": "on", "mention-mail": "daily", "new_mail-mail": "never", "other-mail": "off"}

    response = page.post(CHOICES, typed)

    assert response.headers["Location"] == CHOICES
    [choice] = NotificationChoice.objects.all()
    assert (choice.user, choice.kind, choice.in_app, choice.mail) == (ana, "mention", True, "daily")
    assert '<option value="daily" selected>' in page.get(CHOICES).content.decode()


def test_the_list_says_what_to_expect_while_it_is_empty(page: Client) -> None:
    assert "Nothing yet." in page.get(LIST).content.decode()
    assert "You have read everything." in page.get(f"{LIST}?unread=1").content.decode()


def test_old_ones_are_forgotten_read_or_not(case: Case, settings: Any) -> None:
    settings.E2C_NOTIFICATION_DAYS = 30
    old, new = tell(case, 2)
    Notification.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=31))

    assert forget_old() == 1
    assert list(Notification.objects.all()) == [new]


def test_the_sweeper_tells(case: Case, ana: User) -> None:
    happened(case, "service_level_near", because="Resolution: Gold, due soon")
    [job] = [job for job in all_jobs() if job.name == "tell people"]

    job.run()

    assert count_unread(ana) == 1
