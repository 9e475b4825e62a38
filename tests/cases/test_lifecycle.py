"""Joining a case that possibly belongs to another one, or keeping them apart."""

from __future__ import annotations

import pytest

from cases.lifecycle import set_status
from cases.merging import CannotMerge, dismiss_possible_case, join_possible_case
from cases.models import CaseStatus
from tests.factories import (
    CaseFactory,
    CaseStatusFactory,
    CaseTaskFactory,
    EmailMessageFactory,
    ParticipantFactory,
    UserFactory,
)
from tests.mails import ingest_mail, mint_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


def test_joining_moves_mails_tasks_and_people_and_leaves_a_merged_case() -> None:
    target = CaseFactory()
    part = CaseFactory(possibly_belongs_to=target)
    message = EmailMessageFactory(case=part)
    task = CaseTaskFactory(case=part)
    ParticipantFactory(case=part, address="casey@example.net")
    rep = UserFactory(superuser=True)

    joined = join_possible_case(case=part, by=rep)

    for row in (target, part, message, task):
        row.refresh_from_db()
    assert joined == target
    assert (message.case, message.thread_basis, message.approved_by) == (target, "manual", rep)
    assert task.case == target
    assert target.participants.get().address == "casey@example.net"
    assert (part.merged_into, part.possibly_belongs_to, part.is_closed) == (target, None, True)
    assert [event.kind for event in (*part.events.all(), *target.events.all())] == ["merged", "joined"]


def test_mail_to_a_joined_case_reaches_the_other_one() -> None:
    target = CaseFactory()
    part = CaseFactory(possibly_belongs_to=target)
    ParticipantFactory(case=part, address="casey@example.net")
    join_possible_case(case=part, by=UserFactory(superuser=True))

    settled = ingest_mail(subject=mint_token(part.pk))

    assert (settled.case, settled.thread_basis) == (target, "merged")


def test_a_case_joins_only_once() -> None:
    part = CaseFactory(possibly_belongs_to=CaseFactory())
    join_possible_case(case=part, by=None)

    with pytest.raises(CannotMerge, match="joined already"):
        join_possible_case(case=part, by=None)


def test_a_case_that_belongs_nowhere_cannot_be_joined() -> None:
    with pytest.raises(CannotMerge, match="does not possibly belong"):
        join_possible_case(case=CaseFactory(), by=None)


def test_two_cases_that_point_at_each_other_do_not_form_a_circle() -> None:
    first = CaseFactory()
    second = CaseFactory(possibly_belongs_to=first)
    first.possibly_belongs_to = second
    first.save()
    join_possible_case(case=second, by=None)

    with pytest.raises(CannotMerge):
        join_possible_case(case=first, by=None)


def test_keeping_cases_apart_is_remembered() -> None:
    other = CaseFactory()
    case = CaseFactory(possibly_belongs_to=other)

    dismiss_possible_case(case=case, by=UserFactory(superuser=True))

    case.refresh_from_db()
    assert case.possibly_belongs_to is None
    assert case.events.get().because == f"kept apart from case {other.number_text}"


def test_closing_and_opening_keep_the_closing_time_true() -> None:
    case = CaseFactory()

    set_status(case=case, status=CaseStatusFactory(closed=True), by=None)
    case.refresh_from_db()
    closed = case.is_closed
    set_status(case=case, status=CaseStatus.objects.get(label="Working"), by=None)

    case.refresh_from_db()
    assert closed
    assert not case.is_closed
