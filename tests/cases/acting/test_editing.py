"""Status, priority, type, subject, custom fields, tags and snooze: who may, what is kept, what two people do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cases.acting import CannotChange, ChangedMeanwhile, NotAllowed
from cases.case_fields import fields_of, set_field
from cases.editing import (
    PendingDraft,
    change_priority,
    change_record_type,
    change_status,
    change_subject,
    close_case,
    reopen_case,
)
from cases.models import Case, CaseField, CaseStatus, Draft, Tag
from cases.snoozing import preset_moment, snooze, wake, wake_due_cases
from cases.tags import add_tag, remove_tag
from tests.cases.acting.people import case_of, reader, rep
from tests.factories import CaseFactory, ParticipantFactory, RecordTypeFactory
from tests.mails import ingest_mail, mint_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim")


@pytest.fixture
def case(kim: Any) -> Case:
    return case_of(kim)


def status(label: str) -> CaseStatus:
    return CaseStatus.objects.get(label=label)


class TestWhoMay:
    def test_who_may_not_see_a_case_cannot_change_it(self, case: Case) -> None:
        with pytest.raises(NotAllowed, match="no such case"):
            change_priority(case=case, priority="High", by=rep("stranger"))

        case.refresh_from_db()
        assert case.priority == "Medium"
        assert not case.events.exists()

    def test_who_may_only_read_cannot_change_it(self) -> None:
        user = reader()
        case = case_of(user)

        with pytest.raises(NotAllowed, match="permission to work on cases"):
            change_subject(case=case, subject="Mine", by=user)

        assert not case.events.exists()

    def test_a_merged_case_is_changed_no_more(self, kim: Any) -> None:
        target = case_of(kim)
        case = case_of(kim, merged_into=target)

        with pytest.raises(CannotChange, match=target.number_text):
            change_priority(case=case, priority="High", by=kim)


class TestStatus:
    def test_a_change_is_a_line_of_history_that_says_what_was(self, case: Case, kim: Any) -> None:
        was = case.status_id

        event = change_status(case=case, status=status("Working"), by=kim)

        assert event is not None
        assert (event.kind, event.actor, event.because) == ("status_changed", kim, "Working")
        assert event.detail == {"was": was, "now": status("Working").pk}

    def test_the_same_status_again_is_no_change(self, case: Case, kim: Any) -> None:
        assert change_status(case=case, status=case.status, by=kim) is None
        assert not case.events.exists()

    def test_a_status_that_a_colleague_set_meanwhile_is_told_and_kept(self, case: Case, kim: Any) -> None:
        seen = str(case.status_id)
        change_status(case=case, status=status("Escalated"), by=kim)

        with pytest.raises(ChangedMeanwhile, match="Escalated"):
            change_status(case=case, status=status("Working"), by=kim, seen=seen)

        case.refresh_from_db()
        assert case.status == status("Escalated")

    def test_closing_wakes_and_reopening_counts(self, case: Case, kim: Any) -> None:
        snooze(case=case, until=timezone.now() + timedelta(days=1), by=kim)

        close_case(case=case, by=kim)
        case.refresh_from_db()
        closed = (case.is_closed, case.snoozed_until)
        reopen_case(case=case, by=kim)

        case.refresh_from_db()
        assert closed == (True, None)
        assert (case.is_closed, case.reopened_count, case.status.label) == (False, 1, "New")

    @pytest.mark.parametrize(("keep", "left"), [(True, 1), (False, 0)])
    def test_a_pending_draft_is_asked_for_before_closing(self, case: Case, kim: Any, keep: bool, left: int) -> None:
        Draft.objects.create(case=case, author=kim, text="I am wri", key="k1")
        Draft.objects.create(case=case, author=rep("lee"), text="of a colleague", key="k2")

        with pytest.raises(PendingDraft):
            close_case(case=case, by=kim)
        case.refresh_from_db()
        was_closed = case.is_closed
        close_case(case=case, by=kim, keep_draft=keep)

        case.refresh_from_db()
        assert (was_closed, case.is_closed) == (False, True)
        assert Draft.objects.filter(author=kim).count() == left
        assert Draft.objects.filter(author__username="lee").count() == 1


def test_priority_type_and_subject_are_changed_with_their_history(case: Case, kim: Any) -> None:
    change_priority(case=case, priority="High", by=kim)
    change_record_type(case=case, record_type=RecordTypeFactory(name="Billing"), by=kim)
    change_subject(case=case, subject="  The lamp\n is broken ", by=kim)

    case.refresh_from_db()
    assert (case.priority, case.record_type.name, case.subject) == ("High", "Billing", "The lamp is broken")
    assert [(event.kind, event.because) for event in case.events.all()] == [
        ("priority_changed", "Medium → High"),
        ("type_changed", "Support → Billing"),
        ("subject_changed", "The lamp is broken"),
    ]


def test_a_case_keeps_a_subject(case: Case, kim: Any) -> None:
    with pytest.raises(CannotChange, match="needs a subject"):
        change_subject(case=case, subject=" \n ", by=kim)


class TestTags:
    def test_a_tag_is_made_once_whatever_its_case(self, kim: Any) -> None:
        first, second = case_of(kim), case_of(kim)

        add_tag(case=first, name="#Warranty", by=kim)
        add_tag(case=second, name="wARRANTY ", by=kim)

        assert Tag.objects.get().name == "Warranty"
        assert [tag.name for tag in second.tags.all()] == ["Warranty"]

    def test_a_tag_is_taken_off_again(self, case: Case, kim: Any) -> None:
        add_tag(case=case, name="warranty", by=kim)

        event = remove_tag(case=case, tag=Tag.objects.get(), by=kim)

        assert event is not None
        assert event.because == "− warranty"
        assert not case.tags.exists()

    @pytest.mark.parametrize("name", ["", " # ", "x" * 41])
    def test_a_tag_without_a_name_or_with_a_long_one_is_refused(self, case: Case, kim: Any, name: str) -> None:
        with pytest.raises(CannotChange):
            add_tag(case=case, name=name, by=kim)

        assert not Tag.objects.exists()


class TestFields:
    @pytest.mark.parametrize(
        ("kind", "typed", "stored"),
        [
            ("text", " Serial 7 ", "Serial 7"),
            ("number", "12,50", "12.50"),
            ("number", "1e3", "1000"),
            ("date", "2026-12-31", "2026-12-31"),
            ("choice", "Blue", "Blue"),
            ("checkbox", "on", True),
        ],
    )
    def test_a_value_is_read_and_kept_in_one_spelling(
        self, case: Case, kim: Any, kind: str, typed: str, stored: Any
    ) -> None:
        CaseField.objects.create(slug="f", label="Field", kind=kind, choices="Red\nBlue")

        set_field(case=case, slug="f", text=typed, by=kim)

        case.refresh_from_db()
        assert case.custom_fields == {"f": stored}

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [("number", "many"), ("number", "NaN"), ("number", "9e99"), ("date", "31.12.2026"), ("choice", "Green")],
    )
    def test_what_is_no_value_of_its_kind_is_refused(self, case: Case, kim: Any, kind: str, typed: str) -> None:
        CaseField.objects.create(slug="f", label="Field", kind=kind, choices="Red\nBlue")

        with pytest.raises(CannotChange) as refusal:
            set_field(case=case, slug="f", text=typed, by=kim)

        assert refusal.value.field == "value"
        case.refresh_from_db()
        assert case.custom_fields == {}

    def test_a_field_of_other_record_types_or_switched_off_is_not_there(self, case: Case, kim: Any) -> None:
        CaseField.objects.create(slug="here", label="Here")
        CaseField.objects.create(slug="off", label="Off", is_active=False)
        CaseField.objects.create(slug="other", label="Other").record_types.add(RecordTypeFactory(name="Sales"))

        assert [each.field.slug for each in fields_of(case)] == ["here"]
        with pytest.raises(CannotChange, match="no such field"):
            set_field(case=case, slug="other", text="x", by=kim)

    def test_emptying_a_field_removes_its_value_and_leaves_the_others(self, case: Case, kim: Any) -> None:
        for slug in ("a", "b"):
            CaseField.objects.create(slug=slug, label=slug)
            set_field(case=case, slug=slug, text="x", by=kim)

        set_field(case=case, slug="a", text="", by=kim)

        case.refresh_from_db()
        assert case.custom_fields == {"b": "x"}

    def test_a_value_that_a_colleague_wrote_meanwhile_is_told_and_kept(self, case: Case, kim: Any) -> None:
        CaseField.objects.create(slug="a", label="Serial number")
        set_field(case=case, slug="a", text="7", by=kim, seen="")

        with pytest.raises(ChangedMeanwhile, match="7"):
            set_field(case=case, slug="a", text="8", by=kim, seen="")

        case.refresh_from_db()
        assert case.custom_fields == {"a": "7"}


class TestSnooze:
    def test_it_comes_back_when_the_time_has_come(self, case: Case, kim: Any) -> None:
        now = timezone.now()
        snooze(case=case, until=now + timedelta(hours=1), by=kim)

        too_early, in_time = wake_due_cases(now=now), wake_due_cases(now=now + timedelta(hours=2))

        case.refresh_from_db()
        assert (too_early, in_time, case.snoozed_until) == (0, 1, None)
        assert case.last_activity_at == now + timedelta(hours=2)
        assert [(event.kind, event.actor) for event in case.events.all()] == [("snoozed", kim), ("woken", None)]

    def test_it_comes_back_at_once_when_the_customer_writes(self, case: Case, kim: Any) -> None:
        ParticipantFactory(case=case)
        snooze(case=case, until=timezone.now() + timedelta(days=3), by=kim)

        settled = ingest_mail(subject=mint_token(case.pk))

        case.refresh_from_db()
        assert (settled.case, case.snoozed_until) == (case, None)
        assert "woken" in case.events.values_list("kind", flat=True)

    def test_an_out_of_office_answer_does_not_wake_it(self, case: Case, kim: Any) -> None:
        ParticipantFactory(case=case)
        until = timezone.now() + timedelta(days=3)
        snooze(case=case, until=until, by=kim)

        ingest_mail(subject=mint_token(case.pk), headers=["Auto-Submitted: auto-replied"])

        case.refresh_from_db()
        assert case.snoozed_until == until

    @pytest.mark.parametrize("days", [-1, 400])
    def test_only_a_moment_of_the_next_year_will_do(self, case: Case, kim: Any, days: int) -> None:
        with pytest.raises(CannotChange):
            snooze(case=case, until=timezone.now() + timedelta(days=days), by=kim)

    def test_a_closed_case_cannot_be_put_aside(self, kim: Any) -> None:
        case = case_of(kim, closed=True)

        with pytest.raises(CannotChange, match="closed"):
            snooze(case=case, until=timezone.now() + timedelta(days=1), by=kim)

    def test_a_rep_brings_it_back(self, case: Case, kim: Any) -> None:
        snooze(case=case, until=timezone.now() + timedelta(days=1), by=kim)

        assert wake(case=case, by=kim) is not None
        assert wake(case=case, by=kim) is None

    @pytest.mark.parametrize(
        ("preset", "moment"),
        [
            ("later", "2026-03-27T13:00:00+01:00"),
            ("tomorrow", "2026-03-28T08:00:00+01:00"),
            # Summer time begins in between: eight in the morning stays eight in the morning.
            ("monday", "2026-03-30T08:00:00+02:00"),
            ("week", "2026-04-03T08:00:00+02:00"),
        ],
    )
    def test_presets_are_meant_in_the_zone_of_the_person(self, preset: str, moment: str) -> None:
        friday = datetime.fromisoformat("2026-03-27T10:00:00+01:00")

        assert preset_moment(preset, now=friday, zone=ZoneInfo("Europe/Berlin")).isoformat() in (
            moment,
            datetime.fromisoformat(moment).isoformat(),
        )


def test_cases_that_are_not_due_cost_the_sweeper_one_statement(django_assert_num_queries: Any) -> None:
    CaseFactory(snoozed_until=timezone.now() + timedelta(days=1))

    with django_assert_num_queries(3):  # with those that begin and end its transaction
        wake_due_cases()
