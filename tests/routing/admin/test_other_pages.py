from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from cases.configuration import import_configuration
from cases.models import CaseStatus
from routing import permission_sets, queues
from routing.admin.settings_page import EmailToCaseSettingsAdmin
from routing.audit import record
from routing.models import (
    AssignmentRule,
    AuditEvent,
    EmailToCaseSettings,
    PermissionSet,
    PermissionSetMember,
    Queue,
    RecordType,
    RepPresence,
    RoutingAddress,
)
from routing.permission_sets import may_send_from
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory
from tests.routing.admin.conftest import allow
from tests.routing.admin.test_addresses import queries_of

SETS = "/admin/routing/permissionset/"
QUEUES = "/admin/routing/queue/"
USERS = "/admin/auth/user/"


def formset(*rows: dict[str, Any], initial: int = 0, prefix: str = "memberships") -> dict[str, Any]:
    values: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": initial,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    for number, row in enumerate(rows):
        values |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return values


# --- permission sets ---


def test_permission_set_with_members_and_addresses_is_made_on_one_page(page: Client, organisation: Any) -> None:
    address = RoutingAddressFactory(verified=True, controlled=True)
    user = UserFactory()
    form = {"label": "Gold", "is_active": "on", "addresses": [address.pk]} | formset({"user": user.pk})

    response = page.post(f"{SETS}add/", form)

    assert response.status_code == 302
    assert PermissionSet.objects.get().group.user_set.get() == user
    assert may_send_from(user, address).allowed
    assert {event.actor.username for event in AuditEvent.objects.all()} == {"configurer"}


def test_members_get_an_expiry_and_leave_on_the_page(page: Client, gold: PermissionSet, organisation: Any) -> None:
    address = RoutingAddressFactory(verified=True, controlled=True)
    permission_sets.grant(gold, address, by=None)
    staying, leaving, replaced, new = (UserFactory() for _ in range(4))
    rows = [permission_sets.add_member(gold, user, by=None) for user in (staying, leaving, replaced)]
    tomorrow = timezone.now() + timedelta(days=1)
    members = formset(
        {
            "id": rows[0].pk,
            "permission_set": gold.pk,
            "user": staying.pk,
            "expires_at_0": f"{tomorrow:%Y-%m-%d}",
            "expires_at_1": "12:00:00",
        },
        {"id": rows[1].pk, "permission_set": gold.pk, "user": leaving.pk, "DELETE": "on"},
        {"id": rows[2].pk, "permission_set": gold.pk, "user": new.pk},
        initial=3,
    )

    response = page.post(
        f"{SETS}{gold.pk}/change/", {"label": "Gold", "is_active": "on", "addresses": [address.pk]} | members
    )

    assert response.status_code == 302
    assert set(gold.group.user_set.all()) == {staying, new}
    assert {member.user for member in PermissionSetMember.objects.all()} == {staying, new}
    assert PermissionSetMember.objects.get(user=staying).expires_at.date() == tomorrow.date()
    assert [may_send_from(user, address).allowed for user in (staying, leaving, replaced, new)] == [
        True,
        False,
        False,
        True,
    ]


def test_taking_an_address_off_the_page_revokes_it(page: Client, gold: PermissionSet, address: RoutingAddress) -> None:
    permission_sets.grant(gold, address, by=None)

    page.post(f"{SETS}{gold.pk}/change/", {"label": "Gold", "is_active": "on"} | formset())

    assert list(permission_sets.addresses_granted_by(gold)) == []


@pytest.mark.parametrize("by_action", [True, False])
def test_deleting_a_permission_set_deletes_its_group(by_action: bool, page: Client, gold: PermissionSet) -> None:
    if by_action:
        page.post(SETS, {"action": "delete_selected", "_selected_action": [gold.pk], "post": "yes"})
    else:
        page.post(f"{SETS}{gold.pk}/delete/", {"post": "yes"})

    assert PermissionSet.objects.count() == 0
    assert Group.objects.count() == 0
    assert AuditEvent.objects.filter(action="permission-set-deleted").count() == 1


# --- queues, record types, settings ---


