"""Customers, tasks, presence, undo, bulk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.acting import CannotChange, ChangedMeanwhile
from cases.bulk import change_cases
from cases.case_tasks import add_task, assign_task, set_task_done
from cases.customers import choose_contact, correct_customer, create_contact
from cases.editing import change_priority, change_status, close_case
from cases.models import Case, CaseEvent, CaseStatus, CaseVisit, Tag
from cases.ownership import assign_to_user, take_case
from cases.presence import note_visit
from cases.snoozing import snooze
from cases.tags import add_tag
from cases.undoing import undo_change
from tests.cases.acting.people import case_of, reader, rep
from tests.factories import CaseFactory, ContactFactory, ParticipantFactory, RoutingAddressFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim")


@pytest.fixture
def case(kim: Any) -> Case:
    return case_of(kim)


class TestCustomer:
    def test_one_of_several_contacts_with_the_address_is_chosen(self, case: Case, kim: Any) -> None:
        contacts = ContactFactory.create_batch(2, email="Casey@example.net")

        choose_contact(case=case, contact_id=contacts[1].pk, by=kim)

        case.refresh_from_db()
        assert case.contact == contacts[1]
        assert case.events.get().kind == "customer_changed"

    def test_a_contact_of_another_address_is_not_to_be_had(self, case: Case, kim: Any) -> None:
        with pytest.raises(CannotChange):
            choose_contact(case=case, contact_id=ContactFactory(email="other@example.net").pk, by=kim)

    def test_a_contact_is_made_of_the_case(self, case: Case, kim: Any) -> None:
        contact = create_contact(case=case, name="Casey  Customer", company="Lamps Ltd", by=kim)

        case.refresh_from_db()
        assert case.contact == contact
        assert (contact.name, contact.email, contact.company) == ("Casey Customer", "casey@example.net", "Lamps Ltd")

    def test_a_corrected_customer_takes_part_and_the_one_before_is_copied(self, case: Case, kim: Any) -> None:
        ParticipantFactory(case=case, address="casey@example.net")
        dana = ContactFactory(email="dana@example.net")

        correct_customer(case=case, address="Dana@Example.net", name="Dana", by=kim)

        case.refresh_from_db()
        assert (case.supplied_email, case.supplied_name, case.contact) == ("dana@example.net", "Dana", dana)
        roles = dict(case.participants.values_list("address", "role"))
        assert roles == {"casey@example.net": "copied", "dana@example.net": "customer"}

    @pytest.mark.parametrize("address", ["", "dana", "support@company.example"])
    def test_what_is_no_address_or_is_ours_is_no_customer(self, case: Case, kim: Any, address: str) -> None:
        RoutingAddressFactory(email_address="support@company.example")

        with pytest.raises(CannotChange):
            correct_customer(case=case, address=address, name="", by=kim)


class TestTasks:
    def test_a_task_is_added_given_and_ticked(self, case: Case, kim: Any) -> None:
        task = add_task(case=case, subject=" Call\nback ", by=kim)
        assign_task(task=task, owner=kim, by=kim)
        set_task_done(task=task, done=True, by=kim)

        task.refresh_from_db()
        assert (task.subject, task.owner, task.status) == ("Call back", kim, "Completed")
        assert task.completed_at is not None
        assert [event.kind for event in case.events.all()] == ["task_added", "task_changed", "task_changed"]

    def test_a_tick_is_taken_off(self, case: Case, kim: Any) -> None:
        task = set_task_done(task=add_task(case=case, subject="Call", by=kim), done=True, by=kim)

        task = set_task_done(task=task, done=False, by=kim)

        assert (task.completed_at, task.status) == (None, "In Progress")

    def test_a_task_goes_to_nobody_who_may_not_work(self, case: Case, kim: Any) -> None:
        with pytest.raises(CannotChange):
            add_task(case=case, subject="Call", owner=reader(), by=kim)


class TestPresence:
    def test_others_are_told_who_looks_and_who_writes(self, case: Case, kim: Any) -> None:
        lee, max_ = rep("lee"), rep("max")
        note_visit(case, lee, composing=True, has_seen_all=True)
        note_visit(case, max_, composing=False, has_seen_all=True)

        presence = note_visit(case, kim, composing=False, has_seen_all=True)

        assert (presence.replying, presence.viewing) == ((lee,), (max_,))

    def test_who_left_is_gone_after_half_a_minute(self, case: Case, kim: Any) -> None:
        now = timezone.now()
        note_visit(case, rep("lee"), composing=True, has_seen_all=True, now=now)

        presence = note_visit(case, kim, composing=False, has_seen_all=True, now=now + timedelta(seconds=31))

        assert (presence.replying, presence.viewing) == ((), ())

    def test_looking_again_writes_nothing(self, case: Case, kim: Any, django_assert_num_queries: Any) -> None:
        now = timezone.now()
        note_visit(case, kim, composing=True, has_seen_all=True, now=now)

        with django_assert_num_queries(1):
            note_visit(case, kim, composing=True, has_seen_all=True, now=now + timedelta(seconds=10))

    def test_a_case_counts_as_read_only_when_all_of_it_was_on_the_page(self, case: Case, kim: Any) -> None:
        now = timezone.now()
        Case.objects.filter(pk=case.pk).update(last_inbound_at=now)
        case.refresh_from_db()
        note_visit(case, kim, composing=False, has_seen_all=False, now=now)
        before = CaseVisit.objects.get().seen_at

        note_visit(case, kim, composing=False, has_seen_all=True, now=now + timedelta(seconds=1))

        assert before == case.created_at
        assert CaseVisit.objects.get().seen_at == now + timedelta(seconds=1)


class TestUndo:
    def test_each_change_goes_back_to_what_it_was(self, case: Case, kim: Any) -> None:
        queue, status = case.owner_queue, case.status
        events = [
            take_case(case=case, by=kim),
            close_case(case=case, by=kim),
            change_priority(case=case, priority="High", by=kim),
            add_tag(case=case, name="warranty", by=kim),
        ]

        for event in events[::-1]:
            undo_change(event=event, by=kim)  # type: ignore[arg-type]

        case.refresh_from_db()
        assert (case.owner_queue, case.status, case.is_closed) == (queue, status, False)
        assert (case.priority, case.tags.count()) == ("Medium", 0)

    def test_snoozing_is_taken_back(self, case: Case, kim: Any) -> None:
        event = snooze(case=case, until=timezone.now() + timedelta(days=1), by=kim)

        undo_change(event=event, by=kim)  # type: ignore[arg-type]

        case.refresh_from_db()
        assert case.snoozed_until is None

    def test_what_a_colleague_changed_since_is_left(self, kim: Any) -> None:
        lee = rep("lee")
        case = case_of(kim, lee)
        event = change_status(case=case, status=CaseStatus.objects.get(label="Working"), by=kim)
        change_status(case=case, status=CaseStatus.objects.get(label="Escalated"), by=lee)

        with pytest.raises(ChangedMeanwhile):
            undo_change(event=event, by=kim)  # type: ignore[arg-type]

        case.refresh_from_db()
        assert case.status.label == "Escalated"

    def test_a_case_that_was_given_on_stays_there(self, kim: Any) -> None:
        lee, max_ = rep("lee"), rep("max")
        boss = rep("boss", is_superuser=True)
        case = case_of(boss)
        event = assign_to_user(case=case, user=lee, by=boss)
        assign_to_user(case=case, user=max_, by=boss)

        with pytest.raises(ChangedMeanwhile):
            undo_change(event=event, by=boss)  # type: ignore[arg-type]

        case.refresh_from_db()
        assert case.owner_user == max_

    def test_only_ones_own_and_only_for_a_while(self, kim: Any) -> None:
        lee = rep("lee")
        case = case_of(kim, lee)
        event = change_priority(case=case, priority="High", by=kim)
        assert event is not None

        with pytest.raises(CannotChange):
            undo_change(event=event, by=lee)
        with pytest.raises(CannotChange, match="too late"):
            undo_change(event=event, by=kim, now=timezone.now() + timedelta(minutes=11))


class TestBulk:
    def test_each_case_says_what_became_of_it(self, kim: Any) -> None:
        one, two, mine = case_of(kim), case_of(kim), case_of(owner_queue=None, owner_user=kim)
        merged = case_of(kim, merged_into=one)
        hidden = CaseFactory()

        result = change_cases(
            numbers=[one.number, two.number, mine.number, merged.number, hidden.number, 99_999_999, 5],
            action="take",
            value="",
            by=kim,
        )

        assert result.changed == [one.number, two.number]
        assert result.unchanged == [mine.number]
        assert [number for number, _because in result.refused] == [merged.number, hidden.number, 99_999_999, 5]
        # A case that is not theirs reads like one that does not exist.
        assert len({because for number, because in result.refused if number != merged.number}) == 1

    @pytest.mark.parametrize(
        ("action", "value", "name", "expected"),
        [
            ("priority", "High", "priority", "High"),
            ("snooze", "2099-01-01T08:00:00+00:00", "snoozed_until", None),
            ("close", "", "is_closed", True),
        ],
    )
    def test_actions_with_their_values(
        self, case: Case, kim: Any, action: str, value: str, name: str, expected: Any
    ) -> None:
        change_cases(numbers=[case.number], action=action, value=value, by=kim)

        case.refresh_from_db()
        assert getattr(case, name) == expected

    def test_assigning_and_undoing_all_of_it(self, kim: Any) -> None:
        cases, lee = [case_of(kim) for _ in range(3)], rep("lee", is_superuser=True)
        result = change_cases(numbers=[case.number for case in cases], action="assign", value=f"user:{lee.pk}", by=lee)

        for key in result.events:
            undo_change(event=CaseEvent.objects.get(pk=key), by=lee)

        assert {Case.objects.get(pk=case.pk).owner_queue for case in cases} == {cases[0].owner_queue}

    @pytest.mark.parametrize(
        ("action", "value"),
        [("assign", "user:0"), ("assign", "x"), ("status", "x"), ("priority", "x"), ("snooze", "x"), ("burn", "")],
    )
    def test_what_makes_no_sense_changes_nothing(self, case: Case, kim: Any, action: str, value: str) -> None:
        with pytest.raises(CannotChange):
            change_cases(numbers=[case.number], action=action, value=value, by=kim)

        assert not case.events.exists()

    def test_at_most_200_at_once(self, kim: Any) -> None:
        with pytest.raises(CannotChange, match="200"):
            change_cases(numbers=range(1001, 1202), action="take", value="", by=kim)

    def test_one_tag_for_all(self, kim: Any) -> None:
        cases = [case_of(kim) for _ in range(3)]

        change_cases(numbers=[case.number for case in cases], action="tag", value="Recall", by=kim)

        assert Tag.objects.get().cases.count() == 3
