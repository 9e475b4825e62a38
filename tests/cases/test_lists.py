"""The list of cases: what each view and filter shows, to whom, in pages that follow each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.blobs import put_many
from cases.list_query import SORTS, VIEWS, ListQuery
from cases.models import Approval, Attachment, Case, CaseComment, CaseStatus, Draft, EmailMessage, Mention, Outbox, Tag
from cases.selectors.list_rows import tags_of
from cases.selectors.lists import COUNTED_TO, count_newer, list_cases, reader_of
from cases.visits import mark_seen
from tests.factories import (
    CaseFactory,
    EmailMessageFactory,
    QueueFactory,
    RecordTypeFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.get_default_timezone())


@pytest.fixture
def queue() -> Any:
    return QueueFactory()


@pytest.fixture
def rep(queue: Any) -> Any:
    user = UserFactory()
    queue.members.add(user)
    return user


def lead() -> Any:
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="view_all_cases"))
    return user


def listed(user: Any, query: str = "", **options: Any) -> list[Case]:
    asked = ListQuery.read(dict(QueryDict(query).lists()))
    return list_cases(reader_of(user), asked, now=NOW, **options).cases


def mention(case: Case, user: Any) -> None:
    note = CaseComment.objects.create(case=case, body="@you please look")
    Mention.objects.create(comment=note, case=case, user=user)


def draft(case: Case, author: Any) -> Draft:
    return Draft.objects.create(case=case, author=author, key=f"{case.pk}-{author.pk}")


# --- whose cases ---


def test_a_reader_is_one_statement(django_assert_num_queries: Any, queue: Any, rep: Any) -> None:
    with django_assert_num_queries(1):
        reader = reader_of(rep)

    assert (reader.queues, reader.views_all) == ((queue.pk,), False)
    assert reader_of(lead()).views_all
    assert reader_of(UserFactory(superuser=True)).views_all


def test_an_inactive_user_lists_nothing(rep: Any, queue: Any) -> None:
    CaseFactory(owner_queue=queue)
    CaseFactory(owner_user=rep, owner_queue=None)
    rep.is_active = False

    assert reader_of(rep).queues == ()


def test_ready_made_views_show_the_cases_they_name(rep: Any, queue: Any) -> None:
    mine = CaseFactory(owner_user=rep, owner_queue=None)
    ours = CaseFactory(owner_queue=queue)
    theirs = CaseFactory()
    closed = CaseFactory(closed=True, owner_queue=queue)
    mentioned = CaseFactory(owner_user=UserFactory(), owner_queue=None)
    mention(mentioned, rep)

    assert listed(rep, "view=mine") == [mine]
    assert listed(rep, "view=queues") == [ours]
    assert listed(rep, "view=unassigned") == [ours]
    assert listed(rep, "view=mentions") == [mentioned]
    assert listed(rep, "view=closed") == [closed]
    assert set(listed(rep, "view=open")) == {mine, ours, mentioned}
    assert set(listed(rep, "view=all")) == {mine, ours, mentioned, closed}
    assert set(listed(lead(), "view=open")) == {mine, ours, theirs, mentioned}
    assert set(listed(lead(), "view=unassigned")) == {ours, theirs}


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_shows_a_case_of_others(rep: Any, view: str) -> None:
    """Whatever else is true of it: everything that could put it into a view is."""
    others = UserFactory()
    CaseFactory(owner_user=others, owner_queue=None, last_inbound_at=NOW)
    for state in ({}, {"closed": True}, {"snoozed_until": NOW + timedelta(days=1)}):
        case = CaseFactory(last_inbound_at=NOW, **state)
        draft(case, rep)
        draft(case, others)
        mention(case, others)
        waiting_mail(case)

    assert listed(rep, f"view={view}") == []
    assert listed(rep, f"view={view}&owner=user:{others.pk}") == []


def waiting_mail(case: Case) -> None:
    outbox = Outbox.objects.create(key=f"o{case.pk}", kind="reply", case=case, recipient="casey@example.net")
    Approval.objects.create(outbox=outbox, case=case, required_because="record type")


def test_a_queue_of_others_is_empty_for_a_rep_and_open_to_a_lead(rep: Any) -> None:
    case = CaseFactory()

    assert listed(rep, f"view=queues&queue={case.owner_queue_id}") == []
    assert listed(lead(), f"view=queues&queue={case.owner_queue_id}") == [case]


def test_merged_cases_are_in_no_list(rep: Any, queue: Any) -> None:
    target = CaseFactory(owner_queue=queue)
    CaseFactory(owner_queue=queue, closed=True, merged_into=target)

    assert listed(rep, "view=all") == [target]


# --- unread, snoozed, drafts, approval ---


def test_unread_is_what_came_after_the_last_visit(rep: Any, queue: Any) -> None:
    never = CaseFactory(owner_queue=queue, last_inbound_at=NOW - timedelta(days=9))
    seen = CaseFactory(owner_queue=queue, last_inbound_at=NOW - timedelta(hours=2))
    again = CaseFactory(owner_queue=queue, last_inbound_at=NOW - timedelta(minutes=1))
    CaseFactory(owner_queue=queue, last_inbound_at=None)  # nobody wrote to us
    mark_seen(rep, seen, NOW - timedelta(hours=1))
    mark_seen(rep, again, NOW - timedelta(hours=1))
    mark_seen(UserFactory(), never, NOW)

    assert set(listed(rep, "view=unread")) == {never, again}
    assert set(listed(rep, "view=open&unread=1")) == {never, again}
    assert {case: case.is_unread for case in listed(rep, "view=open")}[seen] is False


def test_a_visit_is_one_statement_and_keeps_who_is_replying(django_assert_num_queries: Any, rep: Any) -> None:
    case = CaseFactory()
    mark_seen(rep, case, NOW)
    case.visits.update(replying_at=NOW)

    with django_assert_num_queries(1):
        mark_seen(rep, case, NOW + timedelta(hours=1))

    (visit,) = case.visits.all()
    assert (visit.seen_at, visit.replying_at) == (NOW + timedelta(hours=1), NOW)


@pytest.mark.parametrize("view", ["mine", "queues", "unread", "awaiting", "unassigned", "open"])
def test_a_snoozed_case_is_away_until_it_is_due(rep: Any, queue: Any, view: str) -> None:
    owner = {"owner_user": rep, "owner_queue": None} if view == "mine" else {"owner_queue": queue}
    CaseFactory(snoozed_until=NOW + timedelta(seconds=1), last_inbound_at=NOW, **owner)
    due = CaseFactory(snoozed_until=NOW, last_inbound_at=NOW, **owner)

    assert listed(rep, f"view={view}") == [due]


def test_snoozed_cases_have_a_view_of_their_own(rep: Any, queue: Any) -> None:
    snoozed = CaseFactory(owner_queue=queue, snoozed_until=NOW + timedelta(days=1))
    CaseFactory(owner_queue=queue, snoozed_until=NOW - timedelta(days=1))
    CaseFactory(owner_queue=queue, snoozed_until=NOW + timedelta(days=1), closed=True)

    assert listed(rep, "view=snoozed") == [snoozed]


def test_drafts_are_the_readers_own(rep: Any, queue: Any) -> None:
    with_mine, with_anothers = CaseFactory.create_batch(2, owner_queue=queue)
    draft(with_mine, rep)
    draft(with_anothers, UserFactory())

    assert listed(rep, "view=drafts") == [with_mine]
    assert {case: case.has_draft for case in listed(rep, "view=open")} == {with_mine: True, with_anothers: False}


def test_mail_that_waits_for_approval_has_a_view(rep: Any, queue: Any) -> None:
    waiting, decided = CaseFactory.create_batch(2, owner_queue=queue)
    waiting_mail(waiting)
    waiting_mail(decided)
    Approval.objects.filter(case=decided).update(state="approved")

    assert listed(rep, "view=approval") == [waiting]


# --- filters ---


def test_each_filter_narrows(rep: Any, queue: Any) -> None:
    address = RoutingAddressFactory()
    status = CaseStatus.objects.create(label="In progress")
    other_type = RecordTypeFactory(name="Billing")
    usual = CaseFactory(owner_queue=queue, created_at=NOW - timedelta(days=10), awaiting="customer")
    odd = CaseFactory(
        owner_user=rep,
        owner_queue=None,
        status=status,
        priority="High",
        record_type=other_type,
        routing_address=address,
        supplied_email="ann@Shop.example",
        created_at=NOW - timedelta(days=1),
    )
    odd.tags.add(Tag.objects.create(name="VIP"), Tag.objects.create(name="late"))
    (blob,) = put_many([b"x"]).values()
    Attachment.objects.create(
        email_message=EmailMessageFactory(case=odd), blob=blob, position=0, file_name="a", content_type="x/y"
    )
    queries = [
        f"status={status.pk}",
        "priority=High",
        "owner=me",
        f"owner=user:{rep.pk}",
        f"type={other_type.pk}",
        f"address={address.pk}",
        "tag=vip",
        "tag=vip&tag=LATE",
        "awaiting=us",
        "opened_from=2026-11-19",
        "active_from=2026-11-19",
        "files=1",
        "domain=shop.example",
        "priority=High&domain=@shop.example&tag=vip&awaiting=us",
    ]

    assert {query: listed(rep, f"view=open&{query}") for query in queries} == {query: [odd] for query in queries}
    assert listed(rep, f"view=open&owner=queue:{queue.pk}") == [usual]
    assert listed(rep, "view=open&opened_to=2026-11-10&active_to=2026-11-10") == [usual]
    assert listed(rep, "view=open&tag=vip&tag=missing") == []
    assert listed(rep, "view=open&domain=op.example") == []


def test_the_last_day_of_a_range_is_in_it(rep: Any, queue: Any) -> None:
    late = CaseFactory(owner_queue=queue, created_at=NOW.replace(hour=23, minute=59))

    assert listed(rep, "view=open&opened_from=2026-11-20&opened_to=2026-11-20") == [late]
    assert listed(rep, "view=open&opened_to=2026-11-19") == []


# --- orders and pages ---


def many_cases(queues: list[Any], rep: Any) -> list[Case]:
    """With ties in every key, and what no key can tell apart but the case's own."""
    cases = []
    for number in range(31):
        owner = {"owner_user": rep, "owner_queue": None} if number % 5 == 0 else {"owner_queue": queues[number % 3]}
        cases.append(
            CaseFactory(
                created_at=NOW - timedelta(hours=number // 3),
                last_activity_at=NOW - timedelta(minutes=number // 4),
                last_inbound_at=None if number % 7 == 0 else NOW - timedelta(hours=number // 6),
                priority=("Low", "High", "Medium")[number % 3],
                awaiting=("us", "customer")[number % 2],
                # Two are due at the same moment, some have no clock.
                next_due_at=NOW + timedelta(hours=number // 2 - 3) if number % 3 else None,
                **owner,
            )
        )
    return cases


RANKS = {"High": 0, "Medium": 1, "Low": 2}
ORDERS: dict[str, Any] = {
    "activity": lambda case: (-case.last_activity_at.timestamp(), -case.pk),
    "opened": lambda case: (-case.created_at.timestamp(), -case.pk),
    "priority": lambda case: (RANKS[case.priority], -case.last_activity_at.timestamp(), -case.pk),
    "waiting": lambda case: (case.awaiting != "us", case.last_inbound_at or case.created_at, case.pk),
    "due": lambda case: (
        case.next_due_at is None,
        case.next_due_at or NOW,
        -case.last_activity_at.timestamp(),
        -case.pk,
    ),
}


@pytest.mark.parametrize("sees", ["part", "all"])
@pytest.mark.parametrize("sort", SORTS)
def test_pages_give_each_case_once_in_order_while_others_come_and_go(sort: str, sees: str) -> None:
    queues = [QueueFactory() for _number in range(3)]
    rep = lead() if sees == "all" else UserFactory()
    for each in queues:
        each.members.add(rep)
    cases = many_cases(queues, rep)

    seen: list[Case] = []
    before = ""
    for page_number in range(20):
        page = list_cases(reader_of(rep), ListQuery(view="open", sort=sort, before=before), now=NOW, size=4)
        seen += page.cases
        if not page.next:
            break
        before = page.next
        # New mail, and a case that was shown already is closed: neither moves what is still to come.
        CaseFactory(owner_queue=queues[0], created_at=NOW + timedelta(hours=page_number), priority="High")
        Case.objects.filter(pk=page.cases[0].pk).update(closed_at=NOW)

    shown_before = [case for case in seen if case in cases]
    assert shown_before == sorted(cases, key=ORDERS[sort])
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("word", ["x", "%%%", "A" * 300, "W10", "WyJhY3Rpdml0eSJd", "bnVsbA", "eyJhIjoxfQ"])
@pytest.mark.parametrize("sort", SORTS)
def test_a_word_that_is_no_cursor_starts_at_the_top(rep: Any, queue: Any, word: str, sort: str) -> None:
    case = CaseFactory(owner_queue=queue)

    assert listed(rep, f"view=open&sort={sort}&before={word}") == [case]


def test_a_cursor_of_another_order_starts_at_the_top(rep: Any, queue: Any) -> None:
    CaseFactory.create_batch(3, owner_queue=queue)
    page = list_cases(reader_of(rep), ListQuery(view="open"), now=NOW, size=1)

    assert len(listed(rep, f"view=open&sort=opened&before={page.next}")) == 3
    assert len(listed(rep, f"view=open&before={page.next}")) == 2


# --- what a page costs and shows ---


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_list_is_one_statement_without_offset_count_or_bodies(rep: Any, queue: Any, view: str, sort: str) -> None:
    for case in CaseFactory.create_batch(6, owner_queue=queue):
        EmailMessageFactory(case=case, snippet="Hello")
        case.tags.add(*(Tag.objects.get_or_create(name=name)[0] for name in ("b", "a")))
    reader = reader_of(rep)

    with CaptureQueriesContext(connection) as captured:
        page = list_cases(reader, ListQuery(view=view, sort=sort, unread=True, tag=("a",)), now=NOW, size=3)
        shown = [(case.status.label, case.owner_queue, tags_of(case)) for case in page.cases]

    assert all(tags == ["a", "b"] for _label, _queue, tags in shown)
    (statement,) = captured.captured_queries
    for word in ("OFFSET", "COUNT(", "html_body", "text_body", "reply_text", '"description"'):
        assert word not in statement["sql"]


def test_a_row_says_what_was_written_last_but_no_draft(rep: Any, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(case=case, snippet="from them", received_at=NOW - timedelta(hours=2))
    EmailMessageFactory(case=case, outgoing=True, snippet="from us", received_at=NOW - timedelta(hours=1))
    EmailMessageFactory(case=case, outgoing=True, status=EmailMessage.Status.DRAFT, snippet="half", received_at=NOW)

    (row,) = listed(rep, "view=open")

    assert (row.last_snippet, row.last_incoming) == ("from us", False)


@pytest.mark.parametrize(("state", "expected"), [("failed", True), ("uncertain", True), ("sent", False)])
def test_a_row_says_that_an_answer_did_not_leave(rep: Any, queue: Any, state: str, expected: bool) -> None:
    case = CaseFactory(owner_queue=queue)
    Outbox.objects.create(key="a", kind="reply", case=case, recipient="casey@example.net", state=state)
    Outbox.objects.create(key="b", kind="notice", case=case, recipient="rep@company.example", state="failed")

    assert listed(rep, "view=open")[0].has_failed_mail is expected


def test_what_moved_since_is_counted_up_to_a_limit(rep: Any, queue: Any, django_assert_num_queries: Any) -> None:
    template = CaseFactory(owner_queue=queue, created_at=NOW)
    CaseFactory(owner_queue=queue, created_at=NOW - timedelta(hours=1))
    CaseFactory(created_at=NOW + timedelta(hours=1))  # of others
    reader = reader_of(rep)
    since = NOW - timedelta(minutes=1)

    with django_assert_num_queries(1):
        assert count_newer(reader, ListQuery(view="open"), since=since, now=NOW) == 1
    assert count_newer(reader, ListQuery(view="open"), since=NOW, now=NOW) == 0

    Case.objects.bulk_create(
        Case(
            subject="x",
            status=template.status,
            record_type=template.record_type,
            owner_queue=queue,
            created_at=NOW,
            last_activity_at=NOW,
        )
        for _number in range(COUNTED_TO + 20)
    )
    assert count_newer(reader, ListQuery(view="open"), since=since, now=NOW) == COUNTED_TO


def test_cases_of_who_left_are_found_by_their_owner_and_given_to_nobody_like_that(client: Any, rep: Any) -> None:
    former = UserFactory(first_name="Former", last_name="Colleague", is_active=False)
    UserFactory(first_name="Idle", last_name="Colleague", is_active=False)
    left = CaseFactory(owner_queue=None, owner_user=former)
    boss = lead()
    client.force_login(boss)

    asked = client.get("/cases/filters/?view=open").content.decode()

    assert '<optgroup label="Not active any more"><option value="user:' in asked
    assert f'<option value="user:{former.pk}">Former Colleague</option>' in asked
    assert "Idle Colleague" not in asked
    assert listed(boss, f"view=open&owner=user:{former.pk}") == [left]
    assert "Former Colleague" not in client.get("/cases/bulk/choices/").content.decode()
    client.force_login(rep)
    assert "Former Colleague" not in client.get("/cases/filters/?view=open").content.decode()