def test_queue_page_changes_members_and_says_so_in_the_audit_log(page: Client, organisation: Any) -> None:
    leaving, coming = UserFactory(), UserFactory()
    queue = QueueFactory(name="Billing")
    queues.add_member(queue, leaving, by=None)
    row = queue.memberships.get()
    members = formset(
        {"id": row.pk, "queue": queue.pk, "user": leaving.pk, "DELETE": "on"}, {"user": coming.pk}, initial=1
    )

    response = page.post(f"{QUEUES}{queue.pk}/change/", {"name": "Invoices"} | members)

    assert response.status_code == 302
    assert [each.user for each in queue.memberships.all()] == [coming]
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))[1:]
    assert sorted(actions) == ["queue-changed", "queue-member-added", "queue-member-removed"]
    assert AuditEvent.objects.get(action="queue-changed").detail == {"changes": {"name": ["Billing", "Invoices"]}}


def test_queue_that_owns_something_is_not_deleted(page: Client, organisation: Any) -> None:
    unassigned = Queue.objects.get()

    response = page.post(f"{QUEUES}{unassigned.pk}/delete/", {"post": "yes"})

    assert Queue.objects.filter(pk=unassigned.pk).exists()
    assert response.status_code in (200, 403)


def test_who_marks_another_default_takes_the_mark_from_the_one_before(page: Client, organisation: Any) -> None:
    former = RecordType.objects.get()

    response = page.post("/admin/routing/recordtype/add/", {"name": "Billing", "is_default": "on"}, follow=True)

    assert RecordType.objects.get(is_default=True).name == "Billing"
    assert f"“{former}” is the default no more." in response.content.decode()
    lines = AuditEvent.objects.order_by("pk").values_list("action", "target", "detail__changes__is_default")
    assert list(lines) == [
        ("record-type-changed", f"record type: {former}", ["True", "False"]),
        ("record-type-created", "record type: Billing", [None, "True"]),
    ]


def test_a_closed_status_is_no_default(page: Client, organisation: Any) -> None:
    posted = {"label": "Done", "is_closed": "on", "is_default": "on", "position": 9}

    response = page.post("/admin/cases/casestatus/add/", posted)

    assert "A new case cannot start closed." in response.content.decode()
    assert CaseStatus.objects.get(is_default=True).label == "New"


def test_settings_need_a_default_owner_who_is_active(page: Client, organisation: Any) -> None:
    """Mail whose address names nobody could open no case otherwise."""
    shown = page.get("/admin/routing/emailtocasesettings/1/change/")
    initial = shown.context["adminform"].form.initial
    form = {name: value for name, value in initial.items() if value not in (None, False)}
    gone = UserFactory(is_active=False)
    answers = {
        "Choose the default case owner: a user or a queue.": {"default_case_owner_queue": ""},
        "The default case owner must be an active user.": {
            "default_case_owner_queue": "",
            "default_case_owner_user": gone.pk,
        },
    }

    for sentence, owner in answers.items():
        assert sentence in page.post("/admin/routing/emailtocasesettings/1/change/", form | owner).content.decode()

    assert EmailToCaseSettings.load().default_case_owner_queue is not None


def test_the_default_owner_cannot_be_switched_off(client: Client, organisation: Any) -> None:
    client.force_login(UserFactory(superuser=True))
    owner = UserFactory(username="owner")
    EmailToCaseSettings.objects.update(default_case_owner_queue=None, default_case_owner_user=owner)

    response = client.post(f"{USERS}{owner.pk}/change/", {"username": "owner", "is_active": ""})

    assert "This user is the default case owner." in response.content.decode()
    owner.refresh_from_db()
    assert owner.is_active


def test_settings_page_shows_every_setting() -> None:
    shown = {name for _title, options in EmailToCaseSettingsAdmin.fieldsets for name in options["fields"]}

    elsewhere = {"id", "default_from"}  # the Email action has a page of its own
    assert shown == {field.name for field in EmailToCaseSettings._meta.concrete_fields} - elsewhere


def test_settings_are_one_row_whose_changes_are_recorded(page: Client, organisation: Any) -> None:
    shown = page.get("/admin/routing/emailtocasesettings/1/change/")
    form = {
        name: value for name, value in shown.context["adminform"].form.initial.items() if value not in (None, False)
    } | {"enabled": ""}

    response = page.post("/admin/routing/emailtocasesettings/1/change/", form)

    assert response.status_code == 302
    assert EmailToCaseSettings.load().enabled is False
    event = AuditEvent.objects.get()
    assert event.detail == {"changes": {"enabled": ["True", "False"]}}
    assert event.actor.username == "configurer"


