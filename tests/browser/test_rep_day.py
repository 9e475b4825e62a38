"""A rep's day with everything real but the provider: mail is posted, read, answered, delivered, answered again."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, expect

from cases.models import Approval, Case, CaseEvent, EmailMessage, Outbox, SendDecision
from cases.setup import set_up_instance
from routing.models import EmailToCaseSettings, PermissionSet, QueueMember, RecordType, RoutingAddress
from tests.browser.desk import POLL, deliver_all, editor, nothing_left, post_mail, primary, reply_on, send
from tests.cases import provider_requests as calls
from tests.cases.outbound.people import case_with_mail, grant, rep, verified_address
from tests.cases.outbound.test_threading_back import answer_of, text_of
from tests.fake_smtp import FakeSmtpServer
from tests.mails import raw_mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.main_way]

CUSTOMER = "casey@example.net"


@pytest.fixture(autouse=True)
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: None)
    settings.E2C_PROVIDERS = list(calls.PROVIDERS)
    settings.E2C_WEBHOOK_SECRET = calls.SECRET
    settings.ANYMAIL = calls.ANYMAIL


@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    return rep("ana", first_name="Ana", last_name="Able")


@pytest.fixture
def gold(ana: User) -> RoutingAddress:
    address = verified_address("gold@company.example", routing_name="Gold", display_name="Gold Support")
    QueueMember.objects.create(queue=address.owner_queue, user=ana)
    return address


def look_again(page: Page) -> None:
    """Ten seconds pass on the page."""
    page.clock.fast_forward(POLL)


def references(message: Any) -> list[str]:
    return (message["References"] or "").split()


def test_mail_is_read_answered_delivered_and_answered_again(
    log_in: Any, ana: User, gold: RoutingAddress, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """OB01, with the customer's answer made of the mail that really left."""
    watched = log_in(ana)
    page = watched.page
    page.clock.install()
    watched.open("/cases/?view=open")

    # It arrives.
    first = raw_mail(to="gold@company.example", subject="Broken lamp", message_id="<one@mail.example.net>")
    post_mail(live_server.url, first, gold.email_address)
    look_again(page)
    page.locator(".newer a").click()
    page.locator("#list a.row", has_text="Broken lamp").click()
    expect(page.locator("#conversation").get_by_text("Hello, my order has not come.").last).to_be_visible()
    case = Case.objects.get()

    # It is answered from the address that the customer wrote to.
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    expect(page.locator("[data-because]")).to_contain_text("Every rep may send from it")
    page.keyboard.type("Which lamp is it?")
    send(page)
    deliver_all()
    look_again(page)
    expect(page.locator(".sending")).to_contain_text("Sent.")
    [taken] = smtp.ledger
    ours = taken.message
    stored = EmailMessage.objects.get(incoming=False)
    assert (taken.sender, taken.recipients) == ("gold@company.example", (CUSTOMER,))
    assert parseaddr(ours["From"]) == ("Gold Support", "gold@company.example")
    assert ours["Message-ID"] == f"<{stored.message_identifier}>"
    assert (ours["In-Reply-To"], references(ours)) == ("<one@mail.example.net>", ["<one@mail.example.net>"])
    assert parseaddr(ours["Reply-To"])[1].startswith("gold+")
    assert "Which lamp is it?" in text_of(ours)

    # The customer's program answers it.
    post_mail(live_server.url, answer_of("gmail_web", ours), gold.email_address)
    look_again(page)
    expect(page.locator("[data-new-mail]")).to_contain_text("1 new mail")
    page.locator("[data-new-mail]").click()
    theirs = EmailMessage.objects.filter(incoming=True).latest("pk")
    assert (theirs.case, Case.objects.count()) == (case, 1)
    shown = page.frame_locator(f"#message-{theirs.pk} iframe.mail-frame")
    expect(shown.get_by_text("Thank you, it has come.")).to_be_visible()

    # It is answered again, and closed.
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.keyboard.type("Glad to hear that.")
    send(page)
    deliver_all()
    look_again(page)
    expect(page.locator(".sending").last).to_contain_text("Sent.")
    again = smtp.ledger[1].message
    assert again["In-Reply-To"].strip() == f"<{theirs.message_identifier}>"  # long ids are folded
    assert references(again)[-2:] == [ours["Message-ID"], f"<{theirs.message_identifier}>"]
    assert parseaddr(again["Reply-To"])[1] == parseaddr(ours["Reply-To"])[1]
    page.locator("#case-subject").click()
    page.keyboard.press("e")
    expect(page.locator("#case-head .status")).to_have_text("Status: Closed")
    case.refresh_from_db()
    assert (case.is_closed, len(smtp.ledger)) == (True, 2)
    assert set(SendDecision.objects.values_list("allowed", flat=True)) == {True}
    assert list(CaseEvent.objects.filter(case=case).values_list("kind", flat=True))[:6] == [
        *("case_opened", "reply_queued", "reply_sent", "email_added", "reply_queued", "reply_sent")
    ]
    assert watched.policy_errors == []


