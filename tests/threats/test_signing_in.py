"""Who guesses passwords is slowed down and told nothing; who signs in stays on this site (AU06, AU07, AU09)."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
WRONG = "wrong"
PAGES = ["/login/", "/admin/login/"]
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "\x08//evil.example",
]


class CountingHasher(MD5PasswordHasher):
    """Fast, and counts: these tests try hundreds of passwords."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).hashed += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def fast_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]


@pytest.fixture
def lee() -> User:
    user = UserFactory(username="lee", staff=True)
    user.set_password(PASSWORD)
    user.save()
    return user


def try_password(client: Client, page: str, name: str, password: str = WRONG, **more: str) -> Any:
    return client.post(page, {"username": name, "password": password, **more})


def words(response: Any, name: str) -> str:
    """The page without what differs between two people by nature."""
    text = response.content.decode().replace(name, "NAME")
    start = text.find("csrfmiddlewaretoken")
    return text[:start] + text[text.find(">", start) :]


@pytest.mark.parametrize("page", PAGES)
def test_of_50_wrong_passwords_most_are_not_even_looked_at(client: Client, lee: User, page: str) -> None:
    answers = [try_password(client, page, "lee").status_code for _ in range(50)]

    assert answers.count(200) < 10
    assert set(answers[10:]) == {429}
    assert try_password(client, page, "lee", PASSWORD).status_code == 429


@pytest.mark.parametrize("page", PAGES)
def test_known_unknown_and_inactive_users_get_the_same_answers(client: Client, lee: User, page: str) -> None:
    gone = UserFactory(username="gone", staff=True, is_active=False)
    gone.set_password(PASSWORD)
    gone.save()
    answers: dict[str, list[Any]] = {}

    for name, password in (("lee", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD)):
        tries = [try_password(client, page, name, password) for _ in range(12)]
        answers[name] = [(answer.status_code, words(answer, name)) for answer in tries]

    assert answers["lee"] == answers["nobody"] == answers["gone"]


def test_both_pages_count_together(client: Client, lee: User) -> None:
    for page in PAGES * 5:
        try_password(client, page, "lee")

    assert [try_password(client, page, "lee", PASSWORD).status_code for page in PAGES] == [429, 429]


def test_an_unknown_user_costs_as_many_password_hashes_as_a_known_one(client: Client, lee: User) -> None:
    """The time of an answer must not tell who exists."""
    costs = []

    for name in ("lee", "nobody"):
        CountingHasher.hashed = 0
        try_password(client, "/login/", name)
        costs.append(CountingHasher.hashed)

    assert costs == [1, 1]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("address", ELSEWHERE)
def test_signing_in_leads_nowhere_else(client: Client, lee: User, page: str, address: str) -> None:
    response = try_password(client, page, "lee", PASSWORD, next=address)

    assert response.status_code == 302
    assert response.headers["Location"] in ("/cases/", "/admin/")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_other_page_follows_next(client: Client, lee: User, address: str) -> None:
    client.force_login(lee)

    for path in ("/login/", "/admin/login/", "/"):
        response = client.get(path, {"next": address})

        assert response.headers["Location"] in ("/cases/", "/admin/")
    left = client.post("/logout/", {"next": address})

    assert left.headers["Location"] == "/login/"


def test_a_session_ends_with_a_new_password(client: Client, lee: User) -> None:
    client.force_login(lee)
    lee.set_password("another horse battery")
    lee.save()

    assert client.get("/cases/").status_code == 302


def test_what_was_typed_is_not_kept_and_not_logged(client: Client, lee: User, caplog: Any) -> None:
    for _ in range(11):
        try_password(client, "/login/", "lee", "quartzpassword")

    kept = str(list(AccessAttempt.objects.values()))
    assert "quartzpassword" not in kept
    assert "quartzpassword" not in caplog.text
