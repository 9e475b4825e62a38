"""From an empty database to the first answered case, as an administrator, a customer and a rep live through it.

Everything is real but the company's mail system: its mail server keeps what it takes, and the test forwards it to the
provider's webhook, or does not.
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases.inbound.settle import settle_batch
from cases.models import Case, EmailMessage, LoopTest
from cases.outbound.loop_tests import alert_missing, send_canaries
from routing.models import AssignmentRule, RoutingAddress
from tests.browser.desk import again, deliver_all, editor, send
from tests.cases import provider_requests as calls
from tests.cases.outbound.test_threading_back import answer_of, text_of
from tests.fake_smtp import FakeSmtpServer
from tests.mails import raw_mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.main_way]

STEPS = "/admin/routing/routingaddress/first-steps/"
SUPPORT, CUSTOMER = "support@company.example", "casey@example.net"
PASSWORD = "a-long-word-17"


@pytest.fixture(autouse=True)
def instance(settings: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    settings.E2C_MODE = "demo"  # 127.0.0.1 and .example are names that the outside world can reach
    settings.E2C_PUBLIC_URL = live_server.url
    settings.E2C_INBOUND_DOMAIN = "in.company.example"
    settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
    settings.E2C_PROVIDERS = ["mailgun", "postmark"]
    settings.E2C_WEBHOOK_SECRET, settings.ANYMAIL = calls.SECRET, calls.ANYMAIL


class Office:
    """The administrator's browser, the provider's memory of where to post, and the company's forward."""

    def __init__(self, page: Page, origin: str, smtp: FakeSmtpServer) -> None:
        self.page, self.origin, self.smtp = page, origin, smtp
        self.webhook = ""

    def step(self, key: str) -> Page:
        self.page.goto(f"{self.origin}{STEPS}?step={key}")
        return self.page

    def state(self, key: str) -> Any:
        return self.page.locator(f".e2c-walk-steps a[href*='step={key}&'] .e2c-word, a[href$='step={key}'] .e2c-word")

    def line(self, key: str) -> Any:
        return self.page.locator(f"[data-line='{key}']")

    def post(self, raw: bytes, recipient: str) -> None:
        """As Mailgun posts it to the URL that was pasted there; settled afterwards."""
        stored = calls.stored("mailgun_mime") | {"body-mime": raw, "recipient": recipient}
        call = calls.form_call("/", calls.mailgun_signed(stored, token=timezone.now().strftime("%f%H%M%S") + "0" * 38))
        answer = requests.post(self.webhook, data=call.body, headers={"Content-Type": call.content_type}, timeout=10)
        assert answer.status_code == 200
        again(settle_batch)

    def forward(self, mail: Message, address: RoutingAddress) -> None:
        """What the company's mail system does with a copy of each mail to the public address."""
        self.post(mail.as_bytes(), address.services_address)


def sign_in(page: Page, origin: str, name: str, *, to: str) -> None:
    page.goto(f"{origin}/login/?next={to}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{origin}{to}")


def choose(page: Page, label: str, words: str) -> None:
    """From a picker that asks the server."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("searchbox", name=label).fill(words)
    page.get_by_role("option", name=words).click()


@pytest.fixture
def office(
    transactional_db: Any, context: Any, live_server: Any, smtp: FakeSmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """An empty database and its first superuser, who has signed in."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, username="root", email="root@company.example", verbosity=0)
    page = context.new_page()
    sign_in(page, live_server.url, "root", to="/admin/")
    return Office(page, live_server.url, smtp)


def make_team(office: Office) -> None:
    page = office.page
    page.get_by_role("link", name="Open the first steps").click()
    expect(page.get_by_role("heading", name="What every case needs")).to_be_visible()  # the names are set: next one
    page.get_by_role("button", name="Make what is missing").click()
    page.get_by_role("link", name="Next: Mail that leaves").click()
    page.get_by_role("button", name="Test").click()
    expect(office.line("last_try")).to_contain_text("The server answers.")
    page.get_by_role("link", name="Next: A queue").click()
    page.get_by_label("Name of the queue").fill("Lamps")
    page.get_by_role("button", name="Make the queue").click()
    page.get_by_role("link", name="Next: Somebody").click()
    page.get_by_role("link", name="Add a user").click()
    page.locator("#id_username").fill("kim")
    for field in ("#id_password1", "#id_password2"):
        page.locator(field).fill(PASSWORD)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_first_name")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Person").select_option(label="kim")
    page.get_by_role("button", name="Put into the queue Lamps").click()
    expect(office.line("rep")).to_contain_text("and may reply: kim.")


