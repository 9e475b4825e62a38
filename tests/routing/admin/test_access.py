"""Every URL of the routing application's back office, for everybody who may come along."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from routing.audit import record
from routing.models import (
    AssignmentRule,
    AuditEvent,
    BusinessHours,
    Connection,
    EmailTemplate,
    PermissionSet,
    Queue,
    QuickText,
    RecordType,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    ServiceLevel,
    Skill,
)
from tests.factories import UserFactory
from tests.routing.admin.conftest import MODELS, allow

pytestmark = pytest.mark.every_page
PAGES = ["changelist", "add", "change", "delete", "history"]


@pytest.fixture
def keys(address: RoutingAddress, gold: PermissionSet) -> dict[str, int]:
    """The key of one row of each model."""
    event = record("test", "something", by=None)
    return {
        "routingaddress": address.pk,
        "permissionset": gold.pk,
        "queue": Queue.objects.get(name="Unassigned").pk,
        "recordtype": RecordType.objects.get(name="Support").pk,
        "emailtemplate": EmailTemplate.objects.create(name="Greeting", text_body="Hello").pk,
        "quicktext": QuickText.objects.create(shortcut="hello", name="Hello", body="Hello").pk,
        "emailtocasesettings": 1,
        "auditevent": event.pk,
        "connection": Connection.objects.create(
            name="Office", kind=Connection.Kind.SMTP, account="a@office.example"
        ).pk,
        "assignmentrule": AssignmentRule.objects.create(name="Rules").pk,
        "routingflow": RoutingFlow.objects.create(name="Flow").pk,
        "skill": Skill.objects.create(name="French").pk,
        "reppresence": RepPresence.objects.create(user=UserFactory()).pk,
        "businesshours": BusinessHours.objects.create(name="Office").pk,
        "servicelevel": ServiceLevel.objects.create(name="Standard", resolution_minutes=60).pk,
    }


def url_of(model: str, page: str, keys: dict[str, int]) -> str:
    return reverse(
        f"admin:routing_{model}_{page}", args=[keys[model]] if page in ("change", "delete", "history") else []
    )


def everything() -> list[tuple[Any, ...]]:
    """What no refused request may change."""
    rows: list[tuple[Any, ...]] = []
    for model in (*MODELS.values(), User):
        if model is not AuditEvent:  # a refusal may be written down
            rows.extend(model.objects.order_by("pk").values_list())
    return rows


def test_every_model_page_of_the_application_is_in_this_table() -> None:
    registered = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "routing"}

    assert registered == set(MODELS)
    with pytest.raises(NoReverseMatch):
        reverse("admin:guardian_userobjectpermission_changelist")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_anonymous_visitors_are_sent_to_the_login(
    model: str, page: str, method: str, keys: dict[str, int], client: Client
) -> None:
    before = everything()

    response = getattr(client, method)(url_of(model, page, keys))

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
    assert everything() == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_permissions_see_nothing(
    model: str, page: str, method: str, keys: dict[str, int], client: Client, staff: User
) -> None:
    client.force_login(staff)
    before = everything()

    response = getattr(client, method)(url_of(model, page, keys), {"post": "yes"})

    assert response.status_code == 403
    assert everything() == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("page", PAGES)
def test_staff_with_view_permission_read_and_change_nothing(
    model: str, page: str, keys: dict[str, int], client: Client, viewer: User
) -> None:
    client.force_login(viewer)
    before = everything()
    is_readable = page in ("changelist", "change", "history")

    read = client.get(url_of(model, page, keys))
    written = client.post(url_of(model, page, keys), {"post": "yes", "action": "delete_selected"})

    if (model, page) == ("emailtocasesettings", "changelist"):
        assert read.status_code == 302
    else:
        assert read.status_code == (200 if is_readable else 403)
    assert written.status_code in (200, 302, 403)
    assert everything() == before


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("page", PAGES)
def test_staff_who_may_customize_the_application_open_every_page(
    model: str, page: str, keys: dict[str, int], client: Client, configurer: User
) -> None:
    client.force_login(configurer)
    closed = {
        ("auditevent", "add"),
        ("auditevent", "delete"),
        ("emailtocasesettings", "add"),
        ("emailtocasesettings", "delete"),
    }

    response = client.get(url_of(model, page, keys))

    if (model, page) == ("emailtocasesettings", "changelist"):
        assert response["Location"] == "/admin/routing/emailtocasesettings/1/change/"
    else:
        assert response.status_code == (403 if (model, page) in closed else 200)


def test_customize_application_without_staff_status_opens_nothing(keys: dict[str, int], client: Client) -> None:
    client.force_login(allow(UserFactory(), "customize_application"))

    assert client.get(url_of("routingaddress", "changelist", keys)).status_code == 302


def test_django_change_permission_alone_changes_nothing(keys: dict[str, int], client: Client, staff: User) -> None:
    names = ("routingaddress", "permissionset", "queue")
    client.force_login(allow(staff, *(f"{verb}_{name}" for verb in ("change", "add", "delete") for name in names)))
    before = everything()

    for name in names:
        client.post(url_of(name, "change", keys), {"routing_name": "x", "label": "x", "name": "x"})
        client.post(url_of(name, "delete", keys), {"post": "yes"})

    assert everything() == before


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_sending_the_verification_mail_needs_a_post(
    method: str, address: RoutingAddress, page: Client, mailoutbox: list[Any]
) -> None:
    response = getattr(page, method)(reverse("admin:routing_routingaddress_verify", args=[address.pk]))

    assert response.status_code == 405
    assert mailoutbox == []


def test_sending_the_verification_mail_needs_the_permission(
    address: RoutingAddress, client: Client, viewer: User, mailoutbox: list[Any]
) -> None:
    url = reverse("admin:routing_routingaddress_verify", args=[address.pk])

    anonymous = client.post(url)
    client.force_login(viewer)
    read_only = client.post(url)

    assert anonymous.status_code == 302
    assert read_only.status_code == 403
    assert mailoutbox == []


def test_forms_need_their_csrf_token(
    address: RoutingAddress, configurer: User, mailoutbox: list[Any], settings: Any
) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(configurer)

    response = client.post(reverse("admin:routing_routingaddress_verify", args=[address.pk]))

    assert response.status_code >= 400
    assert mailoutbox == []


def test_audit_events_cannot_be_edited_by_a_superuser(keys: dict[str, int], client: Client) -> None:
    client.force_login(UserFactory(superuser=True))

    client.post(url_of("auditevent", "change", keys), {"action": "forged"})
    client.post(url_of("auditevent", "delete", keys), {"post": "yes"})

    assert AuditEvent.objects.get(pk=keys["auditevent"]).action == "test"
