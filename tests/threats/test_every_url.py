"""Every URL of the project, for everybody who may come along (AU01-AU04, AU07, OP08-OP10, OP14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from cases.inbound.provider_views import provider_paths
from routing.models import RoutingAddress, RoutingAddressGrant
from tests.factories import UserFactory
from tests.threats.urls import (
    ACTIONS,
    BY_NAME,
    BY_ROUTE,
    FOR_CONFIGURERS,
    MODELS,
    OF_HIDDEN_CASE,
    OWN_PAGES,
    FoundUrl,
    Kind,
    found_urls,
    kind_of,
)
from tests.threats.world import (
    CANARIES,
    IN_POST,
    IN_SETUP,
    OF_COLLEAGUE,
    World,
    build_world,
    everything,
    hidden_case,
    quarantined_mail,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation"), pytest.mark.every_page]

LOGIN, ADMIN_LOGIN = "/login/?next=", "/admin/login/?next="
ROLES = ("anonymous", "outsider", "rep", "staff", "configurer", "inactive")


@pytest.fixture(autouse=True)
def every_provider(settings: Any) -> None:
    settings.E2C_PROVIDERS = [path.provider for path in provider_paths()]


@pytest.fixture
def world() -> World:
    return build_world()


def client_of(role: str, world: World, **options: Any) -> Client:
    """A browser in which somebody of that role is signed in. The inactive user was signed in before."""
    client = Client(raise_request_exception=False, **options)
    if role != "anonymous":
        client.force_login(world.users[role])
    if role == "inactive":
        world.users[role].is_active = False
        world.users[role].save(update_fields=["is_active"])
    return client


def path_of(url: FoundUrl, world: World, **changed: Any) -> str:
    return url.path(world.values | {"object_id": world.keys.get(url.model, 1)} | changed)


def content_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace") + str(dict(response.headers))


def expected_status(kind: Kind, role: str, url: FoundUrl) -> tuple[int, str]:
    """(status, where it leads) of a GET."""
    is_nobody = role in ("anonymous", "inactive")
    is_staff = role in ("staff", "configurer")
    match kind:
        case Kind.PUBLIC:
            if url.name == "home":
                return 302, "/cases/"
            if url.name in ("login", "admin:login"):
                # Whoever is in already is sent on.
                sent_on = (is_staff and url.name == "admin:login") or (not is_nobody and url.name == "login")
                return (302, "/") if sent_on else (200, "")
            if "verify" in url.route or "feedback" in url.route:
                return 410, ""
            return (503, "") if url.name == "healthz" else (200, "")  # no sweeper runs here
        case Kind.LOGOUT if url.name == "admin:logout" and not is_staff:
            return 302, "/admin/"  # Django's way of not logging out who is not in
        case Kind.WEBHOOK | Kind.LOGOUT | Kind.REP_ACTION | Kind.REP_START:
            return 405, ""
        case Kind.FIGURES:
            return (401, "") if is_nobody else (200, "") if role == "configurer" else (403, "")
        case Kind.REP_LIST | Kind.REP_FORM:
            return (302, LOGIN) if is_nobody else (200, "")
        case Kind.REP_OBJECT:
            return (302, LOGIN) if is_nobody else (404, "")
        case Kind.STAFF if role == "staff" and url.name == "admin:app_list":
            return 404, ""  # nothing in it is theirs
        case Kind.STAFF:
            return (200, "") if is_staff else (302, ADMIN_LOGIN)
        case Kind.STAFF_STUB:
            return (302, "/admin/") if is_staff else (302, ADMIN_LOGIN)
        case Kind.STAFF_ACTION:
            return (405, "") if is_staff else (302, ADMIN_LOGIN)
        case Kind.NOWHERE:
            return (404, "") if is_staff else (302, ADMIN_LOGIN)
        case _ if is_staff and url.page.endswith("history/") and FOR_CONFIGURERS[url.model] is OF_HIDDEN_CASE:
            return 302, "/admin/"  # looked for before the permission is; it is not among what they may see
        case _:
            return (403, "") if is_staff else (302, ADMIN_LOGIN)


def expected_of_configurer(kind: Kind, url: FoundUrl) -> tuple[int, str]:
    if kind is not Kind.STAFF_FORBIDDEN or not url.model:
        return expected_status(kind, "configurer", url)
    if url.page == "connected/":
        return 302, "/admin/routing/connection/"  # not begun in this session
    if (url.model, url.page) in OWN_PAGES:
        return (403, "") if url.model == "auth.user" else (200, "")  # nobody sets another's password
    status = FOR_CONFIGURERS[url.model][url.page.removeprefix("<path:object_id>/")]
    return status, "/admin/" if status == 302 else ""


# --- the table is complete ---


def test_every_url_is_in_the_table() -> None:
    unclassified = [url.route for url in found_urls() if kind_of(url) is None]

    assert unclassified == [], "Say in tests/threats/urls.py who may open these."


def test_the_table_names_only_urls_that_exist() -> None:
    found = found_urls()

    assert set(BY_NAME) <= {url.name for url in found}
    assert set(BY_ROUTE) <= {url.route for url in found}
    assert {url.model for url in found if url.model} == MODELS
    assert set(FOR_CONFIGURERS) == MODELS
    assert set(OWN_PAGES) <= {(url.model, url.page) for url in found}


# --- who gets what ---


@pytest.mark.parametrize("role", ROLES)
def test_get_gives_each_role_what_the_table_says_and_no_canary(role: str, world: World) -> None:
    client = client_of(role, world)
    may_read = {"configurer": (IN_POST, IN_SETUP, OF_COLLEAGUE)}.get(role, ())
    wrong: list[Any] = []

    for url in found_urls():
        kind = kind_of(url)
        assert kind is not None
        response = client.get(path_of(url, world))
        status, leads_to = (
            expected_of_configurer(kind, url) if role == "configurer" else expected_status(kind, role, url)
        )
        location = response.headers.get("Location", "")
        if response.status_code != status or not location.startswith(leads_to):
            wrong.append((str(url), response.status_code, location, "expected", status, leads_to))
        content = content_of(response).replace(path_of(url, world), "")
        wrong += [(str(url), "shows", word) for word in CANARIES if word in content and word not in may_read]

    assert wrong == []


def test_a_superuser_opens_everything(world: World) -> None:
    """So that the refusals above are refusals, not URLs that never work."""
    client = client_of("root", world)

    broken = [
        (str(url), response.status_code)
        for url in found_urls()
        if (response := client.get(path_of(url, world))).status_code >= 500 and url.name != "healthz"
    ]

    assert broken == []


def normal(response: Any) -> str:
    """What a page says, without what is random in it and when it was said."""
    return re.sub(
        r'(name="key"|csrfmiddlewaretoken|csrf)[^>]*value="[^"]+"|nonce="[^"]+"|since=[^"&]+|"execution_time.*',
        "",
        response.text,
    )


def plain_gets(client: Client, world: World, **changed: Any) -> Iterator[tuple[str, Any]]:
    for url in found_urls():
        if kind_of(url) not in (Kind.WEBHOOK, Kind.PUBLIC):
            yield str(url), client.get(path_of(url, world, **changed))
            client.cookies.pop("messages", None)  # what one page has to say must not stand on the next


@pytest.mark.parametrize("role", ["anonymous", "outsider", "rep", "staff", "inactive"])
def test_no_page_tells_how_many_hidden_things_there_are(role: str, world: World) -> None:
    client = client_of(role, world)
    before = {name: (answer.status_code, normal(answer)) for name, answer in plain_gets(client, world)}

    for number in range(3):
        hidden_case(world_address(world), UserFactory(username=f"{OF_COLLEAGUE}{number}"))
        quarantined_mail()
    after = {name: (answer.status_code, normal(answer)) for name, answer in plain_gets(client, world)}

    assert [name for name in before if before[name] != after[name]] == []


@pytest.mark.parametrize("role", ["outsider", "rep", "staff"])
def test_what_is_hidden_looks_like_what_does_not_exist(role: str, world: World) -> None:
    client = client_of(role, world)
    absent = {
        "number": "99999999",
        "message_id": 999999,
        "note_id": 999999,
        "attachment_id": 999999,
        "inbound_id": 999999,
        "view_id": 999999,
    }

    hidden = {name: (answer.status_code, normal(answer)) for name, answer in plain_gets(client, world)}
    nothing = {
        name: (answer.status_code, normal(answer))
        for name, answer in plain_gets(client, world, **absent, object_id=999999, id=999999)
    }

    # Django's admin looks for the row of a history page before it asks for the permission (refused, or leading away):
    # staff can find out that a key is taken. The short path of a row leads to its page without a look at any row.
    excused = ("_history", "<path:object_id>/")
    assert [name for name in hidden if hidden[name] != nothing[name] and not name.endswith(excused)] == []


def world_address(world: World) -> RoutingAddress:
    return RoutingAddress.objects.get(pk=world.keys["routing.routingaddress"])


# --- GET changes nothing, POST needs its token ---


@pytest.mark.parametrize("role", ["anonymous", "rep", "configurer", "root"])
def test_get_and_head_change_nothing(role: str, world: World) -> None:
    client = client_of(role, world)
    before = everything()

    for url in found_urls():
        client.get(path_of(url, world))
        client.head(path_of(url, world))

    after = everything()
    assert [label for label in before if before[label] != after[label]] == []


def test_urls_that_change_something_answer_405_to_get(world: World) -> None:
    client = client_of("root", world)

    answers = {
        str(url): [getattr(client, method)(path_of(url, world)).status_code for method in ("get", "head", "put")]
        for url in found_urls()
        if kind_of(url) in ACTIONS
    }

    assert answers
    assert {name: codes for name, codes in answers.items() if codes != [405, 405, 405]} == {}


@pytest.mark.parametrize("role", ["anonymous", "rep", "root"])
def test_post_without_its_token_is_403_and_changes_nothing(role: str, world: World) -> None:
    client = client_of(role, world, enforce_csrf_checks=True)
    before = everything()

    answers = {
        str(url): client.post(path_of(url, world), {"post": "yes", "reason": "x"}).status_code
        for url in found_urls()
        if kind_of(url) is not Kind.WEBHOOK
    }

    # Probes are answered before anything else looks at a call, and take no POST from anybody.
    probes = {"readyz": 405, "healthz": 405}
    assert {name: status for name, status in answers.items() if status != probes.get(name, 403)} == {}
    after = everything()
    assert [label for label in before if before[label] != after[label]] == []


@pytest.mark.parametrize("role", ["anonymous", "outsider", "rep", "staff", "inactive"])
def test_post_to_what_is_hidden_changes_nothing(role: str, world: World) -> None:
    client = client_of(role, world)
    fields = {"post": "yes", "reason": "x", "is_staff": "on", "subject": "x", "owner_user": world.users["rep"].pk}
    before = everything()

    wrong = []
    for url in found_urls():
        kind = kind_of(url)
        if kind in (Kind.WEBHOOK, Kind.PUBLIC, Kind.LOGOUT, Kind.STAFF, Kind.REP_FORM, Kind.REP_START):
            continue
        response = client.post(path_of(url, world), fields)
        if response.status_code not in (302, 403, 404, 405):
            wrong.append((str(url), response.status_code))
        wrong += [(str(url), "shows", word) for word in CANARIES if word in content_of(response)]

    assert wrong == []
    after = everything()
    assert [label for label in before if before[label] != after[label]] == []


# --- grants that must not count ---


def test_nobody_who_is_not_logged_in_can_hold_a_grant(world: World, settings: Any) -> None:
    """OP08: guardian makes no user for anonymous visitors, and grants here are of groups alone."""
    assert settings.ANONYMOUS_USER_NAME is None
    assert [field.name for field in RoutingAddressGrant._meta.fields] == [
        "id",
        "permission",
        "group",
        "content_object",
    ]
