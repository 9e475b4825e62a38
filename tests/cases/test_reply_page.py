"""Answering from the case page, and the whole loop: in by webhook, out by page, back in by the customer's answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.models import Case, CaseEvent, Draft, EmailAddress, EmailMessage, Outbox, Participant, SendDecision
from cases.outbound.delivery import deliver_due
from routing.models import QueueMember, RoutingAddress
from tests.cases import provider_requests
from tests.cases.outbound.people import case_with_mail, grant, rep, verified_address
from tests.factories import EmailMessageFactory, ParticipantFactory, RoutingAddressFactory, UserFactory
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server
from tests.mails import raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

CUSTOMER = "casey@example.net"


@pytest.fixture
def ana() -> User:
    return rep("ana", first_name="Ana")


@pytest.fixture
def gold() -> RoutingAddress:
    return verified_address("gold@company.example", display_name="Gold Support")


@pytest.fixture
def case(ana: User, gold: RoutingAddress) -> Case:
    return case_with_mail(ana, address=gold, message_identifier="first@mail.example.net")


@pytest.fixture
def page(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


def composer(page: Client, case: Case, query: str = "mode=reply") -> dict[str, str]:
    """The fields of the form as the page offers them."""
    html = page.get(f"/cases/{case.number}/compose/?{query}").content.decode()
    form = html.partition("data-composer")[2].partition("</form>")[0]
    fields = {
        name: value
        for name, value in re.findall(r'<input type="(?:hidden|text)" name="([a-z_]+)"(?: value="([^"]*)")?', form)
        if name != "csrfmiddlewaretoken"
    }
    selected = re.search(r'<option value="(\d+)" selected', form)
    fields["send_from"] = selected[1] if selected else ""
    text = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", form, re.DOTALL)
    fields["text"] = text[1] if text else ""
    return {name: value.replace("&lt;", "<").replace("&gt;", ">") for name, value in fields.items()}


def send(page: Client, case: Case, fields: dict[str, Any]) -> Any:
    return page.post(f"/cases/{case.number}/reply/", {"confirmed": "1"} | fields)


def deliver_all(after: timedelta = timedelta(minutes=1)) -> None:
    with time_machine.travel(timezone.now() + after):
        while deliver_due():
            pass


def shown(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


# The composer
# ------------------------------------------------------------------------------------------------------------
def test_composer_is_filled_in(page: Client, case: Case, gold: RoutingAddress) -> None:
    fields = composer(page, case)

    assert fields["send_from"] == str(gold.pk)
    assert fields["to"] == "Casey Customer <casey@example.net>"
    assert fields["cc"] == ""
    assert fields["subject"] == "Re: Order 17 has not come"
    assert fields["last_seen"] == str(case.source_id)
    assert len(fields["key"]) == 32
    html = shown(page.get(f"/cases/{case.number}/compose/?mode=reply"))
    assert "gold@company.example : Every rep may send from it: it is not controlled by permission set." in html
    assert "Reply to 1 person as Gold Support" in html


@pytest.mark.parametrize("query", ["", "?reply=1", "?all=1", "?draft=1"])
def test_case_page_costs_the_same_with_a_composer_and_links_to_it(page: Client, case: Case, query: str) -> None:
    EmailMessageFactory(case=case, outgoing=True)

    with CaptureQueriesContext(connection) as captured:
        html = page.get(f"/cases/{case.number}/{query}").content.decode()

    assert len(captured) <= 8
    assert f'href="/cases/{case.number:08d}/compose/?mode=reply#reply"' in html  # without JavaScript it is a page
    assert "<form data-composer" not in html


def test_case_page_tells_which_composer_it_wants(page: Client, case: Case) -> None:
    def asked(query: str) -> list[str]:
        html = page.get(f"/cases/{case.number}/{query}").content.decode()
        return re.findall(r'data-composer-at="([^"]+)"', html)

    compose = f"/cases/{case.number:08d}/compose/"
    assert asked("") == []
    assert asked("?reply=1") == [f"{compose}?mode=reply"]
    assert asked("?all=1&message=7") == [f"{compose}?mode=reply_all&amp;message=7"]
    refresh = f'<noscript><meta http-equiv="refresh" content="0; url={compose}?mode=reply#reply"></noscript>'
    assert refresh in page.get(f"/cases/{case.number}/?reply=1").content.decode()
    assert "noscript><meta" not in page.get(f"/cases/{case.number}/").content.decode()
    assert asked('?draft="><b>') == [f"{compose}?mode=reply&amp;draft=%22%3E%3Cb%3E"]


def test_composer_that_is_opened_again_has_its_key_again(page: Client, case: Case) -> None:
    assert composer(page, case, f"mode=reply&key={'k' * 24}")["key"] == "k" * 24
    assert composer(page, case, "mode=reply&key=<b>")["key"] != "<b>"


@pytest.mark.parametrize("count", [1, 30])
def test_composer_costs_the_same_for_every_length(
    page: Client, case: Case, ana: User, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        verified_address(f"a{number}@company.example")
        closed = verified_address(f"closed{number}@company.example", controlled_by_permission_set=True)
        grant(closed, ana, label=f"Senders {number}")
        EmailMessageFactory(case=case)

    with django_assert_max_num_queries(18):
        alone = page.get(
            f"/cases/{case.number}/compose/?mode=reply_all", headers={"HX-Request": "true", "HX-Target": "reply"}
        )

    assert alone.content.decode().count("data-composer ") == 1
    assert 'id="timeline"' not in alone.content.decode()
    with django_assert_max_num_queries(24):  # the page for who has no JavaScript
        page.get(f"/cases/{case.number}/compose/?mode=reply_all")


def test_reply_to_all_leaves_out_ourselves_and_new_participants(
    page: Client, case: Case, gold: RoutingAddress
) -> None:
    other = RoutingAddressFactory(email_address="billing@company.example")
    for address, role in (("sam@example.org", "copied"), ("new@example.org", "new")):
        ParticipantFactory(case=case, address=address, role=role)
    for address in ("gold@company.example", "gold+x@company.example", other.email_address, gold.services_address,
                    "sam@example.org", "new@example.org", "stranger@example.org", CUSTOMER):  # fmt: skip
        EmailAddress.objects.create(email_message_id=case.source_id, role="cc", address=address)

    assert composer(page, case)["cc"] == ""
    assert composer(page, case, "mode=reply_all")["cc"] == "sam@example.org"


@pytest.mark.parametrize(
    ("reply_to", "dmarc", "to"),
    [
        ("orders@example.net", "", "orders@example.net"),
        ("orders@example.net", "fail", "Casey Customer <casey@example.net>"),
        ("thief@evil.example", "pass", "Casey Customer <casey@example.net>"),
        ("gold@company.example", "pass", "Casey Customer <casey@example.net>"),
    ],
)
def test_reply_to_of_the_customer_counts_when_it_is_theirs(
    page: Client, case: Case, reply_to: str, dmarc: str, to: str
) -> None:
    EmailMessage.objects.filter(case=case).update(dmarc=dmarc)
    EmailAddress.objects.create(email_message_id=case.source_id, role="reply_to", address=reply_to)

    assert composer(page, case)["to"] == to


def test_new_participant_is_not_answered_by_itself(page: Client, case: Case) -> None:
    ParticipantFactory(case=case, address="new@example.org", role=Participant.Role.NEW)
    EmailMessageFactory(case=case, from_address="new@example.org", received_at=timezone.now() + timedelta(seconds=1))

    assert composer(page, case, "mode=reply_all")["to"] == "Casey Customer <casey@example.net>"


def test_refused_addresses_are_named_with_the_reason(page: Client, case: Case, gold: RoutingAddress) -> None:
    RoutingAddress.objects.filter(pk=gold.pk).update(verified_at=None)

    response = page.get(f"/cases/{case.number}/compose/?mode=reply")

    text = shown(response)
    assert "There is no address that you may send from." in text
    assert "gold@company.example : The routing address is not verified." in text
    assert "which you cannot send from. The routing address is not verified." in text
    assert "Reply to 1" not in text


def test_reader_without_permission_gets_no_composer(client: Client, case: Case) -> None:
    reader = UserFactory()
    QueueMember.objects.create(queue=case.owner_queue, user=reader)
    client.force_login(reader)

    response = client.get(f"/cases/{case.number}/?reply=1")

    assert "you do not have the permission to reply to cases" in shown(response)
    assert "/compose/" not in response.content.decode()


# Sending
# ------------------------------------------------------------------------------------------------------------
def test_reply_is_queued_with_undo_and_then_sent(
    page: Client, case: Case, smtp: FakeSmtpServer, gold: RoutingAddress
) -> None:
    response = send(page, case, composer(page, case) | {"text": "It left us today.\r\nSorry!"})

    message = EmailMessage.objects.get(incoming=False)
    assert (response.status_code, response["Location"]) == (302, f"/cases/{case.number:08d}/#message-{message.pk}")
    assert message.reply_text == "It left us today.\nSorry!"
    waiting = page.get(f"/cases/{case.number}/")
    assert "Not sent yet, you can still undo it." in shown(waiting)
    assert f"/messages/{message.pk}/undo/" in waiting.content.decode()
    deliver_all(after=timedelta(seconds=5))
    assert smtp.ledger == []
    deliver_all()
    assert smtp.ledger[0].recipients == (CUSTOMER,)
    assert "Sent. casey@example.net : sent" in shown(page.get(f"/cases/{case.number}/"))


def test_undo_opens_the_text_again_and_the_draft_goes_when_it_is_sent(
    page: Client, case: Case, smtp: FakeSmtpServer
) -> None:
    send(page, case, composer(page, case) | {"text": "It left us <today>.", "cc": '"Other, Sam" <sam@example.org>'})
    message = EmailMessage.objects.get(incoming=False)

    response = page.post(f"/cases/{case.number}/messages/{message.pk}/undo/")

    draft = Draft.objects.get()
    assert response["Location"] == f"/cases/{case.number:08d}/?draft={draft.pk}#reply"
    fields = composer(page, case, f"draft={draft.pk}")
    assert fields["text"] == "It left us <today>."
    assert fields["cc"].replace("&quot;", '"') == '"Other, Sam" <sam@example.org>'
    assert fields["subject"] == "Re: Order 17 has not come"
    waiting = page.get(f"/cases/{case.number}/")
    assert "You have a draft here." in shown(waiting)
    assert f"/compose/?draft={draft.pk}#reply" in waiting.content.decode()
    send(page, case, fields | {"cc": "", "text": "It left us yesterday."})
    deliver_all()
    assert [taken.recipients for taken in smtp.ledger] == [(CUSTOMER,)]
    assert not Draft.objects.exists()
    assert EmailMessage.objects.get(incoming=False).reply_text == "It left us yesterday."


def test_draft_is_its_authors_alone(page: Client, client: Client, case: Case) -> None:
    send(page, case, composer(page, case) | {"text": "Not for others"})
    message = EmailMessage.objects.get(incoming=False)
    page.post(f"/cases/{case.number}/messages/{message.pk}/undo/")
    draft = Draft.objects.get()
    ben = rep("ben")
    QueueMember.objects.create(queue=case.owner_queue, user=ben)
    client.force_login(ben)

    assert "Not for others" not in shown(client.get(f"/cases/{case.number}/"))
    assert composer(client, case, f"draft={draft.pk}")["text"] == ""


def test_double_click_back_and_resubmit_are_one_mail(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    fields = composer(page, case) | {"text": "It left us today."}

    locations = {send(page, case, fields)["Location"] for _ in range(2)}
    deliver_all()
    locations.add(send(page, case, fields)["Location"])
    deliver_all()

    assert len(locations) == 1
    assert len(smtp.ledger) == 1


def test_second_tab_is_stopped_with_its_text(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    tabs = [composer(page, case) | {"text": f"Text of tab {number}"} for number in (1, 2)]
    send(page, case, tabs[0])

    response = send(page, case, tabs[1])

    deliver_all()
    assert response.status_code == 409
    assert "Something new came into this case since you opened it." in shown(response)
    assert "Text of tab 2" in response.content.decode()
    assert len(smtp.ledger) == 1


def test_reply_goes_after_the_unseen_mail_was_shown(page: Client, case: Case) -> None:
    fields = composer(page, case) | {"text": "It left us today."}
    newer = EmailMessageFactory(case=case, text_body="I found it, thank you!")

    stopped = send(page, case, fields)

    assert stopped.status_code == 409
    assert "I found it, thank you!" in shown(stopped)
    assert Outbox.objects.count() == 0
    html = stopped.content.decode()
    assert f'name="last_seen" value="{newer.pk}"' in html
    assert f'name="key" value="{fields["key"]}"' in html
    assert send(page, case, fields | {"last_seen": str(newer.pk)}).status_code == 302


def test_files_are_sent(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    files = [
        SimpleUploadedFile("a.txt", b"one", content_type="text/plain"),
        SimpleUploadedFile("empty.csv", b"", content_type="text/csv"),
    ]

    send(page, case, composer(page, case) | {"text": "See the files.", "attachments": files})

    deliver_all()
    parts = [part for part in smtp.ledger[0].message.walk() if part.get_filename()]
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in parts] == [
        ("a.txt", b"one"),
        ("empty.csv", b""),
    ]


# Refusals
# ------------------------------------------------------------------------------------------------------------
def nothing_left(smtp: FakeSmtpServer) -> bool:
    deliver_all()
    return not smtp.ledger and not Outbox.objects.exists() and not EmailMessage.objects.filter(incoming=False).exists()


def test_address_of_somebody_else_is_refused_with_the_text_kept(
    page: Client, case: Case, ana: User, smtp: FakeSmtpServer
) -> None:
    other = verified_address("billing@company.example", controlled_by_permission_set=True)
    grant(other, rep("ben"))

    response = send(page, case, composer(page, case) | {"send_from": str(other.pk), "text": "My long answer"})

    assert response.status_code == 403
    text = shown(response)
    assert "You may not send from billing@company.example. No permission set grants it." in text
    assert "My long answer" in text
    assert nothing_left(smtp)
    decision = SendDecision.objects.get()
    assert (decision.stage, decision.allowed, decision.user, decision.address) == ("form", False, ana, other)


def test_direct_grant_is_neither_offered_nor_accepted(client: Client, case: Case, smtp: FakeSmtpServer) -> None:
    cleo = rep("cleo")
    QueueMember.objects.create(queue=case.owner_queue, user=cleo)
    cleo.user_permissions.add(Permission.objects.get(codename="send_from_routingaddress"))
    closed = verified_address("closed@company.example", controlled_by_permission_set=True)
    client.force_login(cleo)

    fields = composer(client, case)

    assert "closed@company.example : No permission set grants it." in shown(
        client.get(f"/cases/{case.number}/compose/?mode=reply")
    )
    assert send(client, case, fields | {"send_from": str(closed.pk), "text": "x"}).status_code == 403
    assert nothing_left(smtp)


@pytest.mark.parametrize("change", ["unverified", "off", "controlled"])
def test_address_that_may_not_send_any_more_keeps_the_text(
    page: Client, case: Case, gold: RoutingAddress, smtp: FakeSmtpServer, change: str
) -> None:
    fields = composer(page, case) | {"text": "My long answer"}
    changes: dict[str, Any] = {
        "unverified": {"verified_at": None},
        "off": {"is_active": False},
        "controlled": {"controlled_by_permission_set": True},
    }[change]
    RoutingAddress.objects.filter(pk=gold.pk).update(**changes)

    response = send(page, case, fields)

    assert response.status_code == 403
    assert "Nothing was sent. Your text is kept." in shown(response)
    assert "My long answer" in shown(response)
    assert nothing_left(smtp)


def test_rep_who_left_the_queue_is_refused(page: Client, case: Case, ana: User, smtp: FakeSmtpServer) -> None:
    fields = composer(page, case) | {"text": "x"}
    QueueMember.objects.filter(user=ana).delete()

    assert send(page, case, fields).status_code == 404
    assert nothing_left(smtp)


def test_user_who_was_switched_off_is_refused(page: Client, case: Case, ana: User, smtp: FakeSmtpServer) -> None:
    fields = composer(page, case) | {"text": "x"}
    User.objects.filter(pk=ana.pk).update(is_active=False)

    response = send(page, case, fields)

    assert response["Location"].startswith("/login/")
    assert nothing_left(smtp)


def test_reader_is_refused(client: Client, page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    fields = composer(page, case) | {"text": "My long answer"}
    reader = UserFactory()
    QueueMember.objects.create(queue=case.owner_queue, user=reader)
    client.force_login(reader)

    response = send(client, case, fields)

    assert response.status_code == 403
    assert nothing_left(smtp)


def test_forged_fields_are_ignored(page: Client, case: Case, gold: RoutingAddress, smtp: FakeSmtpServer) -> None:
    victim = verified_address("billing@company.example", controlled_by_permission_set=True)
    forged = {
        "from": victim.email_address,
        "from_email": victim.email_address,
        "from_address": str(victim.pk),
        "case": "1",
        "case_id": "1",
        "status": "sent",
        "created_by": "1",
        "owner": "1",
        "verified_at": "2026-01-01",
        "reply_to": "thief@evil.example",
        "message_identifier": "forged@evil.example",
        "now": "2020-01-01",
    }

    send(page, case, composer(page, case) | {"text": "x"} | forged)
    deliver_all()

    [taken] = smtp.ledger
    assert taken.sender == "gold@company.example"
    assert b"evil.example" not in taken.content
    assert b"forged" not in taken.content
    assert EmailMessage.objects.get(incoming=False).created_by.username == "ana"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"to": ""}, "Enter at least one address to send to."),
        ({"to": "casey"}, "“casey” is not one email address."),
        ({"cc": "a@example.org, nobody"}, "“nobody” is not one email address."),
        ({"cc": "x\r\nBcc: victim@example.org"}, "is not one email address."),
        ({"cc": "gold@company.example"}, "gold@company.example is one of our own addresses"),
        ({"text": "  "}, "Write something to send."),
        ({"text": ""}, "Write something to send."),
        ({"send_from": "99999"}, "Choose one of the addresses."),
        ({"send_from": ""}, "Choose one."),
        ({"last_seen": "x"}, "Nothing was sent."),
    ],
)
def test_what_is_wrong_is_said_and_everything_kept(
    page: Client, case: Case, smtp: FakeSmtpServer, changed: dict[str, str], sentence: str
) -> None:
    fields = composer(page, case) | {"text": "My long answer", "cc": "sam@example.org", "subject": "My subject"}

    response = send(page, case, fields | changed)

    assert response.status_code == 422
    assert sentence in shown(response)
    html = response.content.decode()
    for name, value in fields.items():
        if name in ("text", "cc", "subject") and name not in changed:
            assert value in html
    assert nothing_left(smtp)


@pytest.mark.parametrize("name", ["case_reply", "reply_undo", "reply_again"])
def test_looking_changes_nothing(page: Client, case: Case, name: str) -> None:
    arguments = {"number": case.number} | ({"message_id": case.source_id} if name != "case_reply" else {})

    assert page.get(reverse(name, kwargs=arguments)).status_code == 405


def test_case_of_others_is_not_found(client: Client, page: Client, case: Case) -> None:
    send(page, case, composer(page, case) | {"text": "x"})
    message = EmailMessage.objects.get(incoming=False)
    client.force_login(rep("ben"))

    assert send(client, case, {"text": "x"}).status_code == 404
    for what in ("undo", "send-again"):
        assert client.post(f"/cases/{case.number}/messages/{message.pk}/{what}/").status_code == 404
    assert Outbox.objects.get().state == "queued"


def test_second_click_on_undo_finds_the_draft(page: Client, case: Case, settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 10
    send(page, case, composer(page, case) | {"text": "x"})
    message = EmailMessage.objects.get(incoming=False)
    url = f"/cases/{case.number}/messages/{message.pk}/undo/"

    first, second = page.post(url), page.post(url)

    assert Draft.objects.count() == 1
    assert first["Location"] == second["Location"] == f"/cases/{case.number:08d}/?draft={Draft.objects.get().pk}#reply"


def test_composer_beside_a_conversation_has_seen_what_the_conversation_shows(page: Client, case: Case) -> None:
    shown_until = case.source_id
    unseen = EmailMessageFactory(case=case, text_body="I found it, thank you!")

    def last_seen(seen: str) -> str:
        html = page.get(
            f"/cases/{case.number}/compose/?mode=reply&seen={seen}",
            headers={"HX-Request": "true", "HX-Target": "reply"},
        ).content.decode()
        return re.findall(r'name="last_seen" value="(\d+)"', html)[0]  # type: ignore[no-any-return]

    assert last_seen(str(shown_until)) == str(shown_until)
    assert [last_seen(word) for word in ("", "x", str(unseen.pk + 99))] == [str(unseen.pk)] * 3
    assert composer(page, case)["last_seen"] == str(unseen.pk)  # the page shows it


def test_mail_that_came_in_cannot_be_taken_back(page: Client, case: Case) -> None:
    assert page.post(f"/cases/{case.number}/messages/{case.source_id}/undo/").status_code == 404


# What became of it
# ------------------------------------------------------------------------------------------------------------
def test_failed_mail_says_why_and_can_be_edited(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    send(page, case, composer(page, case) | {"text": "My long answer"})
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()

    html = page.get(f"/cases/{case.number}/")

    message = EmailMessage.objects.get(incoming=False)
    assert "Not sent. The text is kept. 550 no such user" in shown(html)
    response = page.post(f"/cases/{case.number}/messages/{message.pk}/edit/")
    draft = Draft.objects.get()
    assert response["Location"] == f"/cases/{case.number:08d}/?draft={draft.pk}#reply"
    assert composer(page, case, f"draft={draft.pk}")["text"] == "My long answer"
    assert "Not sent: 550 no such user" in shown(page.get(f"/cases/{case.number}/compose/?draft={draft.pk}"))


def test_uncertain_mail_is_shown_and_sent_again_by_a_person(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    send(page, case, composer(page, case) | {"text": "x"})
    smtp.answers["data"] = ["drop"]
    deliver_all()
    message = EmailMessage.objects.get(incoming=False)

    assert "It is uncertain whether this was sent" in shown(page.get(f"/cases/{case.number}/"))
    page.post(f"/cases/{case.number}/messages/{message.pk}/send-again/")
    deliver_all()

    assert len(smtp.ledger) == 2
    assert "Sent." in shown(page.get(f"/cases/{case.number}/"))


def test_undo_that_comes_too_late_says_so(page: Client, case: Case, smtp: FakeSmtpServer) -> None:
    send(page, case, composer(page, case) | {"text": "x"})
    deliver_all()
    message = EmailMessage.objects.get(incoming=False)

    response = page.post(f"/cases/{case.number}/messages/{message.pk}/undo/", follow=True)

    assert "The mail cannot be taken back; it is sent." in shown(response)


# The whole loop
# ------------------------------------------------------------------------------------------------------------
def post_mail(settings: Any, raw: bytes, recipient: str) -> None:
    """One mail by Postmark's webhook, settled."""
    settings.E2C_PROVIDERS = ["postmark"]
    settings.E2C_WEBHOOK_SECRET = provider_requests.SECRET
    posted = json.loads((provider_requests.FOLDER / "postmark_raw.json").read_text())
    posted |= {"RawEmail": raw.decode(), "OriginalRecipient": recipient}
    response = Client().post(
        "/anymail/postmark/inbound/",
        data=json.dumps(posted),
        content_type="application/json",
        headers={"Authorization": provider_requests.BASIC_AUTH},
    )
    assert response.status_code == 200
    settle_batch()


