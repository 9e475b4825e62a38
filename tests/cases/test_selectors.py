"""Who sees which case, and what a page of cases costs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.utils import timezone

from cases.models import Case, CaseComment, Mention
from cases.selectors.conversation import find_visible_case, messages_of
from cases.selectors.cursor import Cursor
from cases.selectors.lists import COUNTED_TO, queues_of, reader_of
from cases.selectors.navigation import own_work
from cases.selectors.visible import may_view_all_cases, visible_cases
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, 12, tzinfo=timezone.get_default_timezone())


def view_all() -> Permission:
    return Permission.objects.get(content_type__app_label="cases", codename="view_all_cases")


def rep_in(*queues: Any) -> Any:
    user = UserFactory()
    for queue in queues:
        queue.members.add(user)
    return user


def test_a_rep_sees_own_cases_and_those_of_their_queues_only() -> None:
    queue = QueueFactory()
    rep = rep_in(queue)
    own = CaseFactory(owner_user=rep, owner_queue=None)
    of_queue = CaseFactory(owner_queue=queue)
    CaseFactory()
    CaseFactory(owner_user=UserFactory(), owner_queue=None)

    assert set(visible_cases(rep)) == {own, of_queue}


def test_who_is_mentioned_in_a_note_sees_the_case() -> None:
    case, rep = CaseFactory(), UserFactory()
    note = CaseComment.objects.create(case=case, author=UserFactory(), body="@rep please look")
    Mention.objects.create(comment=note, case=case, user=rep)

    assert list(visible_cases(rep)) == [case]
    assert find_visible_case(rep, case.number) == case
    rep.is_active = False
    assert not visible_cases(rep).exists()


def test_nobody_else_sees_any_case() -> None:
    case = CaseFactory()

    assert not visible_cases(UserFactory()).exists()
    assert not visible_cases(AnonymousUser()).exists()
    assert find_visible_case(UserFactory(), case.number) is None


def test_an_inactive_user_sees_nothing_even_of_their_own() -> None:
    queue = QueueFactory()
    rep = rep_in(queue)
    CaseFactory(owner_queue=queue)
    CaseFactory(owner_user=rep, owner_queue=None)
    rep.is_active = False

    assert not visible_cases(rep).exists()
    assert not may_view_all_cases(rep)


@pytest.mark.parametrize("by", ["user", "group"])
def test_the_permission_to_view_all_cases_shows_all(by: str) -> None:
    user, case = UserFactory(), CaseFactory()
    if by == "user":
        user.user_permissions.add(view_all())
    else:
        group = Group.objects.create(name="leads")
        group.permissions.add(view_all())
        user.groups.add(group)

    assert list(visible_cases(user)) == [case]
    assert may_view_all_cases(user)
    assert user.has_perm("cases.view_all_cases")


def test_a_superuser_sees_all() -> None:
    case = CaseFactory()

    assert list(visible_cases(UserFactory(superuser=True))) == [case]


def test_visible_cases_is_one_statement(django_assert_num_queries: Any) -> None:
    rep = UserFactory()
    CaseFactory(owner_user=rep, owner_queue=None)

    with django_assert_num_queries(1):
        assert visible_cases(rep).count() == 1


@pytest.mark.parametrize("number", [0, 1000, 2**63, 10**12])
def test_numbers_that_no_case_can_have_find_nothing(number: int) -> None:
    CaseFactory()

    assert find_visible_case(UserFactory(superuser=True), number) is None


@pytest.mark.parametrize("word", ["", "x", "%%%", "A" * 500, "MjAyNi0xMS0wMQ", "MjAyNi0xMS0wMVQxMjowMDowMCArMA"])
def test_a_word_that_is_no_cursor_starts_at_the_top(word: str) -> None:
    assert Cursor.read(word) is None


def test_counts_stop_at_their_limit() -> None:
    queue = QueueFactory()
    rep = rep_in(queue)
    template = CaseFactory(owner_user=rep, owner_queue=None)
    Case.objects.bulk_create(
        Case(
            subject="x",
            status=template.status,
            record_type=template.record_type,
            owner_queue=queue,
            created_at=START,
            last_activity_at=START,
        )
        for _number in range(COUNTED_TO + 20)
    )

    assert [each.open_count for each in queues_of(rep)] == [COUNTED_TO]
    assert own_work(reader_of(rep)).open_cases == 1


def test_messages_come_oldest_first_in_pages_from_the_newest() -> None:
    case = CaseFactory()
    messages = [
        EmailMessageFactory(case=case, received_at=START + timedelta(minutes=number // 2)) for number in range(7)
    ]
    EmailMessageFactory()

    newest = messages_of(case, size=3)
    assert newest.earlier is not None
    before = messages_of(case, size=3, before=Cursor.read(str(newest.earlier)))

    assert list(newest.messages) == messages[4:]
    assert list(before.messages) == messages[1:4]


@pytest.mark.parametrize("count", [1, 40])
def test_messages_cost_three_statements_whatever_their_number(count: int, django_assert_num_queries: Any) -> None:
    case = CaseFactory()
    for _number in range(count):
        EmailMessageFactory(case=case, html_body="<p>x</p>" * 1000)

    with django_assert_num_queries(3):
        page = messages_of(case)
        shown = [(list(each.addresses.all()), list(each.attachments.all()), each.snippet) for each in page.messages]

    assert len(shown) == count


def test_bodies_of_mails_stay_in_the_database() -> None:
    case = CaseFactory()
    EmailMessageFactory(case=case, text_body="x" * 100_000, reply_text="y", html_body="<p>z</p>")

    (message,) = messages_of(case).messages

    assert {"text_body", "html_body", "reply_text", "headers"} <= message.get_deferred_fields()
    assert len(message.text_start) == 30_001  # type: ignore[attr-defined]
    assert message.has_html  # type: ignore[attr-defined]
