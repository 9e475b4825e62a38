"""export_config and import_config: one file out, the same configuration in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.configuration import export_configuration, import_configuration
from cases.models import CaseField, CaseStatus, Contact
from cases.setup import set_up_instance
from routing import permission_sets
from routing.configuration.errors import ConfigurationError
from routing.models import (
    AuditEvent,
    EmailTemplate,
    EmailToCaseSettings,
    PermissionSet,
    Queue,
    QuickText,
    RecordType,
    RoutingAddress,
    RoutingFlow,
)
from tests.cases.commands.running import run
from tests.factories import (
    CaseFactory,
    ContactFactory,
    PermissionSetFactory,
    QueueFactory,
    RecordTypeFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]
User = get_user_model()


def import_lines(document: dict[str, Any], **options: bool) -> list[str]:
    return import_configuration(yaml.safe_dump({"version": 1} | document), **options).changes


def refusal(document: dict[str, Any], **options: bool) -> str:
    with pytest.raises(ConfigurationError) as caught:
        import_lines(document, **options)
    return str(caught.value)


def make_everything() -> None:
    """One of each thing a configuration holds, with every list filled."""
    support = Group.objects.create(name="Supervisors")
    support.permissions.add(Permission.objects.get(codename="view_all_cases"))
    rep = UserFactory(username="rep", first_name="Demo", last_name="Rep", staff=True)
    rep.set_password("a secret that stays here")
    rep.save()
    rep.groups.add(support)
    rep.user_permissions.add(Permission.objects.get(codename="reply_case"))
    UserFactory(username="former", is_active=False)
    queue = QueueFactory(name="Billing", email="billing-team@company.example", notify_members=True)
    queue.members.add(rep)
    record_type = RecordTypeFactory(name="Billing", description="Money")
    address = RoutingAddressFactory(
        email_address="billing@company.example",
        routing_name="Billing",
        signature="Kind regards\nBilling: always\n",
        accept_email_from="example.com\r\n*.example.org",
        case_record_type=record_type,
        owner_queue=queue,
        verified=True,
        controlled=True,
    )
    RoutingAddressFactory(email_address="sales@company.example", owner_queue=None, owner_user=rep)
    RoutingAddressFactory(email_address="old@company.example", owner_queue=queue, deleted=True)
    granting = permission_sets.create_permission_set("Billing senders", by=None, description="May send")
    permission_sets.add_member(granting, rep, by=None, expires_at=datetime(2031, 12, 31, 18, tzinfo=UTC))
    permission_sets.grant(granting, address, by=None)
    CaseStatus.objects.create(label="Waiting", position=7)
    serial = CaseField.objects.create(slug="serial", label="Serial number", help_text="On the back", position=2)
    serial.record_types.add(record_type)
    CaseField.objects.create(slug="colour", label="Colour", kind="choice", choices="Red\nBlue", is_active=False)
    EmailToCaseSettings.objects.update(daily_limit=500, hold_bulk=True)
    template = EmailTemplate.objects.create(
        name="We got it", subject="Got it", html_body="<p>Hello {{ customer.first_name|there }},<br>soon.</p>"
    )
    EmailTemplate.objects.create(name="Late", text_body="Sorry.\n\n{{ rep.name }}\n", language="de", is_active=False)
    QuickText.objects.create(shortcut="thanks", name="Thanks", body="Thank you, {{ customer.first_name|all }}.")
    RoutingAddress.objects.filter(pk=address.pk).update(
        auto_response_policy="new_cases",
        auto_response_template=template,
        asks_satisfaction=True,
        satisfaction_template=template,
        satisfaction_hours=48,
        strategy="flow",
        flow=RoutingFlow.objects.create(name="By language"),
        fallback_queue=queue,
        signed_reply_to=False,
    )
    RecordType.objects.filter(pk=record_type.pk).update(
        default_from=address, default_template=template, requires_approval=True, asks_satisfaction=False
    )
    EmailToCaseSettings.objects.update(default_from=address)
    PermissionSet.objects.update(requires_approval=True)
    ContactFactory(name="見本 太郎", email="Taro@example.org", company="Example Org")
    ContactFactory(name="Casey Customer", email="casey@example.net")
    ContactFactory(name="Robin Reader", email="casey@example.net")


def empty_the_instance() -> None:
    EmailToCaseSettings.objects.all().delete()
    RoutingAddress.objects.all().delete()
    for permission_set in PermissionSet.objects.all():
        permission_sets.delete_permission_set(permission_set, by=None)
    for model in (EmailTemplate, QuickText, Queue, RecordType, CaseStatus, CaseField, Contact, User, Group):
        model.objects.all().delete()
    set_up_instance()


def without_tokens(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "services_address:" not in line)


def test_export_then_import_on_an_empty_instance_gives_the_same_export(tmp_path: Path) -> None:
    make_everything()
    exported = run("export_config").stdout
    file = tmp_path / "config.yaml"
    file.write_text(exported, encoding="utf-8")
    empty_the_instance()

    ran = run("import_config", str(file))

    assert ran.exit_code == 0
    assert without_tokens(run("export_config").stdout) == without_tokens(exported)


def test_importing_the_own_export_changes_nothing() -> None:
    make_everything()
    exported = export_configuration()
    events = AuditEvent.objects.count()

    changes = import_configuration(exported, delete=True).changes

    assert changes == []
    assert AuditEvent.objects.count() == events


def test_export_is_yaml_without_passwords_and_with_a_readable_signature() -> None:
    make_everything()

    text = export_configuration()

    document = yaml.safe_load(text)
    assert list(document) == [
        "version",
        "email_templates",
        "quick_texts",
        "groups",
        "users",
        "queues",
        "skills",
        "rep_capacity",
        "record_types",
        "business_hours",
        "service_levels",
        "settings",
        "connections",
        "assignment_rules",
        "flows",
        "routing_addresses",
        "email_action",
        "permission_sets",
        "case_statuses",
        "case_fields",
        "contacts",
    ]
    assert "password" not in text
    assert "pbkdf2" not in text
    assert "signature: |" in text
    assert "見本 太郎" in text
    assert [address["email_address"] for address in document["routing_addresses"]] == [
        "billing@company.example",
        "sales@company.example",
    ]
    assert document["permission_sets"] == [
        {
            "label": "Billing senders",
            "description": "May send",
            "is_active": True,
            "requires_approval": True,
            "members": [{"user": "rep", "expires": "2031-12-31T18:00:00Z"}],
            "addresses": ["billing@company.example"],
        }
    ]
    assert document["groups"] == [{"name": "Supervisors", "permissions": ["cases.view_all_cases"]}]


def test_every_editable_field_of_an_address_and_of_the_settings_is_exported() -> None:
    RoutingAddressFactory()

    document = yaml.safe_load(export_configuration())

    def editable(model: Any) -> set[str]:
        return {field.name for field in model._meta.fields if field.editable and not field.primary_key}

    address = set(document["routing_addresses"][0]) - {"verified", "services_address", "owner"}
    settings_row = set(document["settings"]) - {"default_case_owner"}
    assert address == editable(RoutingAddress) - {"owner_user", "owner_queue"}
    elsewhere = {"default_case_owner_user", "default_case_owner_queue", "default_from"}
    assert settings_row == editable(EmailToCaseSettings) - elsewhere


def test_the_diff_has_one_readable_line_for_each_change() -> None:
    QueueFactory(name="Billing")
    RoutingAddressFactory(email_address="a@company.example", routing_name="A")

    changes = import_lines(
        {
            "users": [{"username": "rep"}],
            "queues": [{"name": "Billing", "members": ["rep"]}, {"name": "Sales"}],
            "routing_addresses": [{"email_address": "A@Company.example", "case_priority": "High"}],
            "settings": {"daily_limit": 7},
        }
    )

    assert changes == [
        "+ user rep",
        "~ queue Billing: + member rep",
        "+ queue Sales",
        "~ settings: daily_limit 100000 -> 7",
        "~ routing address a@company.example: case_priority Medium -> High",
    ]


def test_a_dry_run_prints_the_changes_and_makes_none(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("version: 1\nqueues:\n- name: Billing\n", encoding="utf-8")

    ran = run("import_config", str(file), "--dry-run")

    assert ran.exit_code == 0
    assert ran.lines == ["+ queue Billing", "Dry run: nothing was changed."]
    assert not Queue.objects.filter(name="Billing").exists()
    assert AuditEvent.objects.count() == 0


def test_an_import_is_in_the_audit_log() -> None:
    import_lines({"queues": [{"name": "Billing"}]})

    event = AuditEvent.objects.get(action="configuration-imported")
    assert event.detail == {"count": 1, "changes": ["+ queue Billing"]}


def test_nothing_is_written_when_a_later_entry_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "version: 1\nqueues:\n- name: Billing\n"
        "routing_addresses:\n- email_address: a@b.example\n  owner: queue:Nobody\n",
        encoding="utf-8",
    )

    ran = run("import_config", str(file))

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert 'routing_addresses[0] (a@b.example).owner: there is no queue "Nobody".' in ran.stderr
    assert not Queue.objects.filter(name="Billing").exists()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"colours": []}, "colours: unknown key; known here are version, email_templates, "),
        ({"version": 2}, "version: must be 1, not 2."),
        ({"queues": [{"name": "A", "colour": 1}]}, "queues[0] (A).colour: unknown key; known here are name, "),
        ({"queues": [{"email": "a@b.example"}]}, "queues[0]: the key name is missing."),
        ({"queues": ["A"]}, "queues[0]: must hold keys and values, not A."),
        ({"queues": {"name": "A"}}, "queues: must be a list, not keys and values."),
        ({"queues": [{"name": "A"}, {"name": "A"}]}, 'queues[1] (A).name: "A" stands at queues[0] (A) already.'),
        ({"queues": [{"name": 7}]}, "queues[0].name: must be text, not 7; put quotes around it."),
        ({"queues": [{"name": "A", "members": ["x"]}]}, 'queues[0] (A).members[0]: there is no user "x".'),
        ({"queues": [{"name": "A", "email": "no"}]}, "queues[0] (A).email: Enter a valid email address."),
        (
            {"users": [{"username": "u", "permissions": ["cases.fly"]}]},
            'users[0] (u).permissions[0]: there is no permission "cases.fly"; an example is cases.reply_case.',
        ),
        ({"users": [{"username": "u", "groups": ["G"]}]}, 'users[0] (u).groups[0]: there is no group "G"'),
        ({"users": [{"username": "u", "is_staff": "yes"}]}, "users[0] (u).is_staff: must be true or false, not yes."),
        ({"settings": {"daily_limit": "many"}}, "settings.daily_limit: must be a whole number, not many."),
        ({"settings": {"over_limit_action": "lose"}}, 'settings.over_limit_action: "lose" is not one of bounce, '),
        (
            {"routing_addresses": [{"email_address": "a@b.example", "routing_name": "A", "case_priority": "Huge"}]},
            'routing_addresses[0] (a@b.example).case_priority: "Huge" is not one of Low, Medium, High.',
        ),
        (
            {"routing_addresses": [{"email_address": "a@b.example"}]},
            "routing_addresses[0] (a@b.example).routing_name: ",
        ),
        ({"routing_addresses": [{"email_address": "nobody"}]}, 'routing_addresses[0].email_address: "nobody" is not'),
        (
            {"permission_sets": [{"label": "P", "addresses": ["x@b.example"]}]},
            'permission_sets[0] (P).addresses[0]: there is no routing address "x@b.example".',
        ),
        (
            {"permission_sets": [{"label": "P", "members": [{"user": "x"}]}]},
            'permission_sets[0] (P).members[0].user: there is no user "x".',
        ),
        (
            {
                "users": [{"username": "u"}],
                "permission_sets": [{"label": "P", "members": [{"user": "u", "expires": "soon"}]}],
            },
            'permission_sets[0] (P).members[0].expires: "soon" is not a time such as 2030-12-31T18:00:00Z.',
        ),
        (
            {"record_types": [{"name": "A", "is_default": True}, {"name": "B", "is_default": True}]},
            "record_types: only one can be the default, not A and B.",
        ),
        (
            {"record_types": [{"name": "Support", "is_default": False}]},
            "record_types: no record type would be the default.",
        ),
        ({"contacts": [{"name": "A", "email": "nobody"}]}, 'contacts[0].email: "nobody" is not an email address.'),
        ({"contacts": [{"email": "a@b.example"}]}, "contacts[0]: the key name is missing."),
    ],
)
def test_an_error_names_the_place_and_the_problem(document: dict[str, Any], problem: str) -> None:
    before = export_configuration()

    assert refusal(document).startswith(problem)
    assert export_configuration() == before


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 1\nqueues: ]\n", "line 2, column 9: this is not YAML"),
        ("version: 1\nversion: 1\n", 'line 2, column 1: the key "version" stands twice.'),
        ("version: 1\n2: x\n", "line 2, column 1: the key 2 must be text."),
        ("version: 1\nqueues: !!python/object/apply:os.getcwd []\n", "line 2, column 9: this is not YAML"),
        ("", "must hold keys and values, not nothing."),
        ("- a\n", "must hold keys and values, not a list."),
        ("a: \x00\n", "file: this is not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        import_configuration(text)

    assert str(caught.value).startswith(problem)


def test_a_file_that_cannot_be_read_exits_1(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"version: 1 # \xe9\n")

    assert run("import_config", str(tmp_path / "missing.yaml")).exit_code == 1
    assert "is not UTF-8 text" in run("import_config", str(latin)).stderr


def test_without_delete_what_the_file_does_not_list_stays() -> None:
    make_everything()
    before = export_configuration()

    changes = import_lines(
        {
            "users": [],
            "queues": [{"name": "Billing", "members": []}],
            "routing_addresses": [],
            "permission_sets": [{"label": "Billing senders", "members": [], "addresses": []}],
            "contacts": [],
        }
    )

    assert changes == []
    assert export_configuration() == before


def test_with_delete_users_are_deactivated_addresses_softly_deleted_and_lists_are_exact() -> None:
    make_everything()
    UserFactory(username="boss", superuser=True)
    address = RoutingAddress.objects.get(email_address="sales@company.example")

    changes = import_lines(
        {
            "users": [{"username": "boss"}],
            "queues": [{"name": "Billing", "members": []}, {"name": "Unassigned"}],
            "routing_addresses": [{"email_address": "billing@company.example"}],
            "permission_sets": [{"label": "Billing senders", "members": [], "addresses": []}],
            "contacts": [{"name": "Casey Customer", "email": "casey@example.net"}],
        },
        delete=True,
    )

    address.refresh_from_db()
    assert changes == [
        "~ queue Billing: - member rep",
        "~ permission set Billing senders: - member rep",
        "~ permission set Billing senders: - address billing@company.example",
        "- contact Robin Reader <casey@example.net>",
        "- contact 見本 太郎 <Taro@example.org>",
        "- routing address sales@company.example",
        "- user rep (deactivated)",
    ]
    assert address.is_deleted
    assert User.objects.get(username="rep").is_active is False


def test_delete_touches_only_sections_of_the_file() -> None:
    make_everything()
    before = yaml.safe_load(export_configuration())

    import_lines({"contacts": []}, delete=True)

    after = yaml.safe_load(export_configuration())
    assert after.pop("contacts") == []
    assert after == {name: value for name, value in before.items() if name != "contacts"}


def test_a_queue_that_owns_a_case_is_not_deleted() -> None:
    CaseFactory(owner_queue=QueueFactory(name="Busy"))

    problem = refusal({"queues": [{"name": "Unassigned"}]}, delete=True)

    assert problem.startswith("queues (Busy): cannot be deleted: ")
    assert Queue.objects.filter(name="Busy").exists()


def test_a_queue_goes_in_the_same_file_that_takes_it_from_its_address() -> None:
    QueueFactory(name="Old")
    RoutingAddressFactory(email_address="a@company.example", owner_queue=Queue.objects.get(name="Old"))

    changes = import_lines(
        {
            "queues": [{"name": "Unassigned"}],
            "routing_addresses": [{"email_address": "a@company.example", "owner": "queue:Unassigned"}],
        },
        delete=True,
    )

    assert changes == [
        "~ routing address a@company.example: owner queue:Old -> queue:Unassigned",
        "- queue Old",
    ]


def test_delete_leaves_an_active_superuser() -> None:
    UserFactory(username="boss", superuser=True)

    assert refusal({"users": []}, delete=True) == "users: no active superuser would remain."
    assert User.objects.get(username="boss").is_active is True


def test_a_given_password_is_stored_hashed_and_never_shown() -> None:
    changes = import_lines({"users": [{"username": "rep", "name": "Demo Rep", "password": "horse battery"}]})

    user = User.objects.get(username="rep")
    assert changes == ["+ user rep", "~ user rep: password set"]
    assert (user.first_name, user.last_name) == ("Demo", "Rep")
    assert user.check_password("horse battery")
    assert "horse" not in str(AuditEvent.objects.values_list("detail", flat=True))


def test_a_new_user_without_a_password_cannot_sign_in() -> None:
    import_lines({"users": [{"username": "rep"}]})

    assert User.objects.get(username="rep").has_usable_password() is False


def test_the_groups_of_permission_sets_are_not_to_be_named() -> None:
    permission_set = PermissionSetFactory(label="Billing senders")

    problem = refusal({"users": [{"username": "u", "groups": [permission_set.group.name]}]})

    assert problem.startswith("users[0] (u).groups[0]: there is no group")


def test_verified_is_taken_on_the_files_word_with_an_audit_event() -> None:
    RoutingAddressFactory(email_address="a@company.example", routing_name="A")

    changes = import_lines({"routing_addresses": [{"email_address": "a@company.example", "verified": True}]})

    assert changes == ["~ routing address a@company.example: verified false -> true"]
    assert RoutingAddress.objects.get().is_verified
    assert AuditEvent.objects.filter(action="address-marked-verified").count() == 1


def test_verified_false_does_not_take_a_verification_away() -> None:
    RoutingAddressFactory(email_address="a@company.example", verified=True)

    changes = import_lines({"routing_addresses": [{"email_address": "a@company.example", "verified": False}]})

    assert changes == []
    assert RoutingAddress.objects.get().is_verified


def test_the_services_address_of_a_file_is_never_taken_over(tmp_path: Path) -> None:
    existing = RoutingAddressFactory(email_address="a@company.example")
    file = tmp_path / "config.yaml"
    token = "a" * 26
    file.write_text(
        "version: 1\nrouting_addresses:\n"
        f"- email_address: a@company.example\n  services_address: {token}@inbound.example\n"
        f"- email_address: b@company.example\n  routing_name: B\n  services_address: {token}@inbound.example\n",
        encoding="utf-8",
    )

    ran = run("import_config", str(file))

    made = RoutingAddress.objects.get(email_address="b@company.example")
    assert RoutingAddress.objects.get(pk=existing.pk).services_token == existing.services_token
    assert made.services_token != token
    assert ran.lines == [
        "+ routing address b@company.example",
        f"To do: b@company.example: forward its mail to {made.services_address}",
        "To do: b@company.example: not verified yet; send the verification mail from its page",
    ]


def test_permission_set_members_enter_the_group_and_may_send() -> None:
    rep = UserFactory(username="rep")
    address = RoutingAddressFactory(email_address="a@company.example", verified=True, controlled=True)

    import_lines({"permission_sets": [{"label": "Senders", "members": ["rep"], "addresses": ["a@company.example"]}]})

    assert permission_sets.may_send_from(rep, address).allowed is True


def test_an_expired_member_is_imported_and_may_not_send() -> None:
    rep = UserFactory(username="rep")
    address = RoutingAddressFactory(email_address="a@company.example", verified=True, controlled=True)
    members = [{"user": "rep", "expires": "2020-01-01"}]

    changes = import_lines(
        {"permission_sets": [{"label": "Senders", "members": members, "addresses": ["a@company.example"]}]}
    )

    assert "~ permission set Senders: + member rep until 2020-01-01T00:00:00Z" in changes
    assert permission_sets.may_send_from(rep, address).allowed is False


def test_naming_another_default_takes_it_from_the_one_before() -> None:
    changes = import_lines(
        {
            "record_types": [{"name": "Billing", "is_default": True}],
            "case_statuses": [{"label": "Open", "is_default": True}],
        }
    )

    assert changes == [
        "~ record type Support: is_default true -> false",
        "+ record type Billing",
        "~ case status New: is_default true -> false",
        "+ case status Open",
    ]
    assert RecordType.objects.get(is_default=True).name == "Billing"
    assert CaseStatus.objects.get(is_default=True).label == "Open"


def test_a_contact_is_found_by_its_address_in_any_case_and_renamed() -> None:
    ContactFactory(name="Casey", email="casey@example.net", company="Example Net")

    changes = import_lines({"contacts": [{"name": "Casey Customer", "email": "Casey@Example.net"}]})

    assert changes == [
        "~ contact Casey <casey@example.net>: email casey@example.net -> Casey@Example.net",
        "~ contact Casey <casey@example.net>: name Casey -> Casey Customer",
    ]
    assert Contact.objects.get().company == "Example Net"


def test_contacts_that_share_an_address_are_told_apart_by_name() -> None:
    ContactFactory(name="Casey", email="office@example.net")
    ContactFactory(name="Robin", email="office@example.net")

    changes = import_lines(
        {
            "contacts": [
                {"name": "Robin", "email": "office@example.net", "company": "Example Net"},
                {"name": "Sam", "email": "office@example.net"},
                {"name": "Kim", "email": "office@example.net"},
            ]
        }
    )

    assert changes == [
        '~ contact Robin <office@example.net>: company "" -> Example Net',
        "+ contact Sam <office@example.net>",
        "+ contact Kim <office@example.net>",
    ]


def test_an_export_takes_as_many_queries_for_100_addresses_as_for_one() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            export_configuration()
        return len(captured)

    def make(number: int) -> None:
        rep = UserFactory()
        queue = QueueFactory()
        queue.members.add(rep)
        address = RoutingAddressFactory(owner_queue=queue, controlled=True)
        permission_set = permission_sets.create_permission_set(f"Set {number}", by=None)
        permission_sets.add_member(permission_set, rep, by=None)
        permission_sets.grant(permission_set, address, by=None)

    make(0)
    for_one = queries()
    for number in range(1, 100):
        make(number)

    assert queries() == for_one
    assert for_one <= 28


def test_thousands_of_contacts_are_written_in_batches() -> None:
    contacts = [{"name": f"Customer {number}", "email": f"c{number}@example.net"} for number in range(3000)]
    text = yaml.safe_dump({"version": 1, "contacts": contacts})

    with CaptureQueriesContext(connection) as captured:
        import_configuration(text)

    assert Contact.objects.count() == 3000
    assert len(captured) < 40


def test_the_email_action_is_a_section_after_the_addresses_that_it_names() -> None:
    RecordTypeFactory(name="Billing")

    changes = import_lines(
        {
            "email_action": {
                "default_from": "support@company.example",
                "record_types": [{"name": "Billing", "default_template": "Late"}],
            },
            "email_templates": [{"name": "Late", "text_body": "Sorry."}],
            "routing_addresses": [{"email_address": "support@company.example", "routing_name": "Support"}],
        }
    )

    assert changes[-2:] == [
        "~ email action: default_from nothing -> support@company.example",
        "~ email action Billing: default_template nothing -> Late",
    ]
    assert EmailToCaseSettings.load().default_from.email_address == "support@company.example"


def test_with_delete_record_types_that_the_email_action_leaves_out_lose_their_values() -> None:
    make_everything()

    changes = import_lines({"email_action": {"default_from": None}}, delete=True)

    assert changes == [
        "~ email action: default_from billing@company.example -> nothing",
        "~ email action Billing: default_from billing@company.example -> nothing",
        "~ email action Billing: default_template We got it -> nothing",
    ]


def test_html_of_an_imported_template_is_cleaned() -> None:
    import_lines({"email_templates": [{"name": "A", "html_body": "<p onclick='x()'>Hi<script>x()</script></p>"}]})

    assert EmailTemplate.objects.get().html_body == "<p>Hi</p>"


def test_a_template_with_a_field_that_does_not_exist_is_refused() -> None:
    assert refusal({"email_templates": [{"name": "A", "text_body": "{{ customer.shoe }}"}]}).startswith(
        "email_templates[0] (A).text_body: “customer.shoe” is no merge field."
    )


def test_a_template_that_an_address_answers_with_is_not_deleted() -> None:
    make_everything()

    assert "uses it" in refusal({"email_templates": []}, delete=True)


def test_with_delete_a_case_field_is_switched_off_and_keeps_what_was_written() -> None:
    make_everything()
    fields = [{"slug": "colour", "record_types": ["Support"]}]

    assert import_lines({"case_fields": fields}) == ["~ case field colour: + record type Support"]
    assert import_lines({"case_fields": fields}, delete=True) == ["- case field serial (switched off)"]

    assert CaseField.objects.get(slug="serial").is_active is False
    assert import_lines({"case_fields": fields}, delete=True) == []


@pytest.mark.parametrize(
    "users", [[{"username": "owner", "is_active": False}, {"username": "boss"}], [{"username": "boss"}]]
)
def test_the_default_case_owner_stays_active(users: list[dict[str, Any]]) -> None:
    owner, boss = UserFactory(username="owner"), UserFactory(username="boss", superuser=True)
    for user in (owner, boss):
        user.set_unusable_password()
        user.save()
    EmailToCaseSettings.objects.update(default_case_owner_queue=None, default_case_owner_user=owner)

    problem = refusal({"users": users}, delete=True)

    assert problem == "users: owner is the default case owner and must stay active."
    owner.refresh_from_db()
    assert owner.is_active


def test_settings_keep_a_default_case_owner() -> None:
    problem = refusal({"settings": {"default_case_owner": None}})

    assert problem.startswith("settings.default_case_owner")
    assert EmailToCaseSettings.load().default_case_owner_queue is not None


def test_a_change_far_behind_in_a_long_text_is_in_the_audit_log() -> None:
    long_text = "Kind regards, and so on. " * 40
    RoutingAddressFactory(email_address="support@company.example", signature=long_text + "Dana")

    import_lines({"routing_addresses": [{"email_address": "support@company.example", "signature": long_text + "Lee"}]})

    [line] = AuditEvent.objects.get(action="configuration-imported").detail["changes"]
    assert line.endswith("and so on. Lee")