def make_rule(office: Office) -> None:
    """Mail about lamps is for the queue Lamps; what else comes has the default case owner."""
    page = office.step("address")
    page.get_by_role("link", name="Make an assignment rule").click()
    page.locator("#id_name").fill("By subject")
    page.locator("#id_entries-0-label").fill("Lamps")
    page.get_by_role("button", name="Add a condition").click()
    page.locator(".e2c-cond-row").get_by_label("Value").fill("lamp")
    choose(page, "Owner (queue)", "Lamps")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Your customers’ address")).to_be_visible()


def make_address(office: Office) -> RoutingAddress:
    page = office.step("address")
    page.get_by_label("Email address").fill("Support@Company.example")
    page.get_by_label("Routing name").fill("Support")
    page.get_by_label("Case priority").select_option("High")
    page.get_by_label("Routing", exact=True).select_option("rules")
    page.get_by_label("Assignment rule").select_option(label="By subject")
    page.get_by_label("Case owner (queue)").select_option("")
    page.get_by_role("button", name="Save the address").click()
    expect(office.line("address")).to_contain_text(f"Support <{SUPPORT}>")
    return RoutingAddress.objects.get()


def paste_webhook(office: Office) -> None:
    page = office.step("webhook")
    expect(office.line("last_call")).to_contain_text("No provider has called yet.")
    page.get_by_text("Mailgun", exact=True).click()
    shown = page.locator("#url-mailgun").inner_text()
    user, _colon, password = calls.SECRET.partition(":")
    office.webhook = shown.replace("USER", user).replace("PASSWORD", requests.utils.quote(password))


def verify(office: Office, mail: Message) -> None:
    """The link of the mail is opened by whoever reads the mailbox: no account, another window."""
    office.step("verify")
    expect(office.line("verified")).to_contain_text("A verification mail was sent")
    [link] = re.findall(rf"{re.escape(office.origin)}/verify/\S+", text_of(mail))
    mailbox = office.page.context.browser.new_page()
    mailbox.goto(link)
    mailbox.get_by_role("button", name="Verify this address").click()
    expect(mailbox.get_by_role("heading", name="The address is verified")).to_be_visible()
    mailbox.close()
    # The administrator's page finds out by itself.
    expect(office.line("verified")).to_contain_text("since")


def set_up(office: Office) -> RoutingAddress:
    make_team(office)
    make_rule(office)
    address = make_address(office)
    [mail] = [taken for taken in office.smtp.ledger if taken.recipients == (SUPPORT,)]
    paste_webhook(office)
    verify(office, mail.message)
    return address


def send_test_mail(office: Office) -> Message:
    page = office.step("test")
    page.get_by_role("button", name="Send test mail").click()
    expect(office.line("sent")).to_contain_text("queued")
    deliver_all()
    taken = office.smtp.ledger[-1]
    assert (taken.sender, taken.recipients) == ("no-reply@company.example", (SUPPORT,))
    return taken.message