def test_settings_row_that_is_missing_is_made_on_its_page(page: Client) -> None:
    response = page.get("/admin/routing/emailtocasesettings/")

    assert response["Location"] == "/admin/routing/emailtocasesettings/add/"
    assert page.get(response["Location"]).status_code == 200


# --- users and groups ---


@pytest.fixture
def help_desk(client: Client, db: Any) -> Client:
    """Signed in: staff, not a superuser, with every permission of Django's on users and groups."""
    names = [f"{verb}_{name}" for verb in ("add", "change", "delete", "view") for name in ("user", "group")]
    client.force_login(allow(UserFactory(username="helpdesk", staff=True), *names))
    return client


def test_staff_cannot_raise_their_own_or_others_rights(help_desk: Client, gold: PermissionSet) -> None:
    me, rep = User.objects.get(username="helpdesk"), UserFactory(username="rep")
    root = UserFactory(username="root", superuser=True)
    permission = Permission.objects.get(codename="customize_application")
    role = Group.objects.create(name="admins")
    forged = {
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [role.pk, gold.group_id],
        "user_permissions": [permission.pk],
    }

    for user in (me, rep, root):
        help_desk.post(
            f"{USERS}{user.pk}/change/", {"username": user.username, "email": "new@company.example"} | forged
        )
        help_desk.post(f"{USERS}{user.pk}/password/", {"password1": "Tr0ub4dor-3x", "password2": "Tr0ub4dor-3x"})

    for user in (me, rep, root):
        before_password = user.password
        user.refresh_from_db()
        assert user.password == before_password
    assert (rep.is_staff, rep.is_superuser, rep.email) == (False, False, "new@company.example")
    assert not me.is_superuser
    assert me.email != "new@company.example"
    assert root.email == "root@company.example"
    assert role.user_set.count() == gold.group.user_set.count() == 0
    assert rep.user_permissions.count() == 0


def test_staff_cannot_delete_superusers_or_change_roles(help_desk: Client, gold: PermissionSet) -> None:
    root = UserFactory(username="root", superuser=True)
    role = Group.objects.create(name="reps")

    help_desk.post(f"{USERS}{root.pk}/delete/", {"post": "yes"})
    help_desk.post(USERS, {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"})
    for group in (role, gold.group):
        help_desk.post(f"/admin/auth/group/{group.pk}/change/", {"name": "taken"})
        help_desk.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})

    assert User.objects.filter(pk=root.pk).exists()
    assert set(Group.objects.values_list("name", flat=True)) == {"reps", "permission set: Gold"}


def test_superuser_cannot_change_the_group_of_a_permission_set(client: Client, gold: PermissionSet) -> None:
    client.force_login(UserFactory(superuser=True))

    shown = client.get(f"/admin/auth/group/{gold.group_id}/change/")
    client.post(f"/admin/auth/group/{gold.group_id}/change/", {"name": "taken"})
    client.post(f"/admin/auth/group/{gold.group_id}/delete/", {"post": "yes"})
    client.post(
        "/admin/auth/group/", {"action": "delete_selected", "_selected_action": [gold.group_id], "post": "yes"}
    )

    assert shown.status_code == 200
    assert Group.objects.get().name == "permission set: Gold"


def test_membership_of_permission_set_groups_is_not_editable_on_the_user_page(
    client: Client, gold: PermissionSet
) -> None:
    client.force_login(UserFactory(superuser=True))
    member, other = UserFactory(username="member"), UserFactory(username="other")
    permission_sets.add_member(gold, member, by=None)
    role = Group.objects.create(name="reps")
    AuditEvent.objects.all().delete()

    kept = client.post(f"{USERS}{member.pk}/change/", {"username": "member", "is_active": "on", "groups": [role.pk]})
    client.post(f"{USERS}{other.pk}/change/", {"username": "other", "is_active": "on", "groups": [gold.group_id]})

    assert kept.status_code == 302
    assert set(member.groups.all()) == {role, gold.group}
    assert list(other.groups.all()) == []
    event = AuditEvent.objects.get(detail__has_key="added")
    assert event.detail == {"list": "rights", "added": ["group reps"], "removed": []}


def test_user_page_says_from_where_the_user_may_send(client: Client, gold: PermissionSet) -> None:
    client.force_login(UserFactory(superuser=True))
    user = UserFactory()
    address = RoutingAddressFactory(verified=True, controlled=True)
    permission_sets.grant(gold, address, by=None)
    permission_sets.add_member(gold, user, by=None)

    shown = client.get(f"{USERS}{user.pk}/change/").content.decode()

    assert address.email_address in shown
    assert "Granted by the permission set “Gold”." in shown


