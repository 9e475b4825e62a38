"""Two people, or a person and a mail, at the same moment. Threads on PostgreSQL, where writers run side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connections

from cases.acting import CannotChange
from cases.bulk import change_cases
from cases.case_fields import set_field
from cases.merging import merge_case
from cases.models import Case, CaseField, EmailMessage, RoutingDecision, Tag
from cases.ownership import take_case
from cases.setup import set_up_instance
from cases.tags import add_tag
from tests.cases.acting.people import case_of, rep
from tests.factories import EmailMessageFactory, ParticipantFactory
from tests.mails import ingest, mint_token, raw_mail

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROUNDS = 15


@pytest.fixture(autouse=True)
def people() -> Any:
    set_up_instance()
    return rep("kim", is_superuser=True), rep("lee", is_superuser=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Each in a thread and a connection of its own. What an action returned, or the refusal it met."""
    barrier = threading.Barrier(len(actions))

    def act(action: Callable[[], Any]) -> Any:
        try:
            barrier.wait(60)
            return action()
        except CannotChange as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions))


def test_of_two_who_take_a_case_at_once_one_gets_it_and_the_other_is_told(people: Any) -> None:
    for _ in range(ROUNDS):
        case = case_of()

        results = at_once(*(partial(take_case, case=case, by=by, expected_version=1) for by in people))

        refused = [result for result in results if isinstance(result, CannotChange)]
        case.refresh_from_db()
        assert len(refused) == 1
        assert case.owner_user in people
        assert RoutingDecision.objects.filter(case=case).count() == 2


def test_two_cases_merged_into_each_other_at_once_make_one_case(people: Any) -> None:
    kim, lee = people
    for _ in range(ROUNDS):
        first, second = case_of(), case_of()
        for case in (first, second):
            EmailMessageFactory(case=case)

        results = at_once(
            lambda a=first, b=second: merge_case(case=a, into=b, by=kim),
            lambda a=first, b=second: merge_case(case=b, into=a, by=lee),
        )

        assert len([result for result in results if isinstance(result, CannotChange)]) == 1
        (target,) = [result for result in results if isinstance(result, Case)]
        assert EmailMessage.objects.filter(case=target).count() == 2
        assert Case.objects.filter(pk__in=[first.pk, second.pk], merged_into__isnull=False).count() == 1


def test_a_ring_of_merges_at_once_blocks_nobody_and_closes_no_ring(people: Any) -> None:
    kim, _lee = people
    for _ in range(ROUNDS):
        cases = [case_of() for _ in range(3)]

        at_once(*(partial(merge_case, case=cases[n], into=cases[(n + 1) % 3], by=kim) for n in range(3)))

        stored = {case.pk: Case.objects.get(pk=case.pk) for case in cases}
        assert any(case.merged_into_id is None for case in stored.values())


def test_a_mail_that_comes_while_its_case_is_merged_is_never_left_behind(people: Any) -> None:
    kim, _lee = people
    for _ in range(ROUNDS):
        case, target = case_of(), case_of()
        ParticipantFactory(case=case)
        raw = raw_mail(subject=mint_token(case.pk))

        at_once(
            lambda a=case, b=target: merge_case(case=a, into=b, by=kim),
            lambda raw=raw: ingest(raw),
        )

        assert not EmailMessage.objects.filter(case=case).exists()
        assert EmailMessage.objects.filter(case=target).count() == 1


def test_two_fields_saved_at_once_are_both_kept(people: Any) -> None:
    kim, lee = people
    for slug in ("a", "b"):
        CaseField.objects.create(slug=slug, label=slug)
    for _ in range(ROUNDS):
        case = case_of()

        at_once(
            lambda case=case: set_field(case=case, slug="a", text="1", by=kim),
            lambda case=case: set_field(case=case, slug="b", text="2", by=lee),
        )

        case.refresh_from_db()
        assert case.custom_fields == {"a": "1", "b": "2"}


def test_one_new_tag_written_by_two_at_once_is_one_tag(people: Any) -> None:
    kim, lee = people
    for number in range(ROUNDS):
        first, second = case_of(), case_of()

        results = at_once(
            lambda case=first, number=number: add_tag(case=case, name=f"Tag {number}", by=kim),
            lambda case=second, number=number: add_tag(case=case, name=f"tAG {number}", by=lee),
        )

        assert not [result for result in results if isinstance(result, CannotChange)]
        assert Tag.objects.filter(name__iexact=f"tag {number}").count() == 1


def test_bulk_while_mail_arrives_loses_neither(people: Any) -> None:
    kim, _lee = people
    cases = [case_of() for _ in range(20)]
    for case in cases:
        ParticipantFactory(case=case)
    mails = [raw_mail(subject=mint_token(case.pk)) for case in cases]

    results = at_once(
        lambda: change_cases(numbers=[case.number for case in cases], action="close", value="", by=kim),
        lambda: [ingest(raw) for raw in mails],
    )

    assert len(results[0].changed) == len(cases)
    assert EmailMessage.objects.filter(case__in=cases).count() == len(cases)
    # A mail that came first was closed with its case; one that came after reopened it.
    for case in Case.objects.filter(pk__in=[case.pk for case in cases]):
        assert case.is_closed == case.status.is_closed
