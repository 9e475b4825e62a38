"""How PostgreSQL reads the lists among many cases: along indexes, never through the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.list_query import SORTS, ListQuery
from cases.models import Case, Contact
from cases.outbound.guard_facts import _companies
from cases.selectors.lists import count_cases, list_cases, reader_of
from cases.selectors.visible import visible_cases
from tests.factories import CaseFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.get_default_timezone())
CASES = 20_000
VIEWS = (
    *("mine", "queues", "unread", "awaiting", "unassigned", "mentions", "snoozed", "drafts", "approval", "open"),
    "closed",
)


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Made once: what each test adds is rolled back to here, and this after the last of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_people()
        transaction.set_rollback(True)


def make_people() -> dict[str, User]:
    """A rep of two queues out of twenty, and a lead; three cases in four are closed."""
    queues = [QueueFactory() for _number in range(20)]
    rep, lead, other = UserFactory(), UserFactory(), UserFactory()
    lead.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="view_all_cases"))
    for queue in queues[:2]:
        queue.members.add(rep)
    template = CaseFactory(owner_queue=queues[0])
    Case.objects.bulk_create(
        Case(
            subject=f"Case {number}",
            status=template.status,
            record_type=template.record_type,
            priority=("Low", "Medium", "Medium", "High")[number % 4],
            awaiting=("us", "customer")[number % 3 == 0],
            owner_queue=queues[number % 20] if number % 3 else None,
            owner_user=None if number % 3 else (rep, other, other, other)[number % 4],
            supplied_email=f"customer{number % 500}@example.net",
            created_at=NOW - timedelta(minutes=5 * number),
            last_activity_at=NOW - timedelta(minutes=4 * number),
            last_inbound_at=NOW - timedelta(minutes=4 * number),
            next_due_at=NOW + timedelta(minutes=number) if number % 3 else None,
            closed_at=NOW if number % 4 else None,
            snoozed_until=NOW + timedelta(days=1) if number % 400 == 0 else None,
        )
        for number in range(CASES)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"rep": rep, "lead": lead}


def plan_of(read: Any) -> str:
    with CaptureQueriesContext(connection) as captured:
        read()
    if not captured.captured_queries:
        return ""  # nothing can be in it, and Django knows
    (statement,) = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement["sql"].replace("%", "%%"), None)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_ready_made_views_walk_along_indexes(people: Any) -> None:
    whole = {}
    for name, user in people.items():
        reader = reader_of(user)
        for view in VIEWS:
            plan = plan_of(lambda reader=reader, view=view: list_cases(reader, ListQuery(view=view), now=NOW))
            if "Seq Scan on cases_case " in plan:
                whole[name, view] = plan

    assert whole == {}


def test_every_order_of_open_cases_walks_along_an_index(people: Any) -> None:
    """Of all cases. The few open ones of a rep's queues are cheaper to sort than to look up in such an index."""
    whole = {}
    for name, user in [("lead", people["lead"])]:
        reader = reader_of(user)
        for sort in SORTS:
            first = list_cases(reader, ListQuery(view="open", sort=sort), now=NOW)
            for before in ("", first.next):
                query = ListQuery(view="open", sort=sort, before=before)
                plan = plan_of(lambda reader=reader, query=query: list_cases(reader, query, now=NOW))
                if "Seq Scan on cases_case " in plan:
                    whole[name, sort, bool(before)] = plan

    assert whole == {}


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("activity", "case_open"),
        ("opened", "case_by_opening"),
        ("priority", "case_open_by_priority"),
        ("waiting", "case_open_by_waiting"),
        ("due", "case_open_by_due"),
    ],
)
def test_an_order_has_its_index_and_sorts_nothing(people: Any, sort: str, index: str) -> None:
    reader = reader_of(people["lead"])

    plan = plan_of(lambda: list_cases(reader, ListQuery(view="open", sort=sort), now=NOW))

    assert index in plan
    assert "Sort Key: cases_case" not in plan


def test_counts_stop_before_they_have_read_the_table(people: Any) -> None:
    for user in people.values():
        reader = reader_of(user)
        plan = plan_of(lambda reader=reader: count_cases(reader, ListQuery(view="unread"), now=NOW))

        assert "Limit" in plan
        assert "Seq Scan on cases_case " not in plan


@pytest.mark.parametrize("domain", ["example.net", "nobody.example"])
def test_the_cases_of_a_domain_are_looked_up(people: Any, domain: str) -> None:
    """Whether every case is of it or none."""
    reader = reader_of(people["lead"])

    plan = plan_of(lambda: list_cases(reader, ListQuery(view="all", domain=domain), now=NOW))

    assert "Seq Scan on cases_case " not in plan
    assert domain == "example.net" or "case_by_domain" in plan


def test_the_guard_looks_up_whose_a_domain_is(people: Any) -> None:
    Contact.objects.bulk_create(
        Contact(name=f"Customer {number}", email=f"casey@Company{number}.example") for number in range(5000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    domains = {"company7.example", "nobody.example"}
    may_know = Exists(visible_cases(people["lead"]).filter(contact=OuterRef("pk")))
    found: dict[str, str] = {}

    plan = plan_of(lambda: found.update(_companies(domains, may_know)))

    assert list(found) == ["company7.example"]
    assert "contact_domain" in plan