@pytest.mark.parametrize("where", ["all cases", "the type"])
def test_answer_starts_with_the_address_of_the_email_action(
    log_in: Any, ana: User, gold: RoutingAddress, live_server: Any, smtp: FakeSmtpServer, where: str
) -> None:
    billing = verified_address("billing@company.example", display_name="Billing", controlled_by_permission_set=True)
    grant(billing, ana, label="Accountants")
    chosen = EmailToCaseSettings if where == "all cases" else RecordType
    chosen.objects.update(default_from=billing)
    case = case_with_mail(ana, address=gold)

    page = reply_on(log_in(ana), case)
    expect(page.locator("[data-because]")).to_contain_text("Granted by the permission set “Accountants”.")
    expect(primary(page)).to_have_text("Reply to 1 person as Billing")
    send(page)
    deliver_all()

    assert smtp.ledger[0].sender == "billing@company.example"


def test_rejected_mail_is_edited_approved_and_sent_once(
    log_in: Any, log_in_elsewhere: Any, ana: User, live_server: Any, smtp: FakeSmtpServer, assert_accessible: Any
) -> None:
    vip = verified_address("vip@company.example", display_name="VIP", controlled_by_permission_set=True)
    juniors = grant(vip, ana, label="Juniors")
    PermissionSet.objects.filter(pk=juniors.pk).update(requires_approval=True)
    case = case_with_mail(ana, address=vip)
    boss = rep("boss", first_name="Bo", last_name="Boss")
    boss.user_permissions.add(Permission.objects.get(codename="approve_reply"))
    QueueMember.objects.create(queue=case.owner_queue, user=boss)

    page = reply_on(log_in(ana), case, "You get it for free.")
    expect(page.locator("[data-approval]")).to_contain_text(
        "Mail sent by the permission set “Juniors” needs approval."
    )
    expect(primary(page)).to_have_text("Ask for approval to write to 1 person as VIP")
    primary(page).click()
    expect(page.locator(".sending")).to_contain_text("Not sent: it waits for approval.")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert nothing_left(smtp)

    # The approver finds it in the list, and says no.
    watched = log_in_elsewhere(boss)
    other = watched.open("/cases/approvals/")
    assert_accessible(other)
    other.locator("#list a.row").click()
    expect(other.get_by_role("button", name="Approve")).to_be_visible()
    other.locator("summary", has_text="Reject").click()
    other.get_by_label("Why not?").fill("Not for free.")
    assert_accessible(other)
    other.get_by_role("button", name="Reject with this reason").click()
    expect(other.get_by_role("button", name="Approve")).to_have_count(0)
    assert Approval.objects.get().state == "rejected"
    deliver_all()
    assert {taken.recipients for taken in smtp.ledger} <= {(ana.email,)}  # who is told of it
    smtp.ledger.clear()

    # The author finds it among the drafts, with the reason.
    page.goto(f"{live_server.url}/drafts/")
    expect(page.locator("#list a.row")).to_contain_text("Not for free.")
    assert_accessible(page)
    page.locator("#list a.row").click()
    expect(page.get_by_text("This mail came back:")).to_contain_text("Not for free.")
    expect(editor(page)).to_have_text("You get it for free.")
    editor(page).fill("You get it for half the price.")
    primary(page).click()
    expect(page.locator(".sending")).to_contain_text("Not sent: it waits for approval.")

    other.goto(f"{live_server.url}/cases/{case.number}/")
    other.get_by_role("button", name="Approve").click()
    expect(other.locator(".sending")).not_to_contain_text("approval")
    deliver_all()

    [taken] = smtp.ledger
    assert (taken.sender, taken.recipients) == ("vip@company.example", (CUSTOMER,))
    assert "for half the price" in text_of(taken.message)
    assert "for free" not in text_of(taken.message)
    assert list(Approval.objects.order_by("pk").values_list("state", flat=True)) == ["rejected", "approved"]
    assert watched.policy_errors == []


def test_forward_and_new_mail_leave_with_a_case_each(
    log_in: Any, ana: User, gold: RoutingAddress, live_server: Any, smtp: FakeSmtpServer
) -> None:
    case = case_with_mail(ana, address=gold, message_identifier="first@mail.example.net")
    watched = log_in(ana)
    page = watched.open(f"/cases/{case.number}/")
    page.keyboard.press("f")
    page.get_by_role("combobox", name="To").fill("plant@supplier.example,")
    editor(page).fill("Can you make another one?")
    primary(page).click()
    page.get_by_role("button", name="Send anyway").click()
    expect(page.locator(".sending")).to_contain_text("Not sent yet")
    deliver_all()
    [forward] = smtp.ledger
    assert forward.recipients == ("plant@supplier.example",)
    assert forward.message["Subject"] == "Fwd: Order 17 has not come"
    assert "Can you make another one?" in text_of(forward.message)
    assert "Hello, my order has not come." in text_of(forward.message)

    page = watched.open("/cases/new/")
    page.get_by_role("combobox", name="To").fill("new@example.org,")
    page.get_by_label("Subject").fill("Your order")
    editor(page).fill("It will be late.")
    primary(page).click()
    expect(page.locator(".sending")).to_contain_text("Not sent yet")
    deliver_all()
    new = smtp.ledger[1]
    assert (new.sender, new.recipients) == ("gold@company.example", ("new@example.org",))
    assert new.message["In-Reply-To"] is None

    # Its answer joins the case that it opened.
    answer = answer_of("thunderbird", new.message).replace(b"casey@example.net", b"new@example.org")
    post_mail(live_server.url, answer, gold.email_address)
    opened = Case.objects.exclude(pk=case.pk).get()
    assert opened.messages.filter(incoming=True).count() == 1
    page.goto(f"{live_server.url}/cases/{opened.number}/")
    expect(page.locator("#case-subject")).to_have_text("Your order")
    assert Outbox.objects.count() == 2
