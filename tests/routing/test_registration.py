from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from routing import permission_sets
from routing.models import AuditEvent, RoutingAddress
from routing.registration import save_routing_address
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_new_address_is_due_for_verification_and_leaves_an_audit_event() -> None:
    admin = UserFactory()
    address = RoutingAddress(routing_name="Support", email_address="support@company.example")

    assert save_routing_address(address, by=admin) is True

    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("address-created", admin)
    assert event.detail["changes"]["email_address"] == [None, "support@company.example"]


def test_another_email_address_voids_what_was_proved_about_the_former_one() -> None:
    address = RoutingAddressFactory(verified=True)
    RoutingAddress.objects.filter(pk=address.pk).update(forwarding_seen_at=address.verified_at)
    address.refresh_from_db()
    token = address.services_token
    address.email_address = "help@company.example"

    assert save_routing_address(address, by=None) is True

    address.refresh_from_db()
    assert (address.verified_at, address.verified_email, address.forwarding_seen_at) == (None, "", None)
    assert address.services_token == token


def test_other_settings_leave_the_verification_alone() -> None:
    address = RoutingAddressFactory(verified=True)
    address.case_priority = "High"

    assert save_routing_address(address, by=None) is False

    address.refresh_from_db()
    assert address.is_verified
    assert AuditEvent.objects.get().detail == {"changes": {"case_priority": ["Medium", "High"]}}


def test_saving_without_a_change_leaves_no_audit_event() -> None:
    assert save_routing_address(RoutingAddressFactory(), by=None) is False
    assert AuditEvent.objects.count() == 0


def test_grants_follow_the_chosen_permission_sets() -> None:
    address = RoutingAddressFactory(verified=True)
    gold, silver = (permission_sets.create_permission_set(label, by=None) for label in ("Gold", "Silver"))
    permission_sets.grant(gold, address, by=None)

    save_routing_address(address, by=None, permission_sets_to_grant=[silver])

    assert list(permission_sets.permission_sets_granting(address)) == [silver]


@pytest.mark.parametrize("email_address", ["no-reply@company.example", "a@b@c", ""])
def test_system_address_and_non_addresses_are_refused(email_address: str) -> None:
    with pytest.raises(ValidationError):
        RoutingAddress(routing_name="x", email_address=email_address).full_clean()


def test_generated_services_address_is_refused_as_a_routing_address() -> None:
    with pytest.raises(ValidationError, match="generated services address"):
        RoutingAddress(routing_name="x", email_address=RoutingAddressFactory().services_address).full_clean()


def test_trial_instance_names_the_address_after_itself(settings: Any) -> None:
    settings.E2C_TRIAL = True
    address = RoutingAddress(routing_name="mine", email_address="Support@Company.example")

    address.full_clean()

    assert address.routing_name == "support@company.example"


def test_what_others_wrote_meanwhile_is_not_written_back() -> None:
    address = RoutingAddressFactory()
    read_earlier = RoutingAddress.objects.get(pk=address.pk)
    moment = timezone.now()
    RoutingAddress.objects.filter(pk=address.pk).update(
        verified_at=moment,
        verified_email=address.email_address,
        forwarding_seen_at=moment,
        last_mail_at=moment,
        auto_response_stopped_at=moment,
        deleted_at=moment,
    )
    read_earlier.case_priority = "High"

    save_routing_address(read_earlier, by=None)

    address.refresh_from_db()
    assert address.case_priority == "High"
    kept = (address.verified_at, address.forwarding_seen_at, address.last_mail_at, address.deleted_at)
    assert kept == (moment,) * 4
    assert address.auto_response_stopped_at == moment
    assert AuditEvent.objects.get().detail == {"changes": {"case_priority": ["Medium", "High"]}}


def test_a_change_far_behind_in_a_long_text_is_in_the_audit_log() -> None:
    senders = ", ".join(f"customer{number}.example" for number in range(60))
    address = RoutingAddressFactory(accept_email_from=senders)
    address.accept_email_from = f"{senders}, new.example"

    save_routing_address(address, by=None)

    before, after = AuditEvent.objects.get().detail["changes"]["accept_email_from"]
    assert after.endswith("customer59.example, new.example")
    assert before.endswith("customer59.example")
    assert before.startswith("…")
    assert len(after) <= 502


def test_the_audit_log_names_the_rows_that_an_address_names_and_nothing_that_stays_empty() -> None:
    queue = QueueFactory(name="Gold Support")
    address = RoutingAddress(routing_name="Support", email_address="support@company.example", owner_queue=queue)

    save_routing_address(address, by=None)
    address.owner_queue = None
    save_routing_address(address, by=None)

    made, changed = (event.detail["changes"] for event in AuditEvent.objects.order_by("pk"))
    assert made["owner_queue"] == [None, f"Gold Support (#{queue.pk})"]
    assert not {"signature", "flow", "verified_at"} & made.keys()
    assert changed == {"owner_queue": [f"Gold Support (#{queue.pk})", ""]}
