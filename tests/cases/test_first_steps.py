"""The first steps: what they say is read from what is there, and each form does what it says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.inbound.refused_calls import count_refused_call
from cases.models import Case, CaseStatus, LoopTest
from cases.outbound.delivery import deliver_due
from cases.outbound.loop_tests import send_test
from cases.setup import set_up_instance
from cases.setup_checks.first_steps import FirstSteps, first_steps
from cases.setup_checks.way_out import try_way_out
from routing.models import AuditEvent, EmailToCaseSettings, Queue, RecordType, RoutingAddress, VerificationMail
from routing.verification import mark_verified, send_verification
from tests.cases.outbound.people import rep
from tests.factories import InboundEmailFactory, RoutingAddressFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.mails import ingest, raw_mail
from tests.routing.admin.conftest import allow

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/admin/routing/routingaddress/first-steps/"
SUPPORT = "support@company.example"
KEYS = [
    "site",
    "basics",
    "way_out",
    "team",
    "rep",
    "address",
    "webhook",
    "verify",
    "forward",
    "senders",
    "test",
    "case",
]


@pytest.fixture
def smtp(settings: Any) -> Any:
    with fake_smtp_server() as server:
        settings.E2C_EMAIL_URL = f"smtp://127.0.0.1:{server.port}"
        settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
        yield server


@pytest.fixture
def configurer(db: Any) -> User:
    return allow(UserFactory(username="configurer", staff=True), "customize_application")


@pytest.fixture
def page(client: Client, configurer: User) -> Client:
    client.force_login(configurer)
    return client


@pytest.fixture
def root(client: Client, db: Any) -> Client:
    client.force_login(UserFactory(username="root", superuser=True))
    return client


def steps(address: RoutingAddress | None = None) -> FirstSteps:
    stored = RoutingAddress.objects.get(pk=address.pk) if address is not None else None
    return first_steps(stored, now=timezone.now())


def state(key: str, address: RoutingAddress | None = None) -> str:
    return next(step.state for step in steps(address).steps if step.key == key)


def words(key: str, address: RoutingAddress | None = None) -> str:
    [step] = [step for step in steps(address).steps if step.key == key]
    return " ".join(f"{line.title}: {line.words} {line.next_step}" for line in step.lines)


def support(**fields: Any) -> RoutingAddress:
    made: Any = RoutingAddressFactory(
        routing_name="Support",
        email_address=SUPPORT,
        owner_queue=Queue.objects.get_or_create(name="Support")[0],
        **fields,
    )
    return RoutingAddress.objects.get(pk=made.pk)


# --- who may open it -------------------------------------------------------------------------------------------------


def test_only_those_who_may_configure_open_it(client: Client) -> None:
    assert client.get(URL)["Location"].startswith("/admin/login/")
    client.force_login(allow(UserFactory(staff=True), "view_routingaddress"))
    assert client.get(URL).status_code == 403
    assert client.post(URL, {"act": "basics"}).status_code == 403
    assert not EmailToCaseSettings.objects.exists()


def test_the_first_page_offers_it_until_an_address_is_in_use(page: Client) -> None:
    assert "Open the first steps" in page.get("/admin/").content.decode()

    support(verified=True, forwarding_seen_at=timezone.now())

    assert "Open the first steps" not in page.get("/admin/").content.decode()


def test_the_first_page_offers_it_to_nobody_else(client: Client) -> None:
    client.force_login(allow(UserFactory(staff=True), "view_inboundemail"))

    assert "Open the first steps" not in client.get("/admin/").content.decode()


# --- states ----------------------------------------------------------------------------------------------------------


def test_an_empty_instance_has_everything_to_do() -> None:
    shown = steps()

    assert [step.key for step in shown.steps] == KEYS
    assert {step.state for step in shown.steps if step.key not in ("webhook", "site")} == {"todo"}
    assert shown.done == 0


def test_names_of_the_site_are_those_of_the_environment(settings: Any) -> None:
    assert state("site") == "todo"
    assert "Set E2C_PUBLIC_URL" in words("site")

    settings.E2C_PUBLIC_URL, settings.E2C_INBOUND_DOMAIN = "https://cases.company.eu", "in.company.eu"
    settings.E2C_SYSTEM_FROM = "no-reply@company.eu"

    assert state("site") == "ok"
    assert "in.company.eu" in words("site")


def test_basics_are_done_when_the_rows_are_there_and_undone_when_one_goes() -> None:
    set_up_instance()
    assert state("basics") == "ok"

    CaseStatus.objects.filter(is_closed=True).delete()

    assert state("basics") == "todo"
    assert "No case status means closed" in words("basics")


def test_the_way_out_follows_the_last_try(smtp: FakeSmtpServer) -> None:
    assert "Nothing has left yet" in words("way_out")

    assert try_way_out(by=None).works
    assert "The server answers" in words("way_out")
    smtp.answers["rcpt"] = ["550 not here"]
    send_verification(support(), by=None)

    assert state("way_out") == "wrong"
    assert "not here" in words("way_out")


def test_a_server_that_does_not_answer_is_told(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://127.0.0.1:9"

    assert not try_way_out(by=None).works
    assert state("way_out") == "wrong"
    assert "Nothing answers at 127.0.0.1" in words("way_out")


def test_a_password_of_the_way_out_is_not_told(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "smtp://somebody:secret-word@127.0.0.1:9"

    try_way_out(by=None)

    assert "secret-word" not in words("way_out") + str(AuditEvent.objects.latest("pk").detail)


def test_the_default_queue_is_no_team() -> None:
    set_up_instance()
    assert state("team") == "todo"
    assert "Only “Unassigned”" in words("team")

    Queue.objects.create(name="Support")

    assert state("team") == "ok"


def test_a_rep_is_an_active_member_who_may_reply() -> None:
    set_up_instance()
    queue = Queue.objects.create(name="Support")
    assert "Nobody active is in the queue Support" in words("rep")

    kim = UserFactory(username="kim")
    queue.members.add(kim)
    assert state("rep") == "todo"
    assert "may not reply to cases: kim" in words("rep")

    allow(kim, "reply_case")
    assert state("rep") == "ok"

    User.objects.filter(pk=kim.pk).update(is_active=False)
    assert state("rep") == "todo"


def test_where_a_person_owns_the_cases_that_person_has_to_answer() -> None:
    set_up_instance()
    kim = UserFactory(username="kim")
    address = support()
    RoutingAddress.objects.update(owner_queue=None, owner_user=kim)
    assert state("rep", address) == "todo"

    allow(kim, "reply_case")
    assert state("rep", address) == "ok"

    User.objects.filter(pk=kim.pk).update(is_active=False)
    assert state("rep", address) == "wrong"


def test_the_address_tells_what_its_cases_become() -> None:
    set_up_instance()
    address = support(case_priority="High")

    assert state("address", address) == "ok"
    assert "priority High, owner Support" in words("address", address)

    RoutingAddress.objects.update(is_active=False)
    assert state("address", address) == "wrong"


def test_the_provider_is_seen_to_call_and_to_be_refused(settings: Any) -> None:
    settings.E2C_WEBHOOK_SECRET, settings.E2C_PROVIDERS = "provider:word", ["postmark"]
    assert "No provider has called yet" in words("webhook")
    InboundEmailFactory(provider="ingest")
    assert state("webhook") == "todo"

    count_refused_call("postmark", "password_wrong", remote_address="192.0.2.1")
    assert state("webhook") == "wrong"
    assert "password wrong" in words("webhook")

    InboundEmailFactory(provider="postmark", received_at=timezone.now() + timedelta(seconds=1))
    assert state("webhook") == "ok"


def test_verifying_and_forwarding_follow_the_address(smtp: FakeSmtpServer) -> None:
    set_up_instance()
    address = support(forwarding_seen_at=None)
    assert (state("verify", address), state("forward", address), state("senders", address)) == ("todo",) * 3

    mark_verified(address, by=None, because="test")
    rep("kim")
    assert (state("verify", address), state("senders", address)) == ("ok", "ok")

    RoutingAddress.objects.update(email_address="other@company.example")
    assert state("verify", address) == "todo"


def test_a_test_mail_that_comes_back_is_done_and_one_that_is_late_is_wrong(smtp: FakeSmtpServer) -> None:
    set_up_instance()
    address = support(verified=True, forwarding_seen_at=None)
    assert state("test", address) == "todo"
    send_test(address, by=None, now=timezone.now())
    while deliver_due():
        pass
    assert state("test", address) == "todo"
    LoopTest.objects.update(asked_at=timezone.now() - timedelta(minutes=3))
    assert state("test", address) == "wrong"

    ingest(smtp.ledger[-1].message.as_bytes(), to=[address.services_address])

    assert state("test", address) == "ok"
    assert state("forward", address) == "ok"


def test_the_first_case_is_a_case_and_a_mail_that_opened_none_says_why(organisation: Any) -> None:
    address = support(accept_email_from="partner.example")
    ingest(raw_mail(to=SUPPORT), to=[address.services_address])
    assert state("case", address) == "wrong"
    assert "rejected" in words("case", address)

    RoutingAddress.objects.update(accept_email_from="")
    ingest(raw_mail(to=SUPPORT), to=[address.services_address])

    assert Case.objects.get().routing_address == address
    assert state("case", address) == "ok"


# --- forms -----------------------------------------------------------------------------------------------------------


def test_one_button_makes_what_is_missing(page: Client) -> None:
    answer = page.post(URL + "?step=basics", {"act": "basics"}, follow=True).content.decode()

    assert "What was missing is there now" in answer
    assert (Queue.objects.get().name, RecordType.objects.get().name) == ("Unassigned", "Support")
    assert AuditEvent.objects.filter(action="defaults-made").exists()


def test_queue_and_record_type_are_made_once(page: Client) -> None:
    page.post(URL + "?step=team", {"act": "queue", "name": "Support"})
    page.post(URL + "?step=team", {"act": "record_type", "name": "Question"})
    again = page.post(URL + "?step=team", {"act": "queue", "name": "Support"}).content.decode()

    assert Queue.objects.count() == 1
    assert "already exists" in again
    assert RecordType.objects.get().is_default
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"queue-created", "record-type-created"}


def test_a_superuser_puts_a_rep_into_the_queue_with_the_permission(root: Client) -> None:
    set_up_instance()
    queue, kim = Queue.objects.create(name="Support"), UserFactory(username="kim")

    root.post(URL + "?step=rep", {"act": "rep", "user": kim.pk, "may_reply": "on"})

    assert list(queue.members.all()) == [kim]
    assert User.objects.get(pk=kim.pk).has_perm("cases.reply_case")
    assert Group.objects.get().name == "Reps"
    assert state("rep") == "ok"
    assert AuditEvent.objects.filter(action="user-changed", detail__added=["group Reps"]).exists()


def test_who_is_no_superuser_gives_no_permission(page: Client) -> None:
    set_up_instance()
    queue, kim = Queue.objects.create(name="Support"), UserFactory(username="kim")
    assert "may_reply" not in page.get(URL + "?step=rep").content.decode()

    page.post(URL + "?step=rep", {"act": "rep", "user": kim.pk, "may_reply": "on"})

    assert list(queue.members.all()) == [kim]
    assert not User.objects.get(pk=kim.pk).has_perm("cases.reply_case")
    assert not Group.objects.exists()


def address_form(**fields: Any) -> dict[str, Any]:
    return {
        "act": "address",
        "email_address": "Support@Company.example",
        "routing_name": "Support",
        "case_origin": "Email",
        "case_priority": "High",
        "strategy": "owner",
    } | fields


def test_the_address_is_saved_and_its_verification_mail_leaves(page: Client, smtp: FakeSmtpServer) -> None:
    set_up_instance()
    queue = Queue.objects.create(name="Support")

    answer = page.post(URL + "?step=address", address_form(owner_queue=queue.pk), follow=True).content.decode()

    address = RoutingAddress.objects.get()
    assert (address.email_address, address.case_priority, address.owner_queue) == (SUPPORT, "High", queue)
    assert [taken.recipients for taken in smtp.ledger] == [(SUPPORT,)]
    assert VerificationMail.objects.get().state == "sent"
    assert "A verification mail is on its way" in answer
    assert AuditEvent.objects.filter(action="address-created").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email_address": "nobody"}, "Enter one email address"),
        ({"strategy": "rules"}, "Needed for “Assignment rules”."),
        ({"strategy": "flow"}, "Needed for “Routing flow”."),
    ],
)
def test_an_address_that_cannot_be_saved_says_why(page: Client, fields: dict[str, Any], said: str) -> None:
    set_up_instance()

    answer = page.post(URL + "?step=address", address_form(**fields)).content.decode()

    assert said in answer
    assert not RoutingAddress.objects.exists()


def test_a_trial_instance_names_the_address_by_itself(page: Client, settings: Any, smtp: FakeSmtpServer) -> None:
    settings.E2C_TRIAL = True
    set_up_instance()

    page.post(URL + "?step=address", address_form(routing_name="Gold"))

    assert RoutingAddress.objects.get().routing_name == SUPPORT


def test_the_test_of_the_way_out_says_what_happened(page: Client, smtp: FakeSmtpServer) -> None:
    answer = page.post(URL + "?step=way_out", {"act": "try"}, follow=True).content.decode()

    assert "The server answers. There is no user name" in answer
    assert smtp.ledger == []


def test_an_unknown_act_and_an_unknown_step_do_nothing(page: Client) -> None:
    assert page.post(URL + "?step=nonsense", {"act": "nonsense"}).status_code == 302
    assert page.get(URL + "?step=nonsense").context["step"].key == "site"
    assert page.get(URL + "?address=nonsense").status_code == 200
    assert not AuditEvent.objects.exists()


# --- the page --------------------------------------------------------------------------------------------------------


def test_it_opens_at_the_next_step_and_can_be_left_and_taken_up_again(page: Client, settings: Any) -> None:
    settings.E2C_PUBLIC_URL, settings.E2C_INBOUND_DOMAIN = "https://cases.company.eu", "in.company.eu"
    settings.E2C_SYSTEM_FROM = "no-reply@company.eu"
    assert page.get(URL).context["step"].key == "basics"

    page.post(URL, {"act": "basics"})

    assert Client.get(page, URL).context["step"].key == "way_out"


@pytest.mark.parametrize("key", KEYS)
def test_every_step_is_a_page_before_and_after_there_is_an_address(page: Client, key: str) -> None:
    before = page.get(f"{URL}?step={key}")
    set_up_instance()
    address = support()
    after = page.get(f"{URL}?step={key}")

    assert (before.status_code, after.status_code) == (200, 200)
    assert after.context["step"].key == key
    assert (address.services_address in after.content.decode()) == (key == "forward")


def test_urls_to_paste_hold_no_secret(page: Client, settings: Any) -> None:
    settings.E2C_WEBHOOK_SECRET, settings.E2C_PROVIDERS = "provider:quartz-word", ["postmark", "mailgun", "brevo"]
    settings.E2C_PUBLIC_URL = "https://cases.company.eu"

    shown = page.get(URL + "?step=webhook").content.decode()

    urls = re.findall(r'<code id="url-\w+">([^<]+)', shown)
    assert urls == [
        "https://USER:PASSWORD@cases.company.eu/anymail/brevo/inbound/",
        "https://USER:PASSWORD@cases.company.eu/anymail/mailgun/inbound_mime/",
        "https://USER:PASSWORD@cases.company.eu/anymail/postmark/inbound/",
    ]
    assert "quartz-word" not in shown


def test_the_case_is_linked_for_those_alone_who_may_see_it(
    client: Client, organisation: Any, configurer: User
) -> None:
    address = support()
    ingest(raw_mail(to=SUPPORT, subject="Broken lamp"), to=[address.services_address])
    client.force_login(configurer)
    shown = client.get(URL + "?step=case").content.decode()
    assert "not among the cases that you may see" in shown
    assert "Broken lamp" not in shown

    Queue.objects.get(name="Support").members.add(configurer)

    assert f"/cases/{Case.objects.get().number_text}/" in client.get(URL + "?step=case").content.decode()


def test_another_address_can_be_chosen(page: Client) -> None:
    set_up_instance()
    support()
    other = RoutingAddressFactory(email_address="sales@company.example")

    shown = page.get(f"{URL}?step=forward&address={other.pk}")

    assert shown.context["address"] == other
    assert SUPPORT in shown.content.decode()


def test_it_looks_again_by_itself_only_while_something_can_change(page: Client) -> None:
    set_up_instance()
    address = support(forwarding_seen_at=None)
    assert "every 5s" in page.get(URL + "?step=forward").content.decode()
    assert "every 5s" not in page.get(URL + "?step=address").content.decode()

    RoutingAddress.objects.filter(pk=address.pk).update(forwarding_seen_at=timezone.now())

    assert "every 5s" not in page.get(URL + "?step=forward").content.decode()


def test_the_page_costs_the_same_for_any_amount_of_mail(page: Client, organisation: Any) -> None:
    address = support(verified=True)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page.get(URL + "?step=case")
        return len(queries)

    ingest(raw_mail(to=SUPPORT), to=[address.services_address])
    first = cost()
    for _turn in range(5):
        ingest(raw_mail(to=SUPPORT), to=[address.services_address])
        RoutingAddressFactory()

    assert cost() == first
    assert first <= 36


# --- the way back ----------------------------------------------------------------------------------------------------


def test_a_page_that_was_opened_from_a_step_leads_back_when_it_is_saved(page: Client) -> None:
    set_up_instance()
    queue = Queue.objects.create(name="Support")
    url = f"/admin/routing/queue/{queue.pk}/change/?first_steps=rep"
    assert "Back to the first steps" in page.get(url).content.decode()
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    saved = page.post(url, {"name": "Help"} | inline)
    elsewhere = page.post(f"/admin/routing/queue/{queue.pk}/change/", {"name": "Helpers"} | inline)

    assert saved["Location"] == f"{URL}?step=rep"
    assert elsewhere["Location"] == "/admin/routing/queue/"


def test_a_new_user_leads_back_after_both_of_its_pages(root: Client) -> None:
    password = "a-long-word-17"
    form = {"username": "kim", "password1": password, "password2": password, "usable_password": "true"}

    added = root.post("/admin/auth/user/add/?first_steps=rep", form)
    kim = User.objects.get(username="kim")

    assert added["Location"] == f"/admin/auth/user/{kim.pk}/change/?first_steps=rep"
    saved = root.post(added["Location"], {"username": "kim", "is_active": "on"})
    assert saved["Location"] == f"{URL}?step=rep"


def test_actions_on_the_address_lead_back(page: Client, smtp: FakeSmtpServer) -> None:
    set_up_instance()
    address = support()

    answer = page.post(f"/admin/routing/routingaddress/{address.pk}/verify/?first_steps=verify")
    elsewhere = page.post(f"/admin/routing/routingaddress/{address.pk}/test-mail/")

    assert answer["Location"] == f"{URL}?step=verify&address={address.pk}"
    assert elsewhere["Location"] == f"/admin/routing/routingaddress/{address.pk}/change/"
    assert len(smtp.ledger) == 1


def test_the_way_back_leads_nowhere_else(page: Client) -> None:
    set_up_instance()
    queue = Queue.objects.create(name="Support")
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    saved = page.post(
        f"/admin/routing/queue/{queue.pk}/change/?first_steps=https://evil.example/", {"name": "Help"} | inline
    )

    assert saved["Location"].startswith(f"{URL}?step=https%3A")
