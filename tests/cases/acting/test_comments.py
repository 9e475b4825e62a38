"""Notes: who may write, who is mentioned and told, how long they may be corrected, that they stay inside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.acting import CannotChange, NotAllowed
from cases.comments import add_note, edit_note, mentioned_names
from cases.models import CaseComment, Mention, Notification, Outbox
from cases.sweeping import tell_people
from tests.cases.acting.people import case_of, reader, rep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim", first_name="Kim", last_name="Kind")


def told() -> list[str]:
    """Who was told of a mention, once for each note."""
    tell_people()
    return sorted(Notification.objects.filter(kind="mention").values_list("user__email", flat=True))


def test_who_sees_a_case_may_write_a_note_without_the_permission_to_answer() -> None:
    user = reader()

    note = add_note(case=case_of(user), author=user, body=" Looks like\r\nthe old lamp. ")

    assert note.body == "Looks like\nthe old lamp."
    assert [event.kind for event in note.case.events.all()] == ["note_added"]


def test_who_does_not_see_the_case_writes_none(kim: Any) -> None:
    with pytest.raises(NotAllowed):
        add_note(case=case_of(), author=kim, body="hello")

    assert not CaseComment.objects.exists()


def test_an_empty_or_endless_note_is_refused(kim: Any) -> None:
    case = case_of(kim)

    for body in ("", " \n", "x" * 20_001):
        with pytest.raises(CannotChange):
            add_note(case=case, author=kim, body=body)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("@lee, can you look?", ["lee"]),
        ("(@lee) and @LEE.", ["lee", "LEE.", "LEE"]),
        ("write to lee@example.net", []),
        ("ask @lee@example.net.", ["lee@example.net.", "lee@example.net"]),
        ("@ nobody", []),
    ],
)
def test_names_are_found_where_a_mention_can_stand(body: str, names: list[str]) -> None:
    assert mentioned_names(body) == names


def test_a_mentioned_colleague_is_told_once_without_a_word_of_the_note(kim: Any) -> None:
    lee = rep("lee", email="lee@company.example")

    note = add_note(case=case_of(kim), author=kim, body="@Lee the customer of secret-street 7, @lee!")

    assert told() == ["lee@company.example"]
    mail = Outbox.objects.get(kind="notice")
    assert (mail.recipient, mail.subject) == (lee.email, f"You were mentioned on case {note.case.number_text}")
    assert Mention.objects.get().user == lee
    assert "Kim Kind mentioned you" in mail.text_body
    assert f"/cases/{note.case.number_text}/#note-{note.pk}" in mail.text_body
    assert "secret-street" not in mail.text_body + mail.subject
    assert note.case.subject not in mail.text_body + mail.subject


def test_nobody_is_mentioned_who_has_nothing_to_do_with_cases(kim: Any) -> None:
    reader("outsider")
    rep("gone", is_active=False)

    add_note(case=case_of(kim), author=kim, body="@outsider @gone @kim @nobody")

    assert not Mention.objects.exists()
    assert told() == []


def test_mentions_on_one_case_are_one_mail_in_a_few_minutes(kim: Any) -> None:
    rep("lee", email="lee@company.example")
    case = case_of(kim)

    for _ in range(4):
        add_note(case=case, author=kim, body="@lee")
        tell_people()

    assert told() == ["lee@company.example"] * 4
    assert Outbox.objects.count() == 1
    assert Mention.objects.count() == 4


class TestEditing:
    def test_its_author_corrects_a_note_and_the_words_before_are_kept(self, kim: Any) -> None:
        note = add_note(case=case_of(kim), author=kim, body="first")

        edit_note(note=note, by=kim, body="second")

        note.refresh_from_db()
        assert note.body == "second"
        assert note.edited_at is not None
        assert [version.body for version in note.versions.all()] == ["first"]

    def test_only_newly_mentioned_people_are_told(self, kim: Any) -> None:
        rep("lee", email="lee@company.example")
        rep("max", email="max@company.example")
        note = add_note(case=case_of(kim), author=kim, body="@lee")

        edit_note(note=note, by=kim, body="@lee and @max")

        assert told() == ["lee@company.example", "max@company.example"]

    def test_after_fifteen_minutes_it_stays_as_it_is(self, kim: Any) -> None:
        note = add_note(case=case_of(kim), author=kim, body="first")

        with pytest.raises(CannotChange, match="15 minutes"):
            edit_note(note=note, by=kim, body="second", now=timezone.now() + timedelta(minutes=16))

        note.refresh_from_db()
        assert note.body == "first"

    def test_nobody_edits_the_note_of_another(self, kim: Any) -> None:
        lee = rep("lee")
        note = add_note(case=case_of(kim, lee), author=kim, body="first")

        with pytest.raises(NotAllowed):
            edit_note(note=note, by=lee, body="second")

        assert not note.versions.exists()
