"""Fields and parameters that no form has: they change nothing and break nothing (OP01-OP17 in short, OP12, AU03)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, CaseStatus, Contact, EmailMessage, InboundEmail, Outbox, RoutingDecision
from routing import permission_sets
from routing.models import AuditEvent, EmailToCaseSettings, PermissionSet, Queue, RoutingAddress
from tests.cases.outbound.people import case_with_mail, grant, rep, verified_address
from tests.factories import CaseFactory, CaseStatusFactory, InboundEmailFactory, QueueFactory, UserFactory
from tests.threats.world import grant as permit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

# Words that other forms have, and columns that none has.
SMUGGLED: dict[str, Any] = {
    "id": "1",
    "pk": "1",
    "owner": "1",
    "owner_user": "1",
    "owner_queue": "1",
    "case": "1",
    "case_id": "1",
    "case_number": "1001",
    "verified_at": "2026-01-01 00:00:00",
    "verified_at_0": "2026-01-01",
    "verified_at_1": "00:00:00",
    "verified_email": "boss@company.example",
    "services_token": "a" * 26,
    "deleted_at": "2026-01-01",
    "from_email": "boss@company.example",
    "from_address": "boss@company.example",
    "created_by": "1",
    "author": "1",
    "user": "1",
    "status": "sent",
    "state": "sent",
    "incoming": "on",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "user_permissions": "1",
    "groups": "1",
    "message_identifier": "forged@company.example",
    "idempotency_key": "forged",
    "not_before": "2000-01-01",
    "reply_to": "attacker@example.org",
    "headers": "Bcc: attacker@example.org",
}


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def support() -> RoutingAddress:
    return verified_address("support@company.example")


@pytest.fixture
def page(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def reply(page: Client, case: Case, address: RoutingAddress, /, **fields: Any) -> Any:
    shown = page.get(f"/cases/{case.number}/compose/?mode=reply")
    assert shown.status_code == 200
    plain = {
        "send_from": str(address.pk),
        "to": "casey@example.net",
        "cc": "",
        "bcc": "",
        "subject": "Re: Order 17",
        "text": "On its way.",
        "key": "k" * 32,
        "last_seen": str(EmailMessage.objects.filter(case=case).latest("pk").pk),
        "draft": "",
        "confirmed": "1",
    }
    return page.post(f"/cases/{case.number}/reply/", plain | fields)


def rights_of(user: User) -> tuple[Any, ...]:
    user = User.objects.get(pk=user.pk)
    return (user.is_staff, user.is_superuser, user.user_permissions.count(), user.groups.count())


# --- a rep's reply ---


def test_a_reply_takes_nothing_but_its_own_fields(page: Client, ana: User, support: RoutingAddress) -> None:
    other = CaseFactory(subject="Somebody else's")
    case = case_with_mail(ana, address=support)
    before = rights_of(ana)
    owner = (case.owner_user_id, case.owner_queue_id)

    response = reply(page, case, support, **SMUGGLED)

    assert response.status_code == 302, response.content.decode()[:3000]
    message = EmailMessage.objects.get(incoming=False)
    outbox = Outbox.objects.get()
    assert (message.case_id, message.created_by_id, message.from_address) == (
        case.pk,
        ana.pk,
        "support@company.example",
    )
    assert (outbox.state, outbox.from_address_id, outbox.recipient) == ("queued", support.pk, "casey@example.net")
    assert outbox.not_before is not None
    assert outbox.not_before > timezone.now()
    assert "forged" not in message.message_identifier
    assert {each.address for each in message.addresses.exclude(role="reply_to")} == {"casey@example.net"}
    case.refresh_from_db()
    assert (case.owner_user_id, case.owner_queue_id) == owner
    assert not EmailMessage.objects.filter(case=other).exists()
    assert rights_of(ana) == before


@pytest.mark.parametrize("way", ["granted to somebody else", "unverified", "switched off", "deleted", "no number"])
def test_a_reply_from_an_address_that_is_not_theirs_is_refused_and_kept(
    page: Client, ana: User, support: RoutingAddress, way: str
) -> None:
    case = case_with_mail(ana, address=support)
    address = verified_address("gold@company.example", controlled_by_permission_set=True)
    grant(address, rep("ben"))
    if way == "unverified":
        RoutingAddress.objects.filter(pk=address.pk).update(verified_at=None, controlled_by_permission_set=False)
    if way == "switched off":
        RoutingAddress.objects.filter(pk=address.pk).update(is_active=False, controlled_by_permission_set=False)
    if way == "deleted":
        RoutingAddress.objects.filter(pk=address.pk).update(deleted_at=timezone.now())
    sent_from = "gold@company.example" if way == "no number" else str(address.pk)

    response = reply(page, case, support, send_from=sent_from)

    assert response.status_code in (403, 422)
    assert "On its way." in response.content.decode()
    assert not Outbox.objects.exists()
    assert not EmailMessage.objects.filter(incoming=False).exists()


def test_a_member_removed_with_the_page_open_sends_nothing(page: Client, ana: User) -> None:
    address = verified_address("gold@company.example", controlled_by_permission_set=True)
    permission_set = grant(address, ana)
    case = case_with_mail(ana, address=address)
    page.get(f"/cases/{case.number}/compose/?mode=reply")
    permission_sets.remove_member(permission_set, ana, by=None)

    response = reply(page, case, address)

    assert response.status_code == 403
    assert not Outbox.objects.exists()


def test_without_the_permission_to_reply_there_is_no_composer_and_no_reply(support: RoutingAddress) -> None:
    mute = UserFactory(username="mute")
    case = case_with_mail(mute, address=support)
    client = Client()
    client.force_login(mute)

    shown = client.get(f"/cases/{case.number}/compose/?mode=reply").content.decode()
    response = reply(client, case, support)

    assert "send_from" not in shown
    assert response.status_code in (403, 422)
    assert not Outbox.objects.exists()


def test_root_sends_nothing_from_an_unverified_or_ungranted_address(support: RoutingAddress) -> None:
    root = UserFactory(superuser=True)
    case = case_with_mail(root, address=support)
    unverified = RoutingAddress.objects.create(routing_name="New", email_address="new@company.example")
    controlled = verified_address("gold@company.example", controlled_by_permission_set=True)
    client = Client()
    client.force_login(root)

    codes = [reply(client, case, address).status_code for address in (unverified, controlled)]

    assert codes == [403, 403]
    assert not Outbox.objects.exists()


def test_a_plain_reply_is_queued(page: Client, ana: User, support: RoutingAddress) -> None:
    """So that the refusals here are not for something else."""
    assert reply(page, case_with_mail(ana, address=support), support).status_code == 302
    assert Outbox.objects.get().state == "queued"


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "casey@example.net\r\nBcc: attacker@example.org"},
        {"cc": "x@example.org\nBcc: attacker@example.org"},
        {"subject": "Hello\r\nBcc: attacker@example.org"},
        {"subject": "Hello\u2028Bcc: attacker@example.org"},
        {"subject": "=?utf-8?q?a=0d=0aBcc:_attacker=40example.org?="},
        {"to": '"a\r\nBcc: attacker@example.org" <casey@example.net>'},
    ],
)
def test_line_breaks_in_a_reply_add_no_recipient(
    page: Client, ana: User, support: RoutingAddress, fields: dict[str, str]
) -> None:
    case = case_with_mail(ana, address=support)

    response = reply(page, case, support, **fields)

    assert response.status_code in (302, 422)
    for message in EmailMessage.objects.filter(incoming=False):
        assert not message.addresses.filter(role="bcc").exists()
        assert "\n" not in message.subject
        assert "\r" not in message.subject


def test_actions_on_mail_of_another_case_are_not_found(page: Client, ana: User, support: RoutingAddress) -> None:
    mine = case_with_mail(ana, address=support)
    theirs = case_with_mail(rep("ben"), address=support)
    sent = EmailMessage.objects.create(
        case=theirs,
        incoming=False,
        status="failed",
        received_at=timezone.now(),
        from_address="support@company.example",
    )
    outbox = Outbox.objects.create(
        key="x", kind="reply", case=theirs, email_message=sent, from_address=support, recipient="c@example.net",
        state="failed",
    )  # fmt: skip

    for name in ("reply_undo", "reply_again"):
        for number in (mine.number, theirs.number):
            url = reverse(name, kwargs={"number": number, "message_id": sent.pk})
            assert page.post(url).status_code == 404
    draft = page.get(f"/cases/{mine.number}/compose/?draft={sent.pk}")

    outbox.refresh_from_db()
    assert outbox.state == "failed"
    assert draft.status_code == 200


# --- the other forms ---


def test_joining_takes_no_other_target(page: Client, ana: User) -> None:
    case, target, other = case_with_mail(ana), case_with_mail(ana), CaseFactory()
    Case.objects.filter(pk=case.pk).update(possibly_belongs_to=target)

    page.post(reverse("case_join", kwargs={"number": case.number}), SMUGGLED | {"target": other.pk, "other": other.pk})

    assert set(EmailMessage.objects.values_list("case_id", flat=True)) == {target.pk}


def test_configuration_forms_take_no_column_that_they_do_not_show() -> None:
    boss = permit(UserFactory(staff=True), "routing.customize_application")
    client = Client()
    client.force_login(boss)
    before = rights_of(boss)
    queue, address = QueueFactory(), RoutingAddress.objects.create(routing_name="A", email_address="a@company.example")
    permission_set = permission_sets.create_permission_set("Gold", by=None)
    status = CaseStatusFactory()
    members = {f"memberships-{name}": value for name, value in
               {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 1000}.items()}  # fmt: skip
    group, decisions = permission_set.group_id, RoutingDecision.objects.count()

    for name, key, fields in [
        ("routing_queue", queue.pk, {"name": "Repairs", **members}),
        ("routing_permissionset", permission_set.pk, {"label": "Gold", "group": "1", **members}),
        ("routing_emailtocasesettings", 1, {}),
        ("routing_routingaddress", address.pk, {"routing_name": "A", "email_address": "a@company.example"}),
        ("cases_casestatus", status.pk, {"label": "New", "position": "0"}),
    ]:
        client.post(reverse(f"admin:{name}_change", args=[key]), SMUGGLED | fields)

    address.refresh_from_db()
    assert (address.verified_at, address.verified_email, address.deleted_at) == (None, "", None)
    assert address.services_token != "a" * 26
    assert PermissionSet.objects.get().group_id == group
    assert rights_of(boss) == before
    assert EmailToCaseSettings.objects.count() == 1
    assert Queue.objects.filter(pk=queue.pk).exists()
    assert CaseStatus.objects.filter(pk=status.pk).exists()
    assert RoutingDecision.objects.count() == decisions


def test_staff_who_may_edit_contacts_and_users_raise_nobodys_rights() -> None:
    clerk = permit(UserFactory(staff=True), "auth.change_user", "auth.view_user", "cases.change_contact")
    rep_user = UserFactory(username="rep")
    contact = Contact.objects.create(name="Casey", email="casey@example.net")
    client = Client()
    client.force_login(clerk)

    for key in (clerk.pk, rep_user.pk):
        client.post(reverse("admin:auth_user_change", args=[key]), SMUGGLED | {"username": f"u{key}", "email": ""})
    client.post(
        reverse("admin:cases_contact_change", args=[contact.pk]), SMUGGLED | {"name": "C", "email": "c@x.example"}
    )

    assert rights_of(clerk)[:2] == (True, False)
    assert rights_of(clerk)[2:] == (3, 0)
    assert rights_of(rep_user) == (False, False, 0, 0)


def test_acting_on_mail_leaves_an_audit_line_that_nobody_can_change() -> None:
    """AD01, AD08: retry, wave through and discard; the log has no form, not even for a superuser."""
    root = UserFactory(superuser=True)
    client = Client()
    client.force_login(root)

    for name in ("retry", "wave_through", "discard"):
        inbound = InboundEmailFactory(state="quarantined", reason="no_routing_address", settled_at=timezone.now())
        client.post(reverse(f"admin:cases_inboundemail_{name}", args=[inbound.pk]), {"reason": "advertising"})
    lines = list(AuditEvent.objects.order_by("pk").values_list("action", "actor"))
    for event in AuditEvent.objects.all():
        client.post(reverse("admin:routing_auditevent_change", args=[event.pk]), {"action": "forged"})
        client.post(reverse("admin:routing_auditevent_delete", args=[event.pk]), {"post": "yes"})
    client.post(reverse("admin:routing_auditevent_changelist"), {"action": "delete_selected", "_selected_action": "1"})

    assert lines == [
        ("retry-inbound-email", root.pk),
        ("retry-inbound-email", root.pk),
        ("discard-inbound-email", root.pk),
    ]
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "actor")) == lines


def test_of_two_admins_who_retry_one_mail_one_is_told_and_the_mail_is_tried_once() -> None:
    inbound = InboundEmailFactory(state="quarantined", reason="no_routing_address", settled_at=timezone.now())
    answers = []
    for _ in range(2):
        client = Client()
        client.force_login(UserFactory(superuser=True))
        answers.append(client.post(reverse("admin:cases_inboundemail_retry", args=[inbound.pk]), follow=True))

    assert "is tried again" in answers[0].content.decode()
    assert "nothing to retry" in answers[1].content.decode()
    assert AuditEvent.objects.count() == 1
    assert InboundEmail.objects.get(pk=inbound.pk).state == "received"


# --- parameters that no link has ---


def cursor(at: str, key: str = "5") -> str:
    return base64.urlsafe_b64encode(f"{at} {key}".encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "word",
    [
        cursor("0001-01-01T00:00:00+23:59"),
        cursor("9999-12-31T23:59:59-23:59"),
        cursor("2026-01-01T00:00:00"),
        cursor(datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "9" * 30),
        cursor(datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "-1"),
        cursor("\x00"),
        "é",
        "%00",
        "=" * 500,
        "A" * 100_000,
    ],
)
def test_a_page_asked_for_with_nonsense_starts_at_its_top(page: Client, ana: User, word: str) -> None:
    case = case_with_mail(ana)

    for path in ("/cases/", f"/cases/{case.number}/"):
        assert page.get(path, {"before": word, "queue": word, "view": word, "draft": word}).status_code == 200
