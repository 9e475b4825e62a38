"""check_setup names each fault: one broken configuration a test, beside one that is whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from cases.demo import DEMO_PASSWORDS
from cases.models import CaseStatus, Heartbeat, InboundEmail
from cases.setup_checks import check_setup, surroundings
from cases.sweeping import SWEEPER
from routing import permission_sets
from routing.models import (
    EmailTemplate,
    EmailToCaseSettings,
    PermissionSet,
    QueueMember,
    RecordType,
    RoutingAddress,
)
from tests.cases.commands.running import run
from tests.factories import CaseFactory, InboundEmailFactory, QueueFactory, RoutingAddressFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def whole_setup(organisation: EmailToCaseSettings, settings: Any, tmp_path: Path) -> Any:
    """An instance on which nothing is wrong; returns the settings, for tests that break one."""
    settings.E2C_MODE = "local"
    settings.E2C_WEBHOOK_SECRET = "provider:long-secret"
    settings.E2C_MISSING_CREDENTIALS = []
    settings.E2C_INBOUND_DOMAIN = "inbound.company.com"
    settings.E2C_PUBLIC_URL = "https://cases.company.com"
    settings.E2C_SYSTEM_FROM = "Cases <no-reply@company.com>"
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:2500"
    settings.CELERY_BROKER_URL = "memory://"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    rep = UserFactory(username="dana")
    queue = QueueFactory(name="Support")
    queue.members.add(rep)
    address = RoutingAddressFactory(
        email_address="support@company.com",
        owner_queue=queue,
        verified=True,
        controlled=True,
        forwarding_seen_at=timezone.now(),
    )
    permission_set = permission_sets.create_permission_set("Senders", by=None)
    permission_sets.add_member(permission_set, rep, by=None)
    permission_sets.grant(permission_set, address, by=None)
    Heartbeat.objects.create(name="sweeper", at=timezone.now())
    return settings


def faults() -> dict[str, str]:
    return {finding.name: finding.message for finding in check_setup() if not finding.is_ok}


def test_a_whole_setup_exits_0(whole_setup: Any) -> None:
    ran = run("check_setup")

    assert [line for line in ran.lines if line.startswith("wrong")] == []
    assert ran.lines[-1] == "All is well."
    assert ran.exit_code == 0


def test_a_fault_exits_1_and_says_what_to_do(whole_setup: Any) -> None:
    whole_setup.E2C_INBOUND_DOMAIN = "inbound.localhost"

    ran = run("check_setup")

    assert ran.exit_code == 1
    assert [line for line in ran.lines if line.startswith("wrong")] == [
        "wrong  inbound_domain: No mail from outside reaches services addresses at inbound.localhost. "
        "Set E2C_INBOUND_DOMAIN to the domain whose MX records point to your inbound provider."
    ]


def test_json_is_alone_on_stdout(whole_setup: Any) -> None:
    ran = run("check_setup", "--format", "json")

    by_name = {finding["name"]: finding for finding in ran.json}
    assert by_name["settings"] == {
        "name": "settings",
        "ok": True,
        "message": "Email-to-Case is switched on.",
        "remedy": None,
    }


def break_user(**fields: Any) -> None:
    get_user_model().objects.filter(username="dana").update(**fields)


ROW_FAULTS: list[tuple[str, Callable[[], Any], dict[str, str]]] = [
    (
        "no settings row",
        lambda: EmailToCaseSettings.objects.all().delete(),
        {"settings": "There are no Email-to-Case settings.", "default_owner": "There is no default case owner."},
    ),
    (
        "switched off",
        lambda: EmailToCaseSettings.objects.update(enabled=False),
        {"settings": "Email-to-Case is switched off: new mail is held."},
    ),
    (
        "no default owner",
        lambda: EmailToCaseSettings.objects.update(default_case_owner_queue=None),
        {"default_owner": "There is no default case owner."},
    ),
    (
        "default owner not active",
        lambda: EmailToCaseSettings.objects.update(
            default_case_owner_queue=None, default_case_owner_user=UserFactory(username="former", is_active=False)
        ),
        {"default_owner": "The default case owner, former, is not active."},
    ),
    (
        "no default status",
        lambda: CaseStatus.objects.update(is_default=False),
        {"default_status": "No case status is the default."},
    ),
    (
        "no closed status",
        lambda: CaseStatus.objects.filter(is_closed=True).delete(),
        {"closed_status": "No case status means closed."},
    ),
    (
        "no default record type",
        lambda: RecordType.objects.update(is_default=False),
        {"default_record_type": "No record type is the default."},
    ),
    (
        "no active address",
        lambda: RoutingAddress.objects.update(is_active=False),
        {"routing_addresses": "No routing address is active: no mail can become a case."},
    ),
    (
        "address not verified",
        lambda: RoutingAddress.objects.update(verified_at=None, verified_email=""),
        {"address_verified": "support@company.com is not verified: nothing can be sent from it."},
    ),
    (
        "address verified for another spelling",
        lambda: RoutingAddress.objects.update(verified_email="help@company.com"),
        {"address_verified": "support@company.com is not verified: nothing can be sent from it."},
    ),
    (
        "address owner not active",
        lambda: RoutingAddress.objects.update(
            owner_queue=None, owner_user=UserFactory(username="former", is_active=False)
        ),
        {"address_owner": "former, case owner of support@company.com, is not active."},
    ),
    (
        "cases of somebody who left",
        lambda: CaseFactory.create_batch(
            2, owner_queue=None, owner_user=UserFactory(username="former", is_active=False)
        ),
        {"case_owners": "former is not active and owns open cases: 2."},
    ),
    (
        "address queue without members",
        lambda: QueueMember.objects.all().delete(),
        {"address_owner": "The queue Support, case owner of support@company.com, has no active member."},
    ),
    (
        "forwarding never seen",
        lambda: RoutingAddress.objects.update(forwarding_seen_at=None),
        {"address_forwarding": "No mail to support@company.com has come in through its forward yet."},
    ),
    (
        "permission set switched off",
        lambda: PermissionSet.objects.update(is_active=False),
        {"controlled_addresses": "support@company.com is controlled by permission set, but nobody may send."},
    ),
    (
        "predefined From not verified",
        lambda: EmailToCaseSettings.objects.update(
            default_from=RoutingAddressFactory(email_address="new@company.com", is_active=False)
        ),
        {
            "email_action": "The predefined From for all cases, new@company.com, is passed over. "
            "The routing address is switched off."
        },
    ),
    (
        "template with a field that does not exist",
        lambda: EmailTemplate.objects.create(name="Late", text_body="{{ customer.shoe }}"),
        {"templates": "The email template “Late” is not finished: customer.shoe."},
    ),
    (
        "automatic answers stopped",
        lambda: RoutingAddress.objects.update(
            auto_response_policy="new_cases",
            auto_response_template=EmailTemplate.objects.create(name="Got it", text_body="Got it."),
            auto_response_stopped_at=timezone.now(),
        ),
        {
            "auto_responses": "Automatic answers of support@company.com are on, but nobody gets one: "
            "the address sent too many answers and waits for a person to let it go on."
        },
    ),
    (
        "the only sender not active",
        lambda: break_user(is_active=False),
        {
            "address_owner": "The queue Support, case owner of support@company.com, has no active member.",
            "controlled_addresses": "support@company.com is controlled by permission set, but nobody may send.",
        },
    ),
    (
        "sweeper never ran",
        lambda: Heartbeat.objects.all().delete(),
        {"sweeper": "The sweeper has never run."},
    ),
    (
        "sweeper stopped",
        lambda: Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=300)),
        {"sweeper": "The sweeper was last seen 300 seconds ago."},
    ),
]


@pytest.mark.parametrize(("breaks", "expected"), [pytest.param(*rest, id=name) for name, *rest in ROW_FAULTS])
def test_a_broken_row_is_named(whole_setup: Any, breaks: Callable[[], Any], expected: dict[str, str]) -> None:
    breaks()

    assert faults() == expected


SETTING_FAULTS = [
    ("E2C_WEBHOOK_SECRET", "", {"webhook_secret": "E2C_WEBHOOK_SECRET is not set: no webhook can be trusted."}),
    (
        "E2C_MISSING_CREDENTIALS",
        [("mailgun", "E2C_MAILGUN_WEBHOOK_SIGNING_KEY")],
        {"provider_credentials": "E2C_MAILGUN_WEBHOOK_SIGNING_KEY is not set, but mailgun is listed."},
    ),
    (
        "E2C_INBOUND_DOMAIN",
        "inbound.localhost",
        {"inbound_domain": "No mail from outside reaches services addresses at inbound.localhost."},
    ),
    (
        "E2C_PUBLIC_URL",
        "http://127.0.0.1:8000",
        {"public_url": "Links in mail point to 127.0.0.1, which only this machine knows."},
    ),
    ("E2C_PUBLIC_URL", "cases", {"public_url": "E2C_PUBLIC_URL, cases, is not a web address."}),
    ("E2C_SYSTEM_FROM", "no-reply@localhost", {"system_from": "Nobody accepts mail from no-reply@localhost."}),
    ("E2C_SYSTEM_FROM", "nobody", {"system_from": "E2C_SYSTEM_FROM, 'nobody', is not one address."}),
    (
        "E2C_EMAIL_URL",
        "file:",
        {"outgoing_mail": "E2C_EMAIL_URL is file: mail stays on this machine and reaches nobody."},
    ),
    (
        "CELERY_BROKER_URL",
        "redis://127.0.0.1:1/0",
        {"broker": "The broker (redis) does not answer: OperationalError."},
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"), [pytest.param(*case, id=f"{case[0]}={case[1]}") for case in SETTING_FAULTS]
)
def test_a_broken_setting_is_named(whole_setup: Any, name: str, value: Any, expected: dict[str, str]) -> None:
    setattr(whole_setup, name, value)

    assert faults() == expected


def test_an_email_url_that_cannot_be_read_is_named(whole_setup: Any) -> None:
    whole_setup.E2C_EMAIL_URL = "carrier-pigeon://coop"

    assert list(faults()) == ["outgoing_mail"]


def test_plain_http_is_a_fault_in_production(whole_setup: Any) -> None:
    whole_setup.E2C_MODE = "production"
    whole_setup.E2C_PUBLIC_URL = "http://cases.company.com"

    assert faults() == {"public_url": "E2C_PUBLIC_URL does not begin with https."}


def test_storage_that_cannot_be_written_is_named(whole_setup: Any, tmp_path: Path) -> None:
    file_in_the_way = tmp_path / "blobs"
    file_in_the_way.write_text("not a folder", encoding="utf-8")

    assert list(faults()) == ["storage"]


def test_checking_leaves_nothing_in_the_storage(whole_setup: Any, own_storage: Path) -> None:
    check_setup()

    assert [path for path in own_storage.rglob("*") if path.is_file()] == []


def test_mail_that_waits_is_named(whole_setup: Any) -> None:
    received_at = timezone.now() - timedelta(minutes=3)
    InboundEmailFactory(state=InboundEmail.State.RECEIVED, received_at=received_at)

    assert faults() == {"waiting_mail": f"Mail waits to be settled since {received_at:%Y-%m-%d %H:%M} UTC."}


@pytest.mark.parametrize("username", sorted(DEMO_PASSWORDS))
def test_a_demo_password_outside_demo_mode_is_named(whole_setup: Any, username: str) -> None:
    user = UserFactory(username=username)
    user.set_password(DEMO_PASSWORDS[username])
    user.save()

    assert faults() == {"demo_users": f"The user {username} has its demo password, which everybody can read."}


def test_a_user_of_a_demo_name_with_a_password_of_its_own_is_no_fault(whole_setup: Any) -> None:
    user = UserFactory(username="admin")
    user.set_password("something else")
    user.save()

    assert faults() == {}


def test_migrations_that_are_not_applied_are_named_and_stop_the_checks_of_rows(whole_setup: Any) -> None:
    MigrationRecorder(connection).migration_qs.filter(app="cases").order_by("-id").first().delete()

    found = faults()

    assert list(found) == ["migrations"]
    assert found["migrations"].startswith("Migrations that are not applied: 1, the first is cases.")


def test_demo_mode_needs_no_public_names(whole_setup: Any) -> None:
    whole_setup.E2C_MODE = "demo"
    whole_setup.E2C_INBOUND_DOMAIN = "inbound.demo.example"
    whole_setup.E2C_PUBLIC_URL = "http://127.0.0.1:8000"
    whole_setup.E2C_SYSTEM_FROM = "no-reply@demo.example"
    whole_setup.E2C_EMAIL_URL = "file:"

    assert faults() == {}


def test_the_heartbeat_looked_for_is_the_one_the_sweeper_writes() -> None:
    assert surroundings.SWEEPER == SWEEPER


def test_every_name_of_a_finding_is_documented(whole_setup: Any) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "setup-commands.md").read_text(encoding="utf-8")
    table = page.split("## check_setup")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]

    documented = {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}

    assert documented == {finding.name for finding in check_setup()}
