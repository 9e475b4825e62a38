"""Who may not send, does not: every refusal in a real browser, with the mail server's ledger and the audit row."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from guardian.shortcuts import assign_perm
from playwright.sync_api import Page, expect

from cases.blobs import put_many
from cases.models import Attachment, Case, CaseComment, Draft, EmailMessage, Outbox, SendDecision
from routing import permission_sets
from routing.models import QueueMember, RoutingAddress
from tests.browser.desk import deliver_all, editor, nothing_left, primary, reply_on, send
from tests.cases.outbound.people import case_with_mail, grant, rep, verified_address
from tests.factories import RoutingAddressFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMER = "casey@example.net"


def choose(page: Page, address: RoutingAddress) -> None:
    """As somebody does who edits the page: the first choice of From is another address."""
    page.locator("[name=send_from] option").first.evaluate(f"option => option.value = '{address.pk}'")


def expect_refused(page: Page, *because: str) -> None:
    alert = page.locator("#reply")
    for words in because:
        expect(alert).to_contain_text(words)
    expect(editor(page)).to_have_text("My long answer")


def decisions() -> list[tuple[str, str, bool]]:
    return list(SendDecision.objects.order_by("pk").values_list("user_name", "address__email_address", "allowed"))


# Who holds what
# ------------------------------------------------------------------------------------------------------------
def test_address_of_somebody_else_is_not_offered_and_not_taken(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    """OP01"""
    billing = verified_address("billing@company.example", controlled_by_permission_set=True)
    grant(billing, rep("ben"))
    page = reply_on(log_in(ana), case)
    expect(page.locator("[name=send_from]")).not_to_contain_text("billing@company.example")

    choose(page, billing)
    primary(page).click()

    expect_refused(page, "You may not send from billing@company.example. No permission set grants it.")
    assert nothing_left(smtp)
    assert decisions() == [("ana", "billing@company.example", False)]


@pytest.mark.parametrize("how", ["for all addresses", "for the address"])
def test_grant_past_the_permission_sets_counts_for_nothing(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer, how: str
) -> None:
    """OP02"""
    closed = verified_address("closed@company.example", controlled_by_permission_set=True)
    if how == "for all addresses":
        ana.user_permissions.add(Permission.objects.get(codename="send_from_routingaddress"))
    else:
        assign_perm("routing.send_from_routingaddress", ana, closed)
    page = reply_on(log_in(ana), case)
    expect(page.locator("[name=send_from]")).not_to_contain_text("closed@company.example")
    page.locator(".why-from summary").click()
    expect(page.locator(".why-from")).to_contain_text("closed@company.example: No permission set grants it.")

    choose(page, closed)
    primary(page).click()

    expect_refused(page, "You may not send from closed@company.example.")
    assert nothing_left(smtp)
    assert decisions() == [("ana", "closed@company.example", False)]


def test_member_removed_while_writing_sends_nothing(
    log_in: Any, ana: User, case: Case, gold: RoutingAddress, smtp: FakeSmtpServer
) -> None:
    """OP03"""
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    senders = grant(gold, ana)
    page = reply_on(log_in(ana), case)
    permission_sets.expire_member(senders, ana, by=None)

    primary(page).click()

    expect_refused(page, "Nothing was sent. Your text is kept.")
    assert nothing_left(smtp)
    assert decisions() == [("ana", "gold@company.example", False)]


def test_member_removed_after_sending_is_refused_by_the_worker(
    log_in: Any, ana: User, case: Case, gold: RoutingAddress, smtp: FakeSmtpServer
) -> None:
    """OP03, at the moment of sending."""
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    senders = grant(gold, ana)
    page = reply_on(log_in(ana), case)
    send(page)
    permission_sets.expire_member(senders, ana, by=None)

    assert nothing_left(smtp)
    expect(page.locator(".sending")).to_contain_text("Not sent. The text is kept.")
    assert decisions()[-1] == ("ana", "gold@company.example", False)


def test_queue_left_while_writing_sends_nothing(log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer) -> None:
    """OP03 for the case."""
    page = reply_on(log_in(ana), case)
    QueueMember.objects.filter(user=ana).delete()

    primary(page).click()

    expect(page.get_by_role("alert").or_(page.get_by_text("There is nothing here"))).to_be_visible()
    assert nothing_left(smtp)


@pytest.mark.parametrize(
    "change", [{"verified_at": None}, {"is_active": False}, {"controlled_by_permission_set": True}]
)
def test_address_that_changes_after_sending_stops_the_worker(
    log_in: Any, ana: User, gold: RoutingAddress, case: Case, smtp: FakeSmtpServer, change: dict[str, Any]
) -> None:
    """OP05 and OP06 at the moment of sending; before it see test_reply.py."""
    page = reply_on(log_in(ana), case)
    send(page)
    RoutingAddress.objects.filter(pk=gold.pk).update(**change)

    assert nothing_left(smtp)
    expect(page.locator(".sending")).to_contain_text("Not sent. The text is kept.")
    page.get_by_role("button", name="Edit and send").click()
    expect(editor(page)).to_have_text("My long answer")
    assert decisions()[-1] == ("ana", "gold@company.example", False)


def test_superuser_does_not_pass_over_verification(
    log_in: Any, gold: RoutingAddress, case: Case, smtp: FakeSmtpServer
) -> None:
    """OP15"""
    root = UserFactory(username="root", superuser=True)
    new = RoutingAddressFactory(email_address="new@company.example")
    page = reply_on(log_in(root), case)
    expect(page.locator("[name=send_from]")).not_to_contain_text("new@company.example")

    choose(page, new)
    primary(page).click()

    expect_refused(page, "You may not send from new@company.example. The routing address is not verified.")
    assert nothing_left(smtp)
    assert decisions() == [("root", "new@company.example", False)]


def test_reader_reads_and_cannot_answer(log_in: Any, case: Case, smtp: FakeSmtpServer) -> None:
    """OP17: to see a case is not to answer it."""
    reader = UserFactory(username="reader")
    QueueMember.objects.create(queue=case.owner_queue, user=reader)
    watched = log_in(reader)
    page = watched.open(f"/cases/{case.number}/")

    expect(page.locator(".answer")).to_contain_text("you do not have the permission to reply to cases")
    page.keyboard.press("r")
    watched.open(f"/cases/{case.number}/compose/?mode=reply")
    expect(primary(page)).to_have_count(0)
    assert nothing_left(smtp)


def test_permission_withdrawn_while_writing_sends_nothing(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    """OP17: one of the two permissions is not enough."""
    page = reply_on(log_in(ana), case)
    ana.user_permissions.clear()

    primary(page).click()

    expect(page.locator("#conversation")).to_contain_text("ana does not have the permission to reply to cases.")
    # The draft that saves itself says so too, perhaps before the answer to the click is there.
    for _ in range(300):
        if decisions():
            break
        page.wait_for_timeout(100)
    assert nothing_left(smtp)
    assert decisions() == [("ana", "gold@company.example", False)]


# Who is gone
# ------------------------------------------------------------------------------------------------------------
def test_user_switched_off_while_writing_is_out(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """AU07 and OP09: the next click, page and download are refused; nobody assigns to them."""
    page = reply_on(log_in(ana), case)
    message = case.messages.get()
    User.objects.filter(pk=ana.pk).update(is_active=False)

    primary(page).click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent: you are logged out.")
    expect(editor(page)).to_have_text("My long answer")
    assert nothing_left(smtp)
    for path in ("", "files/", f"messages/{message.pk}/raw/", f"messages/{message.pk}/html/"):
        answer = page.request.get(f"{live_server.url}/cases/{case.number}/{path}", max_redirects=0)
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (302, "/login/"), path


def test_mail_of_a_user_switched_off_meanwhile_stays(
    log_in: Any, log_in_elsewhere: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    """OP09 at the moment of sending, and in the choice of who gets a case."""
    send(reply_on(log_in(ana), case))
    User.objects.filter(pk=ana.pk).update(is_active=False)

    assert nothing_left(smtp)

    assert decisions()[-1] == ("ana", "gold@company.example", False)
    boss = UserFactory(username="boss", superuser=True)
    page = log_in_elsewhere(boss).open(f"/cases/{case.number}/")
    page.keyboard.press("i")
    expect(page.locator("#case-action select")).to_be_focused()
    expect(page.locator("#case-action select")).not_to_contain_text("ana")


# Cases of others
# ------------------------------------------------------------------------------------------------------------
def test_case_of_another_queue_does_not_exist(
    log_in: Any, ana: User, case: Case, live_server: Any, smtp: FakeSmtpServer
) -> None:
    """OP10: page, files, raw, forms, search, list and counts."""
    hidden = case_with_mail(rep("ben"), address=case.routing_address)
    Case.objects.filter(pk=hidden.pk).update(subject="Secret merger")
    message = hidden.messages.get()
    (blob,) = put_many([b"plan"]).values()
    file = Attachment.objects.create(email_message=message, blob=blob, position=0, file_name="plan.txt")
    watched = log_in(ana)
    page = watched.open("/cases/?view=all")
    expect(page.locator("#list a.row")).to_have_count(1)
    expect(page.locator("body")).not_to_contain_text("Secret merger")

    absent = {page.request.get(f"{live_server.url}/cases/99999999/").status}
    pages = ["", "files/", "panel/", "why/", "newer/?after=0", "compose/?mode=reply", "do/assign/"]
    of_mail = ["raw/", "html/", "text/", "headers/"]
    paths = [*pages, *(f"messages/{message.pk}/{each}" for each in of_mail), f"attachments/{file.pk}/plan.txt"]
    statuses = {page.request.get(f"{live_server.url}/cases/{hidden.number}/{each}").status for each in paths}
    assert statuses == absent == {404}
    watched.open("/cases/?view=all&q=Secret")
    expect(page.locator("#list a.row")).to_have_count(0)
    watched.open(f"/cases/?view=all&q={hidden.number:08d}")
    expect(page.locator("body")).not_to_contain_text("Secret merger")
    counts = page.request.get(f"{live_server.url}/cases/counts/").text()
    assert ">2<" not in counts
    assert nothing_left(smtp)


# What leaves
# ------------------------------------------------------------------------------------------------------------
def test_two_tabs_and_back_are_one_mail(
    log_in: Any, ana: User, case: Case, context: Any, smtp: FakeSmtpServer
) -> None:
    """OB02: the same draft in two windows; a double click and back are in test_reply.py."""
    page = reply_on(log_in(ana), case)
    expect(page.locator("[data-draft-state]")).to_contain_text("Saved")
    other = context.new_page()
    other.goto(f"{page.url.partition('?')[0]}?draft={Draft.objects.get().pk}#reply")
    expect(editor(other)).to_have_text("My long answer")

    send(page)
    primary(other).click()

    expect(other.locator("#conversation")).to_contain_text("My long answer")
    deliver_all()
    assert len(smtp.ledger) == 1
    assert EmailMessage.objects.filter(incoming=False).count() == 1


@pytest.mark.usefixtures("impatient")
def test_silence_of_the_provider_is_shown_and_nothing_is_sent_again_by_itself(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    """OB03"""
    smtp.answers["data"] = ["hang"]
    page = reply_on(log_in(ana), case)
    send(page)

    deliver_all()

    expect(page.locator(".sending")).to_contain_text("It is uncertain whether this was sent")
    expect(page.get_by_role("button", name="Send again, it may arrive twice")).to_be_visible()
    deliver_all()
    assert len(smtp.ledger) == 1
    assert Outbox.objects.get().state == "uncertain"


def test_colleague_without_the_address_is_told_why_a_failed_mail_cannot_be_sent_again(
    log_in: Any, log_in_elsewhere: Any, ana: User, case: Case, gold: RoutingAddress, smtp: FakeSmtpServer
) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(controlled_by_permission_set=True)
    grant(gold, ana)
    ben = rep("ben")
    QueueMember.objects.create(queue=case.owner_queue, user=ben)
    page = reply_on(log_in(ana), case)
    theirs = log_in_elsewhere(ben).open(f"/cases/{case.number}/")
    send(page)
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    smtp.refused_recipients.clear()
    smtp.ledger.clear()

    theirs.reload()

    expect(theirs.locator(".sending")).to_contain_text(
        "You cannot send it again: it is from gold@company.example. No permission set grants it."
    )
    expect(theirs.get_by_role("button", name="Send again")).to_have_count(0)
    assert nothing_left(smtp)
    page.reload()
    page.get_by_role("button", name="Send again as it is").click()
    expect(page.locator(".sending")).to_contain_text("Waits to be sent.")


@pytest.mark.parametrize("key", ["r", "f"])
def test_internal_note_and_remote_picture_stay_here(
    log_in: Any, ana: User, gold: RoutingAddress, smtp: FakeSmtpServer, sink: Any, key: str
) -> None:
    """OB12 by reply and by forward."""
    picture = f'<p>See my picture</p><img src="http://127.0.0.1:{sink.port}/pixel.gif">'
    case = case_with_mail(ana, address=gold, html_body=picture, text_body="", reply_text="See my picture")
    CaseComment.objects.create(case=case, author=ana, body="internal: do not trust")
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.keyboard.press(key)
    editor(page).fill("My long answer")
    if key == "f":
        page.get_by_role("combobox", name="To").fill("kim@company.example,")
    primary(page).click()
    anyway, waits = page.get_by_role("button", name="Send anyway"), page.get_by_text("Not sent yet")
    expect(anyway.or_(waits)).to_be_visible()
    if anyway.is_visible():
        anyway.click()
    expect(waits).to_be_visible()

    deliver_all()

    content = "".join(
        str(part.get_payload(decode=True)) for part in smtp.ledger[0].message.walk() if not part.is_multipart()
    )
    assert "See my picture" in content
    assert "internal" not in content
    assert "pixel.gif" not in content
    assert sink.seen == []
