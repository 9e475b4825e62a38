from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from routing.models import AuditEvent, EmailTemplate, RoutingAddress, RoutingFlow, VerificationMail
from tests.cases.commands.running import run
from tests.factories import ConnectionFactory, QueueFactory, RecordTypeFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db
ADDRESS = "support@company.example"


@pytest.fixture(autouse=True)
def mail_in_memory(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "memory:"


def test_answers_with_the_address_as_json_alone() -> None:
    QueueFactory(name="Support")

    ran = run("create_routing_address", ADDRESS, "--name", "Gold Support", "--verified", "--owner", "queue:Support")

    address = RoutingAddress.objects.get()
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.json["id"] == address.pk
    assert ran.json["email_address"] == ADDRESS
    assert ran.json["services_address"] == address.services_address
    assert ran.json["routing_name"] == "Gold Support"
    assert ran.json["is_active"] is True
    assert ran.json["is_verified"] is True
    assert ran.json["controlled_by_permission_set"] is False
    assert ran.json["owner"] == {"type": "queue", "name": "Support"}
    assert ran.json["case_record_type"] is None


def test_verified_leaves_an_audit_event_and_sends_no_mail() -> None:
    run("create_routing_address", ADDRESS, "--name", "Support", "--verified")

    assert AuditEvent.objects.filter(action="address-marked-verified").count() == 1
    assert mail.outbox == []


def test_a_second_verified_call_leaves_no_second_audit_event() -> None:
    run("create_routing_address", ADDRESS, "--name", "Support", "--verified")

    run("create_routing_address", ADDRESS, "--name", "Support", "--verified")

    assert AuditEvent.objects.filter(action="address-marked-verified").count() == 1


def test_an_address_that_is_not_verified_gets_its_verification_mail() -> None:
    ran = run("create_routing_address", ADDRESS, "--name", "Support")

    assert ran.json["is_verified"] is False
    assert [message.to for message in mail.outbox] == [[ADDRESS]]


def test_a_verification_mail_that_cannot_be_sent_is_reported_and_the_address_stays(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:1"

    ran = run("create_routing_address", ADDRESS, "--name", "Support")

    assert ran.exit_code == 0
    assert ran.json["email_address"] == ADDRESS
    assert "could not be sent" in ran.stderr
    assert VerificationMail.objects.get().state == VerificationMail.State.FAILED


def test_the_same_address_in_other_letters_is_updated() -> None:
    first = run("create_routing_address", ADDRESS, "--name", "Support", "--verified")

    second = run("create_routing_address", "SUPPORT@Company.Example", "--name", "Help", "--controlled")

    assert second.json["id"] == first.json["id"]
    assert second.json["services_address"] == first.json["services_address"]
    assert second.json["routing_name"] == "Help"
    assert second.json["controlled_by_permission_set"] is True
    assert second.json["is_verified"] is True
    assert RoutingAddress.objects.count() == 1


def test_what_is_not_given_stays_as_it_is() -> None:
    UserFactory(username="rep")
    run("create_routing_address", ADDRESS, "--name", "Support", "--verified", "--owner", "user:rep", "--controlled")

    ran = run("create_routing_address", ADDRESS, "--set", "case_priority=High")

    assert ran.json["routing_name"] == "Support"
    assert ran.json["owner"] == {"type": "user", "name": "rep"}
    assert ran.json["controlled_by_permission_set"] is True
    assert ran.json["case_priority"] == "High"


def test_set_covers_every_editable_field() -> None:
    RecordTypeFactory(name="Billing")
    QueueFactory(name="Billing")
    RoutingFlow.objects.create(name="By language")
    EmailTemplate.objects.create(name="We got it", text_body="We got it.")
    ConnectionFactory(name="Own server", account=ADDRESS)
    values = {
        "connection": ("Own server", "Own server"),
        "routing_name": ("Gold", "Gold"),
        "is_active": ("0", False),
        "priority_order": ("7", 7),
        "display_name": ("Our Support", "Our Support"),
        "signature": ("Kind regards", "Kind regards"),
        "language": ("de", "de"),
        "save_email_headers": ("true", True),
        "accept_email_from": ("example.com,*.example.org", "example.com,*.example.org"),
        "block_email_from": ("spam@example.net", "spam@example.net"),
        "unwrap_forwards_from": ("*.company.example", "*.company.example"),
        "controlled_by_permission_set": ("1", True),
        "create_task": ("TRUE", True),
        "task_status": ("In Progress", "In Progress"),
        "case_record_type": ("Billing", "Billing"),
        "case_priority": ("High", "High"),
        "case_origin": ("Web", "Web"),
        "closed_case_policy": ("always_reopen", "always_reopen"),
        "reopen_days": ("30", 30),
        "strategy": ("flow", "flow"),
        "assignment_rule": ("", None),
        "flow": ("By language", "By language"),
        "fallback_queue": ("Billing", "Billing"),
        "signed_reply_to": ("false", False),
        "auto_response_policy": ("every_mail", "every_mail"),
        "auto_response_template": ("We got it", "We got it"),
        "auto_response_hours": ("48", 48),
        "auto_response_hourly_limit": ("20", 20),
        "canary_hours": ("6", 6),
        "asks_satisfaction": ("1", True),
        "satisfaction_template": ("We got it", "We got it"),
        "satisfaction_hours": ("12", 12),
        "satisfaction_window_days": ("60", 60),
    }
    elsewhere = {"email_address", "owner_user", "owner_queue"}  # the argument, and --owner
    editable = {field.name for field in RoutingAddress._meta.fields if field.editable and not field.primary_key}

    assignments = [part for name, (text, _value) in values.items() for part in ("--set", f"{name}={text}")]
    ran = run("create_routing_address", ADDRESS, "--name", "Support", "--verified", *assignments)

    assert values.keys() | elsewhere == editable
    assert {name: ran.json[name] for name in values} == {name: value for name, (_text, value) in values.items()}


def test_setting_an_owner_of_the_other_kind_replaces_the_owner() -> None:
    UserFactory(username="rep")
    QueueFactory(name="Billing")
    run("create_routing_address", ADDRESS, "--name", "Support", "--verified", "--owner", "user:rep")

    ran = run("create_routing_address", ADDRESS, "--set", "owner_queue=Billing")

    assert ran.json["owner"] == {"type": "queue", "name": "Billing"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--owner", "queue:Nobody"], 'owner: there is no queue "Nobody".'),
        (["--owner", "user:nobody"], 'owner: there is no user "nobody".'),
        (["--owner", "nobody"], 'owner: "nobody" must have the form user:NAME or queue:NAME.'),
        (["--set", "case_priority=Huge"], 'case_priority: "Huge" is not one of Low, Medium, High.'),
        (["--set", "is_active=perhaps"], 'is_active: must be 1, 0, true or false, not "perhaps".'),
        (["--set", "reopen_days=soon"], 'reopen_days: must be a whole number, not "soon".'),
        (["--set", "case_record_type=Nothing"], 'case_record_type: there is no record type "Nothing".'),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_and_nothing_is_made(arguments: list[str], error: str) -> None:
    ran = run("create_routing_address", ADDRESS, "--name", "Support", *arguments)

    assert ran.exit_code == 1
    assert ran.json == {"error": error}
    assert RoutingAddress.objects.count() == 0
    assert mail.outbox == []


@pytest.mark.parametrize("name", ["colour", "id", "verified_at", "services_token", "deleted_at"])
def test_a_field_that_is_unknown_or_not_editable_is_refused(name: str) -> None:
    ran = run("create_routing_address", ADDRESS, "--name", "Support", "--set", f"{name}=1")

    assert ran.exit_code == 1
    assert ran.json["error"].startswith(f'{name}: unknown field "{name}"; known are accept_email_from, ')
    assert RoutingAddress.objects.count() == 0


def test_something_that_is_no_address_is_refused() -> None:
    ran = run("create_routing_address", "not an address", "--name", "Support")

    assert ran.exit_code == 1
    assert ran.json == {"error": "email_address: Enter one email address, such as support@example.com."}


def test_patterns_that_cannot_be_read_are_refused() -> None:
    ran = run("create_routing_address", ADDRESS, "--name", "Support", "--set", "accept_email_from=a@b@c")

    assert ran.exit_code == 1
    assert ran.json["error"].startswith("accept_email_from: ")


@pytest.mark.parametrize(
    "arguments",
    [[], [ADDRESS], [ADDRESS, "--name", "Support", "--colour"], [ADDRESS, "--name", "Support", "--set", "is_active"]],
)
def test_usage_errors_exit_64(arguments: list[str]) -> None:
    ran = run("create_routing_address", *arguments)

    assert (ran.exit_code, ran.stdout) == (64, "")
    assert RoutingAddress.objects.count() == 0


def test_on_a_trial_instance_the_name_is_the_address(settings: Any) -> None:
    settings.E2C_TRIAL = True

    ran = run("create_routing_address", ADDRESS, "--name", "Gold Support", "--verified")

    assert ran.json["routing_name"] == ADDRESS


def test_a_deleted_address_is_made_anew() -> None:
    deleted = RoutingAddressFactory(email_address=ADDRESS, deleted=True)

    ran = run("create_routing_address", ADDRESS, "--name", "Support", "--verified")

    assert ran.json["id"] != deleted.pk
    assert ran.json["services_address"] != deleted.services_address
