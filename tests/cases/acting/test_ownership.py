"""Take and assign: only to people who may work on cases, never over a colleague's head."""

from __future__ import annotations

from typing import Any

import pytest

from cases.acting import CannotChange, ChangedMeanwhile, NotAllowed
from cases.models import Case
from cases.ownership import assign_to_queue, assign_to_user, take_case
from tests.cases.acting.people import case_of, reader, rep
from tests.factories import QueueFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim")


def test_taking_a_case_writes_the_decision(kim: Any) -> None:
    case = case_of(kim)

    event = take_case(case=case, by=kim, expected_version=1)

    case.refresh_from_db()
    decision = case.decisions.last()
    assert case.owner_user == kim
    assert decision is not None
    assert (decision.kind, decision.because, decision.decided_by) == ("manual", "took the case", kim)
    assert event is not None
    assert event.detail["version"] == 2


def test_of_two_who_take_a_case_the_second_is_told_who_has_it(kim: Any) -> None:
    lee = rep("lee", first_name="Lee", last_name="Long")
    case = case_of(kim, lee)
    take_case(case=case, by=lee, expected_version=1)
    # Lee's colleagues of the queue would not see it any more: this one may see everything.
    boss = reader("boss", is_superuser=True)

    with pytest.raises(ChangedMeanwhile, match="Lee Long"):
        take_case(case=case, by=boss, expected_version=1)

    case.refresh_from_db()
    assert (case.owner_user, case.decisions.count()) == (lee, 2)


def test_taking_what_one_has_is_no_change(kim: Any) -> None:
    case = case_of(owner_queue=None, owner_user=kim)

    assert take_case(case=case, by=kim, expected_version=1) is None


def test_a_case_goes_only_to_somebody_who_may_work_on_it(kim: Any) -> None:
    case = case_of(kim)

    for user in (reader(), rep("gone", is_active=False)):
        with pytest.raises(CannotChange, match="may not work on cases"):
            assign_to_user(case=case, user=user, by=kim)

    assert case.decisions.count() == 1


def test_a_case_can_go_to_any_queue(kim: Any) -> None:
    case, queue = case_of(kim), QueueFactory(name="Repairs")

    assign_to_queue(case=case, queue=queue, by=kim, expected_version=1)

    case.refresh_from_db()
    assert (case.owner_queue, case.owner_user) == (queue, None)


def test_who_gave_a_case_away_acts_on_it_no_more(kim: Any) -> None:
    case = case_of(owner_queue=None, owner_user=kim)
    assign_to_user(case=case, user=rep("lee"), by=kim)

    with pytest.raises(NotAllowed):
        take_case(case=Case.objects.get(pk=case.pk), by=kim)
