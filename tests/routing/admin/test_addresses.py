from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from routing import permission_sets
from routing.models import AuditEvent, PermissionSet, RoutingAddress, VerificationMail
from tests.factories import RoutingAddressFactory, UserFactory
from tests.routing.admin.conftest import allow

ADD = "/admin/routing/routingaddress/add/"
LIST = "/admin/routing/routingaddress/"


def url_of(address: RoutingAddress, page: str = "change") -> str:
    return reverse(f"admin:routing_routingaddress_{page}", args=[address.pk])


def form_of(**changes: Any) -> dict[str, Any]:
    values = {
        "routing_name": "Support",
        "email_address": "support@company.example",
        "is_active": "on",
        "priority_order": "100",
        "task_status": "Not Started",
        "case_priority": "Medium",
        "case_origin": "Email",
        "closed_case_policy": "reopen_within",
        "reopen_days": "14",
        "auto_response_policy": "off",
        "auto_response_hours": "24",
        "auto_response_hourly_limit": "100",
        "satisfaction_hours": "24",
        "satisfaction_window_days": "30",
        "strategy": "owner",
        "canary_hours": "0",
    }
    return values | changes


def words_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_saving_a_new_address_generates_its_services_address_and_sends_the_verification_mail(
    page: Client, organisation: Any, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = page.post(ADD, form_of(email_address="Support@Company.example", _continue="1"))

    address = RoutingAddress.objects.get()
    assert response["Location"] == url_of(address)
    assert address.email_address == "support@company.example"
    assert len(address.services_token) == 26
    assert not address.is_verified
    assert [message.to for message in mailoutbox] == [["support@company.example"]]
    shown = page.get(url_of(address)).content.decode()
    assert address.services_address in shown
    assert "This address is not verified." in shown
    for system in ("Google Workspace", "Microsoft 365 / Exchange", "cPanel", "Postfix"):
        assert f"Forward in {system}" in shown


def test_changing_the_email_address_voids_the_verification_and_mails_the_new_one(
    page: Client, organisation: Any, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    address = RoutingAddressFactory(verified=True, email_address="support@company.example")

    with django_capture_on_commit_callbacks(execute=True):
        page.post(url_of(address), form_of(email_address="help@company.example"))

    address.refresh_from_db()
    assert not address.is_verified
    assert [message.to for message in mailoutbox] == [["help@company.example"]]


def test_saving_other_settings_sends_nothing(
    page: Client, address: RoutingAddress, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page.post(url_of(address), form_of(case_priority="High"))

    address.refresh_from_db()
    assert address.case_priority == "High"
    assert mailoutbox == []


def test_verified_and_other_internal_fields_cannot_be_posted(page: Client, address: RoutingAddress) -> None:
    token = address.services_token
    forged = {
        "verified_at": "2026-01-01 00:00:00",
        "verified_at_0": "2026-01-01",
        "verified_at_1": "00:00:00",
        "verified_email": "support@company.example",
        "services_token": "a" * 26,
        "deleted_at": "2026-01-01 00:00:00",
        "forwarding_seen_at": "2026-01-01 00:00:00",
        "id": "999",
    }

    response = page.post(url_of(address), form_of(**forged))

    assert response.status_code == 302
    address.refresh_from_db()
    assert (address.verified_at, address.verified_email, address.deleted_at) == (None, "", None)
    assert (address.services_token, address.strategy, address.forwarding_seen_at) == (token, "owner", None)
    assert RoutingAddress.objects.count() == 1


def test_verify_button_sends_again_but_not_twice_in_a_minute(
    page: Client, address: RoutingAddress, mailoutbox: list[Any]
) -> None:
    first = page.post(url_of(address, "verify"))
    second = page.post(url_of(address, "verify"))

    assert first["Location"] == url_of(address)
    assert len(mailoutbox) == 1
    assert "A verification mail is on its way to support@company.example." in words_of(first)
    assert "Try again in" in words_of(second)[-1]
    address.refresh_from_db()
    assert not address.is_verified


def test_verification_mail_that_cannot_be_sent_says_so(page: Client, address: RoutingAddress, settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:1"

    response = page.post(url_of(address, "verify"))

    assert "could not be sent: ConnectionRefusedError" in words_of(response)[0]
    assert "could not be sent" in page.get(url_of(address)).content.decode()


def test_verify_of_a_deleted_or_unknown_address_is_not_found(page: Client, mailoutbox: list[Any]) -> None:
    deleted = RoutingAddressFactory(deleted=True)

    assert page.post(url_of(deleted, "verify")).status_code == 404
    assert page.post("/admin/routing/routingaddress/9999/verify/").status_code == 404
    assert page.post("/admin/routing/routingaddress/x%27/verify/").status_code == 404
    assert mailoutbox == []


def test_deleting_keeps_the_row_revokes_grants_and_leaves_an_audit_event(
    page: Client, address: RoutingAddress, gold: PermissionSet
) -> None:
    permission_sets.grant(gold, address, by=None)

    confirmation = page.get(url_of(address, "delete")).content.decode()
    page.post(url_of(address, "delete"), {"post": "yes"})

    assert "Its cases stay as they are." in confirmation
    address.refresh_from_db()
    assert address.is_deleted
    assert address.grants.count() == 0
    assert AuditEvent.objects.filter(action="address-deleted").count() == 1
    assert list(page.get(LIST).context["cl"].result_list) == []
    assert list(page.get(LIST, {"state": "deleted"}).context["cl"].result_list) == [address]


def test_action_on_the_list_deletes_softly(page: Client, address: RoutingAddress) -> None:
    form = {"action": "delete_selected", "_selected_action": [str(address.pk)], "post": "yes"}

    page.post(LIST, form)

    address.refresh_from_db()
    assert address.is_deleted


def test_deleted_address_is_shown_and_not_changed(page: Client) -> None:
    address = RoutingAddressFactory(deleted=True, routing_name="Old desk")

    shown = page.get(url_of(address))
    page.post(url_of(address), form_of(routing_name="Back again"))

    assert shown.status_code == 200
    assert "This address was deleted" in shown.content.decode()
    address.refresh_from_db()
    assert address.routing_name == "Old desk"


def test_email_address_of_a_deleted_one_can_be_registered_again(page: Client, organisation: Any) -> None:
    RoutingAddressFactory(deleted=True, email_address="support@company.example")

    page.post(ADD, form_of())

    assert RoutingAddress.objects.not_deleted().get().email_address == "support@company.example"


def test_address_in_use_is_refused_with_a_sentence_whatever_its_case(page: Client, address: RoutingAddress) -> None:
    response = page.post(ADD, form_of(email_address="SUPPORT@company.example"))

    assert "Another routing address already uses this email address." in response.content.decode()


def test_owner_is_a_user_or_a_queue_never_both(page: Client, address: RoutingAddress) -> None:
    owners = {"owner_user": UserFactory().pk, "owner_queue": address.owner_queue_id}

    response = page.post(url_of(address), form_of(**owners))

    assert "The case owner is a user or a queue, not both." in response.content.decode()


def test_picker_writes_grants(page: Client, address: RoutingAddress, gold: PermissionSet) -> None:
    other = permission_sets.create_permission_set("Silver", by=None)
    permission_sets.grant(other, address, by=None)

    page.post(url_of(address), form_of(controlled_by_permission_set="on", permission_sets_to_grant=[str(gold.pk)]))

    assert list(permission_sets.permission_sets_granting(address)) == [gold]
    assert set(AuditEvent.objects.values_list("action", flat=True)) >= {
        "address-granted",
        "address-revoked",
        "address-changed",
    }


def test_switching_control_on_with_no_holder_warns(page: Client, address: RoutingAddress, gold: PermissionSet) -> None:
    response = page.post(
        url_of(address), form_of(controlled_by_permission_set="on", permission_sets_to_grant=[str(gold.pk)])
    )
    permission_sets.add_member(gold, UserFactory(), by=None)
    quiet = page.post(
        url_of(address), form_of(controlled_by_permission_set="on", permission_sets_to_grant=[str(gold.pk)])
    )

    assert any("nobody can send from it" in words for words in words_of(response))
    assert not any("nobody can send from it" in words for words in words_of(quiet)[2:])


def test_page_says_who_can_send_and_why(page: Client, gold: PermissionSet, organisation: Any) -> None:
    address = RoutingAddressFactory(verified=True, controlled=True)
    permission_sets.grant(gold, address, by=None)
    permission_sets.add_member(gold, allow(UserFactory(username="robin"), "reply_case"), by=None)

    shown = page.get(url_of(address)).content.decode()

    assert "1 person" in shown
    assert "robin" in shown
    assert "Granted by the permission set “Gold”." in shown


def test_trial_instance_takes_the_address_as_the_name(page: Client, organisation: Any, settings: Any) -> None:
    settings.E2C_TRIAL = True

    page.post(ADD, form_of(routing_name="Mine"))

    address = RoutingAddress.objects.get()
    assert address.routing_name == "support@company.example"
    assert 'name="routing_name"' not in page.get(url_of(address)).content.decode()


def test_state_filter_finds_what_it_says(page: Client, organisation: Any) -> None:
    rows = {
        "verified": RoutingAddressFactory(verified=True),
        "unverified": RoutingAddressFactory(verified_at="2026-01-01T00:00Z", verified_email="former@company.example"),
        "inactive": RoutingAddressFactory(is_active=False),
        "no_sender": RoutingAddressFactory(verified=True, controlled=True),
        "deleted": RoutingAddressFactory(deleted=True),
    }

    found = {
        state: {row.pk for row in page.get(LIST, {"state": state}).context["cl"].result_list} for state in (*rows, "")
    }

    keys = {state: row.pk for state, row in rows.items()}
    assert found["verified"] == {keys["verified"], keys["no_sender"]}
    assert found["unverified"] == {keys["unverified"], keys["inactive"]}
    assert found["inactive"] == {keys["inactive"]}
    assert found["no_sender"] == {keys["no_sender"]}
    assert found["deleted"] == {keys["deleted"]}
    assert found[""] == set(keys.values()) - {keys["deleted"]}


@pytest.mark.parametrize("wanted", ["Support", "support@company.example", "services"])
def test_search_finds_by_name_email_and_services_address(wanted: str, page: Client, address: RoutingAddress) -> None:
    RoutingAddressFactory(routing_name="Billing", email_address="billing@company.example")
    term = address.services_token if wanted == "services" else wanted

    assert list(page.get(LIST, {"q": term}).context["cl"].result_list) == [address]


def test_names_with_markup_are_inert(page: Client, organisation: Any) -> None:
    address = RoutingAddressFactory(routing_name="<script>alert(1)</script>", verified=True)

    page.post(url_of(address), form_of(routing_name="<script>alert(1)</script>", case_priority="Low"))
    selected = page.post(LIST, {"action": "delete_selected", "_selected_action": [str(address.pk)]})

    assert "<script>alert(1)" not in selected.content.decode()
    for url in (
        LIST,
        url_of(address),
        url_of(address, "history"),
        url_of(address, "delete"),
        "/admin/routing/auditevent/",
    ):
        shown = page.get(url).content.decode()
        assert "<script>alert(1)" not in shown
        assert "&lt;script&gt;alert(1)" in shown


@pytest.mark.django_db
def test_list_costs_the_same_for_one_and_thirty_rows(page: Client, organisation: Any, gold: PermissionSet) -> None:
    counts = []
    for number in (1, 29):
        for _ in range(number):
            address = RoutingAddressFactory(verified=True, controlled=True, owner_queue=None, owner_user=UserFactory())
            permission_sets.grant(gold, address, by=None)
        counts.append(queries_of(page, LIST))

    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_page_costs_the_same_for_one_and_thirty_permission_sets_and_mails(
    page: Client, address: RoutingAddress
) -> None:
    counts = []
    for number in (1, 29):
        for each in range(number):
            permission_set = permission_sets.create_permission_set(f"Set {number} {each}", by=None)
            permission_sets.grant(permission_set, address, by=None)
            permission_sets.add_member(permission_set, UserFactory(), by=None)
            VerificationMail.objects.create(
                routing_address=address, email_address="x@company.example", nonce=f"{number} {each}"
            )
        counts.append(queries_of(page, url_of(address)))

    assert counts[0] == counts[1]


def queries_of(page: Client, url: str) -> int:
    page.get(url)  # content types and the session are read once
    with CaptureQueriesContext(connection) as queries:
        assert page.get(url).status_code == 200
    return len(queries)