@pytest.mark.parametrize(
    ("client_keeps", "basis"),
    [("headers", "our_message_id"), ("reply address", "reply_address"), ("token in the text", "token_body")],
)
def test_whole_loop(
    page: Client, ana: User, gold: RoutingAddress, smtp: FakeSmtpServer, settings: Any, client_keeps: str, basis: str
) -> None:
    QueueMember.objects.create(queue=gold.owner_queue, user=ana)
    first = raw_mail(
        sender=f"Casey <{CUSTOMER}>", to="gold@company.example", subject="Broken lamp", message_id="<one@example.net>"
    )
    post_mail(settings, first, gold.services_address)
    case = Case.objects.get()
    send(page, case, composer(page, case) | {"text": "Which lamp is it?"})
    deliver_all()
    ours = smtp.ledger[0].message
    sent_id, reply_to = ours["Message-ID"], ours["Reply-To"].partition("<")[2].rstrip(">")
    text = next(part for part in ours.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(text, bytes)
    quote = "\r\n".join(f"> {line}" for line in text.decode().splitlines())
    headers = [f"In-Reply-To: {sent_id}", f"References: <one@example.net> {sent_id}"]
    answer = raw_mail(
        sender=f"Casey <{CUSTOMER}>",
        to=reply_to if client_keeps == "reply address" else "gold@company.example",
        subject="Re: Broken lamp" if client_keeps == "headers" else "the lamp",
        message_id="<two@example.net>",
        body=f"The tall one.\r\n\r\n{quote if client_keeps == 'token in the text' else ''}",
        headers=headers if client_keeps == "headers" else [],
    )

    post_mail(settings, answer, gold.services_address)

    assert Case.objects.count() == 1
    message = EmailMessage.objects.get(message_identifier="two@example.net")
    assert (message.case, message.thread_basis, message.sender_is_participant) == (case, basis, True)
    case.refresh_from_db()
    assert case.awaiting == Case.Awaiting.US
    assert list(CaseEvent.objects.filter(case=case).values_list("kind", flat=True)) == [
        *("case_opened", "reply_queued", "reply_sent", "email_added")
    ]