def test_new_user_and_new_password_leave_audit_events_without_the_password(client: Client, db: Any) -> None:
    client.force_login(UserFactory(superuser=True))
    secret = "canary-Tr0ub4dor"

    made = client.post(
        f"{USERS}add/", {"username": "robin", "usable_password": "true", "password1": secret, "password2": secret}
    )
    user = User.objects.get(username="robin")
    changed = client.post(
        f"{USERS}{user.pk}/password/",
        {"usable_password": "true", "password1": f"{secret}2", "password2": f"{secret}2"},
    )

    assert (made.status_code, changed.status_code) == (302, 302)
    events = list(AuditEvent.objects.order_by("id"))
    assert [event.action for event in events] == ["user-created", "user-changed"]
    assert "canary" not in str([event.detail for event in events])
    assert "pbkdf2" not in str([event.detail for event in events])


def test_owner_picker_offers_active_users_to_configurers_only(
    page: Client, client: Client, address: RoutingAddress, staff: User
) -> None:
    UserFactory(username="zed-active")
    UserFactory(username="zed-gone", is_active=False)
    query = {"app_label": "routing", "model_name": "routingaddress", "field_name": "owner_user", "term": "zed"}

    found = page.get("/admin/autocomplete/", query).json()["results"]
    client.force_login(staff)
    refused = client.get("/admin/autocomplete/", query)

    assert [each["text"] for each in found] == ["zed-active"]
    assert refused.status_code == 403


# --- all lists ---


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("routing/assignmentrule/lint/", "Lint"),
        ("cases/inboundemail/lab/", "Mail lab"),
        ("routing/emailtocasesettings/configuration/", "Configuration file"),
        ("routing/routingaddress/first-steps/", "First steps"),
        ("routing/recordtype/email-action/", "Email action"),
        ("cases/case/figures/", "Dashboard"),
    ],
)
def test_a_page_of_its_own_is_called_by_its_own_name(page: Client, organisation: Any, url: str, name: str) -> None:
    shown = LexborHTMLParser(page.get(f"/admin/{url}").text)

    crumbs = [crumb.text(strip=True) for crumb in shown.css("#header-inner .truncate")]

    assert crumbs == [name]


@pytest.mark.filterwarnings("error::django.core.paginator.UnorderedObjectListWarning")
@pytest.mark.parametrize("of", ["queue", "permission set"])
def test_many_members_are_listed_by_name(page: Client, gold: PermissionSet, organisation: Any, of: str) -> None:
    queue = QueueFactory()
    for number in reversed(range(25)):
        user = UserFactory(username=f"rep{number:02}")
        queues.add_member(queue, user, by=None)
        permission_sets.add_member(gold, user, by=None)
    url = f"{QUEUES}{queue.pk}/change/" if of == "queue" else f"{SETS}{gold.pk}/change/"

    [formset] = page.get(url).context["inline_admin_formsets"]

    names = [each.form.instance.user.username for each in formset if each.original]
    assert names[:3] == ["rep00", "rep01", "rep02"]


def test_side_bar_lists_what_the_user_may_see(page: Client, client: Client, staff: User, organisation: Any) -> None:
    own = page.get("/admin/").content.decode()
    client.force_login(staff)
    others = client.get("/admin/").content.decode()

    for url in ("/admin/routing/routingaddress/", "/admin/routing/auditevent/", "/admin/auth/user/"):
        assert url in own
        assert url not in others


def test_the_audit_log_shows_what_a_configuration_file_changed(page: Client, organisation: Any) -> None:
    import_configuration("version: 1\nqueues:\n  - name: Invoices\n    email: invoices@company.example\n")
    event = AuditEvent.objects.get(action="configuration-imported")

    shown = page.get("/admin/routing/auditevent/").content.decode()
    in_full = page.get(f"/admin/routing/auditevent/{event.pk}/change/").content.decode()

    assert "+ queue Invoices; count: 1" in shown
    assert "<b></b> + queue Invoices" in in_full


@pytest.mark.parametrize("model", ["permissionset", "queue", "recordtype", "auditevent"])
def test_lists_cost_the_same_for_one_and_thirty_rows(model: str, page: Client, organisation: Any) -> None:
    counts = []
    for number in (1, 29):
        for each in range(number):
            add_row(model, f"{number} {each}")
        counts.append(queries_of(page, f"/admin/routing/{model}/"))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", ["permissionset", "queue"])
