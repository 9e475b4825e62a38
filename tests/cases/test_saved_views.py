"""Lists under a name: whose they are, who reads them, what is written into them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client

from cases.models import SavedView
from cases.saved_views import MOST_VIEWS, ViewNotSaved, save_view
from tests.factories import CaseFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def ana() -> User:
    user: User = UserFactory(username="ana")
    return user


@pytest.fixture
def page(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


def view_of(owner: Any, name: str = "Hot", *, query: str = "view=open&priority=High", is_shared: bool = False) -> Any:
    return SavedView.objects.create(owner=owner, name=name, query=query, is_shared=is_shared)


def rows() -> list[tuple[Any, ...]]:
    return list(SavedView.objects.order_by("pk").values_list("owner", "name", "query", "is_shared"))


def test_a_list_is_saved_as_the_list_writes_it(page: Client, ana: User) -> None:
    fields = {"name": "  Hot \n ones ", "query": "view=open&priority=High&priority=Wild&evil=1&saved=9&before=x"}

    answer = page.post("/cases/saved-views/", fields)

    view = SavedView.objects.get()
    assert (view.owner, view.name, view.query, view.is_shared) == (ana, "Hot ones", "view=open&priority=High", False)
    assert answer["Location"] == f"/cases/?saved={view.pk}"


def test_a_shared_view_of_another_is_read_with_ones_own_cases(page: Client, ana: User) -> None:
    queue = QueueFactory()
    queue.members.add(ana)
    CaseFactory(owner_queue=queue, subject="Of my queue", priority="High")
    CaseFactory(subject="Of another queue", priority="High")
    view = view_of(UserFactory(), "Shared by Ben", is_shared=True)

    shown = page.get("/cases/", {"saved": view.pk}).content.decode()

    assert "<bdi>Shared by Ben</bdi></h1>" in shown
    assert "Of my queue" in shown
    assert "Of another queue" not in shown
    assert f"/cases/saved-views/{view.pk}/" not in shown  # neither changed nor deleted from here
    assert f"saved={view.pk}" in page.get("/cases/views/").content.decode()


def test_a_view_that_is_not_shared_is_nothing_to_others(page: Client) -> None:
    view = view_of(UserFactory(), "Secret plans")

    shown = page.get("/cases/", {"saved": view.pk}).content.decode()

    assert "Secret plans" not in shown
    assert "Secret plans" not in page.get("/cases/views/").content.decode()


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("end", ["", "delete/"])
def test_only_its_owner_changes_or_deletes_a_view(page: Client, end: str, is_shared: bool) -> None:
    view = view_of(UserFactory(), is_shared=is_shared)
    before = rows()

    answer = page.post(f"/cases/saved-views/{view.pk}/{end}", {"name": "Mine now", "query": "view=all"})

    assert answer.status_code == 404
    assert rows() == before


def test_a_superuser_does_not_change_the_view_of_another(client: Client) -> None:
    view = view_of(UserFactory(), is_shared=True)
    client.force_login(UserFactory(superuser=True))

    assert client.post(f"/cases/saved-views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.exists()


def test_its_owner_renames_shares_and_keeps_the_filters_or_not(page: Client, ana: User) -> None:
    view = view_of(ana)

    page.post(f"/cases/saved-views/{view.pk}/", {"name": "Hotter", "is_shared": "on"})
    assert rows() == [(ana.pk, "Hotter", "view=open&priority=High", True)]

    page.post(f"/cases/saved-views/{view.pk}/", {"name": "Hotter", "query": "view=mine&sort=due"})
    assert rows() == [(ana.pk, "Hotter", "view=mine&sort=due", False)]


def test_a_deleted_view_leaves_its_cases(page: Client, ana: User) -> None:
    case = CaseFactory(owner_user=ana, owner_queue=None)
    view = view_of(ana)

    shown = page.post(f"/cases/saved-views/{view.pk}/delete/", follow=True).content.decode()

    assert "The view “Hot” is deleted." in shown
    assert rows() == []
    case.refresh_from_db()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "This field cannot be blank."),
        ("x" * 61, "at most 60 characters"),
        ("Hot", "You have a view with this name"),
    ],
)
def test_a_name_that_cannot_be_says_why_and_keeps_the_list(page: Client, ana: User, name: str, said: str) -> None:
    view_of(ana)

    answer = page.post("/cases/saved-views/", {"name": name, "query": "view=open&unread=1"}, follow=True)

    assert answer.redirect_chain == [("/cases/?view=open&unread=1", 302)]
    assert said in answer.content.decode()
    assert len(rows()) == 1


def test_two_people_may_use_one_name_and_one_may_not_twice(ana: User) -> None:
    view_of(ana)
    view_of(UserFactory())

    with pytest.raises(IntegrityError):
        view_of(ana)


def test_nobody_keeps_more_views_than_fit(ana: User) -> None:
    SavedView.objects.bulk_create(
        SavedView(owner=ana, name=f"View {number}", query="view=all") for number in range(MOST_VIEWS)
    )

    with pytest.raises(ViewNotSaved, match=f"You have {MOST_VIEWS} views"):
        save_view(owner=ana, name="One more", query="", is_shared=False)

    assert len(rows()) == MOST_VIEWS
    save_view(owner=UserFactory(), name="Of somebody else", query="", is_shared=False)
