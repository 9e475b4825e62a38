"""Owners: one writer, one initial decision, nobody assigns twice."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from cases.assignment import AlreadyRouted, CaseChangedMeanwhile, OwnerWrittenElsewhere, assign
from cases.models import Case, CaseEvent, RoutingDecision
from routing.owners import NoOwner, OwnerChoice, choose_owner
from tests.factories import CaseFactory, EmailToCaseSettingsFactory, QueueFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_assigning_writes_owner_decision_and_event() -> None:
    case, user = CaseFactory(), UserFactory(username="kim")

    assign(
        case=case,
        owner=OwnerChoice(user, None, "took the case"),
        kind=RoutingDecision.Kind.MANUAL,
        expected_version=1,
        decided_by=user,
    )

    case.refresh_from_db()
    assert (case.owner_user, case.owner_queue, case.routing_version) == (user, None, 2)
    assert list(case.decisions.values_list("kind", "because")) == [("initial", "test"), ("manual", "took the case")]
    assert CaseEvent.objects.get(case=case).because == "kim: took the case"


def test_a_case_is_routed_initially_only_once() -> None:
    case = CaseFactory()

    with pytest.raises(AlreadyRouted):
        assign(
            case=case,
            owner=OwnerChoice(None, QueueFactory(), "again"),
            kind=RoutingDecision.Kind.INITIAL,
            expected_version=1,
        )

    assert case.decisions.count() == 1


def test_the_database_refuses_a_second_initial_decision() -> None:
    case = CaseFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        RoutingDecision.objects.create(case=case, kind="initial", owner_queue=QueueFactory(), because="race")


def test_of_two_who_assign_on_the_same_knowledge_the_second_is_refused() -> None:
    case, first, second = CaseFactory(), UserFactory(), UserFactory()
    assign(case=case, owner=OwnerChoice(first, None, "a"), kind=RoutingDecision.Kind.MANUAL, expected_version=1)

    with pytest.raises(CaseChangedMeanwhile):
        assign(case=case, owner=OwnerChoice(second, None, "b"), kind=RoutingDecision.Kind.MANUAL, expected_version=1)

    case.refresh_from_db()
    assert case.owner_user == first


def test_saving_a_case_with_another_owner_fails() -> None:
    case = Case.objects.get(pk=CaseFactory().pk)
    case.owner_queue = QueueFactory()

    with pytest.raises(OwnerWrittenElsewhere):
        case.save()


def test_updating_owners_by_query_fails() -> None:
    CaseFactory()

    with pytest.raises(OwnerWrittenElsewhere):
        Case.objects.update(owner_queue=QueueFactory())


def test_the_database_refuses_a_case_with_two_owners_or_none() -> None:
    for owners in (
        {"owner_user": None, "owner_queue": None},
        {"owner_user": UserFactory(), "owner_queue": QueueFactory()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            CaseFactory(**owners)


class TestChoice:
    def test_an_address_without_an_owner_falls_back_to_the_default(self) -> None:
        settings_row = EmailToCaseSettingsFactory()
        address = RoutingAddressFactory(owner_queue=None, email_address="support@company.example")

        choice = choose_owner(address, settings_row)

        assert choice.queue == settings_row.default_case_owner_queue
        assert choice.because == "default case owner, because support@company.example names no case owner"

    def test_without_any_owner_the_sentence_says_what_to_do(self) -> None:
        settings_row = EmailToCaseSettingsFactory(default_case_owner_queue=None)

        with pytest.raises(NoOwner, match=r"manage\.py setup"):
            choose_owner(None, settings_row)


def test_saving_a_case_that_was_read_before_somebody_took_it_does_not_give_it_back() -> None:
    case, user = CaseFactory(), UserFactory()
    stale = Case.objects.get(pk=case.pk)
    assign(case=case, owner=OwnerChoice(user, None, "took"), kind=RoutingDecision.Kind.MANUAL, expected_version=1)

    stale.subject = "Another subject"
    stale.save()

    case.refresh_from_db()
    assert (case.owner_user, case.routing_version, case.subject) == (user, 2, "Another subject")