def test_from_an_empty_database_to_the_first_answered_case(
    office: Office, browser: Any, assert_accessible: Any
) -> None:
    expect(office.page.get_by_text("From here to the first case")).to_be_visible()
    assert_accessible(office.page)
    address = set_up(office)
    assert (address.case_priority, address.owner_queue) == ("High", None)
    assert_accessible(office.step("address"))

    # The company's mail system forwards; the test mail comes round, and the page sees it without a click.
    mail = send_test_mail(office)
    office.forward(mail, address)
    expect(office.line("back")).to_contain_text("by its services address")
    expect(office.line("from")).to_contain_text("as it left")
    for key in ("webhook", "verify", "forward", "senders", "test"):
        expect(office.state(key)).to_have_text("ok")
    assert_accessible(office.page)

    # A customer writes.
    page = office.step("case")
    expect(office.line("case")).to_contain_text("No mail of a customer has come in yet.")
    first = raw_mail(to=SUPPORT, subject="Broken lamp", message_id="<one@mail.example.net>")
    office.post(first, address.services_address)
    expect(page.get_by_text("Everything is done")).to_be_visible()
    case = Case.objects.get()
    assert (str(case.owner_queue), case.priority, case.origin) == ("Lamps", "High", "Email")
    assert_accessible(page)
    page.get_by_role("link", name=f"Open the case {case.number_text}").click()
    expect(page.locator("#case-subject")).to_have_text("Broken lamp")

    # Kim finds it in the queue that the rule chose, and answers.
    desk = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(desk, office.origin, "kim", to="/cases/")
    desk.goto(f"{office.origin}/cases/{case.number_text}/")
    desk.keyboard.press("r")
    expect(editor(desk)).to_be_focused()
    desk.keyboard.type("Which lamp is it?")
    send(desk)
    deliver_all()
    reply = office.smtp.ledger[-1]
    assert (reply.sender, reply.recipients) == (SUPPORT, (CUSTOMER,))

    # The customer's answer finds the case, and the checklist says by what.
    office.post(answer_of("gmail_web", reply.message), address.services_address)
    assert Case.objects.get() == case
    assert EmailMessage.objects.filter(case=case, incoming=True).count() == 2
    desk.reload()
    expect(desk.locator("#conversation")).to_contain_text("Which lamp is it?")
    desk.context.close()
    page.goto(f"{office.origin}/admin/routing/routingaddress/{address.pk}/change/")
    for key in ("verified", "forwarding", "from", "threads", "senders", "mail_in", "mail_out"):
        expect(office.line(key).locator(".e2c-word").first).to_have_text("ok")
    expect(office.line("threads")).to_contain_text("signed reply address")
    assert_accessible(page)

    page.goto(f"{office.origin}/admin/")
    expect(page.get_by_text("From here to the first case")).to_have_count(0)


def test_a_forward_that_does_not_work_is_said_everywhere(office: Office, assert_accessible: Any) -> None:
    address = set_up(office)
    RoutingAddress.objects.update(forwarding_seen_at=None)

    # The mail lies in the mailbox; nothing comes here.
    send_test_mail(office)
    LoopTest.objects.update(asked_at=timezone.now() - timedelta(minutes=3))
    page = office.step("test")
    expect(office.line("back")).to_contain_text("Not within two minutes. It left here")
    expect(office.line("back")).to_contain_text(address.services_address)
    expect(office.state("test")).to_have_text("wrong")
    expect(office.state("forward")).to_have_text("to do")
    LoopTest.objects.update(asked_at=timezone.now() - timedelta(minutes=16))
    office.step("forward")
    expect(office.state("forward")).to_have_text("wrong")
    assert_accessible(page)

    # A canary is set, leaves, and is missed.
    url = f"{office.origin}/admin/routing/routingaddress/{address.pk}/change/"
    page.goto(url)
    page.locator("#id_canary_hours").fill("6")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/routingaddress/")
    assert send_canaries() == 1
    deliver_all()
    LoopTest.objects.filter(is_canary=True).update(asked_at=timezone.now() - timedelta(minutes=16))
    assert alert_missing() == 1
    deliver_all()
    alert = office.smtp.ledger[-1]
    assert alert.recipients == ("root@company.example",)
    assert f"Mail to {SUPPORT} does not arrive" in str(alert.message["Subject"]).replace("\n", "")
    page.goto(url)
    expect(office.line("canary").locator(".e2c-word")).to_have_text("wrong")
    expect(office.line("canary")).to_contain_text("has not come back. An alert was sent")
    expect(office.line("forwarding").locator(".e2c-word")).to_have_text("wrong")
    expect(page.get_by_role("heading", name="The last test mail did not come back")).to_be_visible()
    assert_accessible(page)
    page.goto(f"{office.origin}/admin/")
    expect(page.locator(".e2c-figure.e2c-bad", has_text="Missing canaries")).to_contain_text("1")
    health = requests.get(f"{office.origin}/healthz", timeout=10).json()
    assert health["checks"]["canaries"]["status"] == "degraded"

    # The forward is mended: the next one comes back, and everything says so.
    LoopTest.objects.update(asked_at=timezone.now() - timedelta(hours=7))
    assert send_canaries() == 1
    deliver_all()
    office.forward(office.smtp.ledger[-1].message, address)
    page.goto(url)
    for key in ("canary", "forwarding", "from"):
        expect(office.line(key).locator(".e2c-word").first).to_have_text("ok")
    assert not Case.objects.exists()
    assert (User.objects.count(), AssignmentRule.objects.count()) == (2, 1)