def test_member_pages_cost_the_same_for_one_and_thirty_members(
    path: str, page: Client, gold: PermissionSet, organisation: Any
) -> None:
    queue = QueueFactory()
    counts = []
    for number in (1, 29):
        for _ in range(number):
            user = UserFactory()
            permission_sets.add_member(gold, user, by=None)
            queues.add_member(queue, user, by=None)
        key = gold.pk if path == "permissionset" else queue.pk
        counts.append(queries_of(page, f"/admin/routing/{path}/{key}/change/"))

    # Django's autocomplete field looks up the chosen user of each row that it draws; the page draws at most 20.
    assert counts[1] - counts[0] <= 20 + 1


def add_row(model: str, name: str) -> None:
    if model == "permissionset":
        permission_set = permission_sets.create_permission_set(name, by=None)
        permission_sets.add_member(permission_set, UserFactory(), by=None)
        permission_sets.grant(permission_set, RoutingAddressFactory(), by=None)
    elif model == "queue":
        queues.add_member(QueueFactory(name=name), UserFactory(), by=None)
    elif model == "recordtype":
        RecordType.objects.create(name=name)
    else:
        record("test", name, by=UserFactory())


def test_refused_sign_ins_are_for_superusers_and_hide_what_was_typed(client: Client, page: Client, db: Any) -> None:
    AccessAttempt.objects.create(
        username="robin", ip_address="192.0.2.1", failures_since_start=3, post_data="password=canary-secret"
    )
    key = AccessAttempt.objects.get().pk
    urls = ["/admin/axes/accessattempt/", f"/admin/axes/accessattempt/{key}/change/"]

    refused = [page.get(url).status_code for url in urls]
    client.force_login(UserFactory(superuser=True))
    shown = [client.get(url) for url in urls]

    assert refused == [403, 403]
    assert [response.status_code for response in shown] == [200, 200]
    assert "canary" not in "".join(response.content.decode() for response in shown)


def test_the_count_below_a_list_is_a_plural(client: Client, configurer: User) -> None:
    client.force_login(configurer)
    for _ in range(2):
        RepPresence.objects.create(user=UserFactory())

    shown = client.get("/admin/routing/reppresence/").content.decode()

    assert "2 rep presences" in " ".join(shown.split())


def test_a_list_without_rows_says_what_it_is_for_and_offers_the_first_one(page: Client) -> None:
    shown = page.get("/admin/routing/assignmentrule/").content.decode()

    assert "No assignment rules yet" in shown
    assert "A rule names the owner of a new case" in shown
    assert 'href="/admin/routing/assignmentrule/add/"' in shown
    assert "filters" not in shown.partition("No assignment rules yet")[2].partition("</div>")[0].lower()


def test_a_search_without_a_match_leads_back_to_the_whole_list(page: Client) -> None:
    AssignmentRule.objects.create(name="By subject")

    shown = page.get("/admin/routing/assignmentrule/?q=nothing").content.decode()

    assert "No assignment rules match" in shown
    assert '<a class="e2c-link" href="?">Show all</a>' in shown


def test_lists_that_nobody_fills_by_hand_offer_no_button(page: Client) -> None:
    shown = page.get("/admin/cases/refusedcall/").content.decode()

    assert "No refused webhook calls yet" in shown
    assert "None is good." in shown
    assert 'class="e2c-button"' not in shown.partition("No refused webhook calls yet")[2].partition("</div>")[0]


# Set-up makes the first row, or every mail and case does.
WITHOUT_WORDS = {
    *("cases.Attachment", "cases.CaseComment", "cases.CaseEvent", "cases.CaseStatus", "cases.CaseTask"),
    *("cases.EmailMessage", "cases.RoutingDecision"),
    *("routing.AuditEvent", "routing.EmailToCaseSettings", "routing.RecordType"),
}


def test_every_list_that_an_admin_opens_says_what_it_is_for() -> None:
    silent = {
        model._meta.label
        for model, its in admin.site._registry.items()
        if not getattr(its, "empty_words", "") and model._meta.app_label in ("cases", "routing")
    }

    assert silent == WITHOUT_WORDS


def test_a_permission_set_on_an_instance_without_addresses_says_what_to_do_first(page: Client) -> None:
    shown = page.get(f"{SETS}add/").content.decode()

    assert "There is none yet. Add the address first" in shown
