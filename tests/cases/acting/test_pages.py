"""The pages of the actions: what a rep without the case gets, what each costs, and that bulk says why."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models import Case, CaseEvent, CaseVisit, EmailMessage
from cases.views.case_actions import ACTIONS
from cases.views.case_forms import FORMS
from tests.cases.acting.people import case_of, reader, rep
from tests.factories import CaseFactory, EmailMessageFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def kim() -> Any:
    return rep("kim")


@pytest.fixture
def page(client: Client, kim: Any) -> Client:
    client.force_login(kim)
    return client


def path(name: str, case: Case, **more: Any) -> str:
    return reverse(name, kwargs={"number": case.number} | more)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_no_action_reaches_a_case_that_is_not_theirs(page: Client, action: str) -> None:
    hidden = CaseFactory()
    fields = {"status": "1", "priority": "High", "subject": "x", "tag": "x", "other": "1001", "preset": "week"}

    answers = {
        page.post(path("case_act", case, action=action), fields).status_code for case in (hidden, Case(pk=99999))
    }

    assert answers == {404}
    assert not CaseEvent.objects.exists()


@pytest.mark.parametrize("action", sorted(FORMS))
def test_each_form_opens_as_a_page_and_as_a_fragment(page: Client, kim: Any, action: str) -> None:
    case = case_of(kim)
    EmailMessageFactory(case=case)
    url = path("case_form", case, action=action)

    whole = page.get(url)
    part = page.get(url, headers={"HX-Request": "true", "HX-Target": "case-action"})

    assert (whole.status_code, part.status_code) == (200, 200)
    assert b"<html" in whole.content
    assert part.content.strip().startswith(b"<form")


@pytest.mark.parametrize("action", ["merge", "link"])
def test_a_hidden_case_and_none_at_all_are_the_same_answer(page: Client, kim: Any, action: str) -> None:
    case, hidden = case_of(kim), CaseFactory(subject="quartz")

    answers = [
        page.post(path("case_act", case, action=action), {"other": number, "form": "1"})
        for number in (str(hidden.number), "99999999")
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert all(b"There is no such case." in answer.content and b"quartz" not in answer.content for answer in answers)


def test_who_may_only_read_is_told_so_and_changes_nothing(client: Client) -> None:
    user = reader()
    case = case_of(user)
    client.force_login(user)

    answer = client.post(path("case_act", case, action="take"), headers={"HX-Request": "true"})

    assert answer.status_code == 403
    assert b"permission to work on cases" in answer.content
    assert not CaseEvent.objects.exists()


def test_the_panel_takes_at_most_8_statements(page: Client, kim: Any) -> None:
    case = case_of(kim)

    with CaptureQueriesContext(connection) as captured:
        page.get(path("case_panel", case), headers={"HX-Request": "true"})

    assert len(captured) <= 8, [each["sql"][:110] for each in captured]


def test_a_poll_that_has_nothing_to_write_takes_5_statements_and_writes_none(page: Client, kim: Any) -> None:
    """Two of them are the session and the user."""
    case = case_of(kim)
    mail = EmailMessageFactory(case=case)
    page.post(path("case_live", case), {"seen": mail.pk})

    with CaptureQueriesContext(connection) as captured:
        page.post(path("case_live", case), {"seen": mail.pk})

    assert len(captured) <= 5
    assert not [each for each in captured if each["sql"].startswith(("INSERT", "UPDATE"))]
    assert CaseVisit.objects.get().user == kim


def test_a_poll_tells_of_new_mail(page: Client, kim: Any) -> None:
    case = case_of(kim)
    first, _second = EmailMessageFactory(case=case), EmailMessageFactory(case=case)

    assert b"1 new mail" in page.post(path("case_live", case), {"seen": first.pk}).content


def test_bulk_says_how_many_and_why_not_and_takes_it_back(page: Client, kim: Any) -> None:
    cases = [case_of(kim) for _ in range(3)]
    hidden = CaseFactory()

    answer = page.post(
        reverse("case_bulk"),
        {"numbers": [*(case.number for case in cases), hidden.number], "action": "priority:High"},
        follow=True,
    )
    page.post(reverse("case_undo"), {"events": ",".join(str(event.pk) for event in CaseEvent.objects.all())})

    shown = answer.content.decode()
    assert "3 cases were changed." in shown
    assert f"Not changed: {hidden.number_text}. There is no such case." in shown
    assert set(Case.objects.values_list("priority", flat=True)) == {"Medium"}


def test_moving_a_mail_from_the_page_makes_a_case(page: Client, kim: Any) -> None:
    case = case_of(kim)
    moved, _stays = EmailMessageFactory(case=case), EmailMessageFactory(case=case)

    answer = page.post(path("case_act", case, action="move"), {"messages": moved.pk, "target": "new"})

    moved.refresh_from_db()
    assert moved.case != case
    assert answer.headers["Location"] == path("case", moved.case)
    assert EmailMessage.objects.filter(case=case).count() == 1


def test_undo_leads_to_no_other_host(page: Client) -> None:
    answer = page.post(reverse("case_undo"), {"events": "1", "next": "//evil.example/"})

    assert answer.headers["Location"] == reverse("case_list")
