"""The link of a verification mail, from the button to the forward that brings it back (VR01-VR07, VR09)."""

from __future__ import annotations

import base64
import quopri
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from cases.models import Attachment, Case, EmailMessage, InboundEmail, Outbox, SendDecision
from routing.models import RoutingAddress
from tests.cases.outbound.people import rep
from tests.factories import CaseFactory, ParticipantFactory, QueueFactory, RoutingAddressFactory
from tests.mails import ingest, raw_mail
from tests.threats.world import grant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

LINK = re.compile(r"https://cases\.company\.example(/verify/\S+)")


@pytest.fixture(autouse=True)
def instance(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "memory:"
    settings.E2C_PUBLIC_URL = "https://cases.company.example"
    settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
    settings.ALLOWED_HOSTS = ["testserver", "evil.example"]


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def address(ana: User) -> RoutingAddress:
    """Not verified yet; its cases are for Ana's queue."""
    queue = QueueFactory()
    queue.members.add(ana)
    return RoutingAddressFactory(email_address="support@company.example", owner_queue=queue)


@pytest.fixture
def office(address: RoutingAddress) -> Client:
    client = Client()
    client.force_login(grant(User.objects.create(username="boss", is_staff=True), "routing.customize_application"))
    return client


def ask_for_mail(office: Client, address: RoutingAddress, **headers: str) -> str:
    """Click on Verify; the path of the link in the mail that leaves."""
    response = office.post(reverse("admin:routing_routingaddress_verify", args=[address.pk]), headers=headers)
    assert response.status_code == 302
    found = LINK.search(str(mail.outbox[-1].body))
    assert found
    return found[1]


def written(message: Any) -> bytes:
    return bytes(message.message().as_bytes(linesep="\r\n"))


def is_verified(address: RoutingAddress) -> bool:
    return RoutingAddress.objects.get(pk=address.pk).is_verified


def test_looking_verifies_nothing_the_button_does_and_only_once(office: Client, address: RoutingAddress) -> None:
    path = ask_for_mail(office, address)
    browser = Client(headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"})

    looks = [browser.get(path).status_code, browser.head(path).status_code, browser.get(path.rstrip("/")).status_code]
    other = [browser.put(path).status_code, browser.options(path).status_code]
    before = is_verified(address)
    answers = [browser.post(path).content.decode() for _ in range(2)]

    assert (looks, other, before) == ([200, 200, 200], [405, 405], False)
    assert "The address is verified" in answers[0]
    assert "Already verified" in answers[1]
    assert is_verified(address)


def test_every_bad_link_gets_one_answer_that_names_no_address(office: Client, address: RoutingAddress) -> None:
    path = ask_for_mail(office, address)
    token = path.removeprefix("/verify/").rstrip("/")
    other = RoutingAddressFactory(email_address="other@company.example")
    bad = [token[:-1], token[1:], token[:-3] + "abc", token.split(":")[0], "x", "%00", "a" * 5000, f"{token}:x"]

    answers = {
        (response.status_code, response.content, response.headers["Cache-Control"])
        for each in bad
        for response in [Client().get(f"/verify/{each}/"), Client().get(f"/verify/{each}")]
    }
    refused = {Client().post(f"/verify/{each}/").status_code for each in bad}

    assert len(answers) == 1
    assert b"company.example" not in answers.pop()[1]
    assert refused == {410}
    assert not is_verified(address)
    assert not is_verified(other)


def test_a_poisoned_host_does_not_reach_the_link(office: Client, address: RoutingAddress) -> None:
    poison = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}

    ask_for_mail(office, address, **poison)

    (message,) = mail.outbox
    assert b"evil.example" not in written(message)


@pytest.mark.usefixtures("still_clock")
def test_asking_again_and_again_floods_nobody(office: Client, address: RoutingAddress) -> None:
    for _ in range(20):
        office.post(reverse("admin:routing_routingaddress_verify", args=[address.pk]))

    assert len(mail.outbox) == 1


# --- an unverified address sends nothing ---


def test_an_unverified_address_is_not_offered_and_a_tampered_post_is_refused(
    ana: User, address: RoutingAddress
) -> None:
    case = CaseFactory(owner_queue=address.owner_queue, routing_address=address)
    ParticipantFactory(case=case)
    client = Client()
    client.force_login(ana)

    page = client.get(f"/cases/{case.number}/compose/?mode=reply").content.decode()
    response = client.post(
        f"/cases/{case.number}/reply/",
        {"send_from": address.pk, "to": "casey@example.net", "subject": "x", "text": "Hello", "key": "k" * 32},
    )

    assert f'<option value="{address.pk}"' not in page
    assert response.status_code == 403
    assert "Hello" in response.content.decode()
    assert not Outbox.objects.exists()
    assert not EmailMessage.objects.filter(incoming=False).exists()
    decision = SendDecision.objects.get()
    assert (decision.user, decision.address, decision.allowed) == (ana, address, False)


# --- the verification mail comes back through the forward ---


def test_the_returned_mail_proves_the_forward_and_opens_no_case(office: Client, address: RoutingAddress) -> None:
    ask_for_mail(office, address)

    settled = ingest(written(mail.outbox[-1]), to=[address.services_address])

    assert (settled.state, settled.reason) == ("rejected", "own_loop")
    assert not Case.objects.exists()
    address.refresh_from_db()
    assert address.forwarding_seen_at is not None
    assert not address.is_verified


def forwards(link: str) -> dict[str, bytes]:
    """The verification mail as forwards, lists and people pass it on: the sender is not ours any more."""
    inner = written(mail.outbox[-1])
    anew = inner.replace(b"From: Email-to-Case <no-reply@company.example>", b"From: casey@example.net")
    wrapped = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=mail.eml\r\n"
    encoded = base64.encodebytes(f"Please confirm: {link}\n".encode()).replace(b"\n", b"\r\n")
    inner_base64 = (
        b"From: a@b.example\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded
    )

    def with_file(head: bytes, content: bytes) -> bytes:
        parts = b"--x\r\n\r\nsee the file\r\n--x\r\n" + head + b"\r\n" + content + b"\r\n--x--\r\n"
        head_of_mail, _blank, _body = raw_mail(content_type='multipart/mixed; boundary="x"').partition(b"\r\n\r\n")
        return head_of_mail + b"\r\n\r\n" + parts

    quoted = quopri.encodestring(inner).replace(b"\n", b"\r\n")
    return {
        "redirect": anew,
        "pasted": raw_mail(body=f"Click this, please:\r\n\r\n> {link}\r\n"),
        "html": raw_mail(body=f'<a href="{link}">here</a>', content_type="text/html"),
        "file": with_file(wrapped, inner),
        "file in base64": with_file(wrapped, inner_base64),
        "text file": with_file(b"Content-Disposition: attachment; filename=link.txt\r\n", link.encode()),
        "file quoted": with_file(
            b"Content-Disposition: attachment; filename=a.eml\r\nContent-Transfer-Encoding: quoted-printable\r\n",
            quoted,
        ),
    }


@pytest.mark.parametrize("way", ["redirect", "pasted", "html", "file", "file in base64", "text file", "file quoted"])
def test_no_page_of_a_rep_holds_a_link_that_works(
    way: str, office: Client, address: RoutingAddress, ana: User
) -> None:
    path = ask_for_mail(office, address)
    token = path.removeprefix("/verify/").rstrip("/")
    settled = ingest(forwards(f"https://cases.company.example{path}")[way], to=[address.services_address])
    client = Client()
    client.force_login(ana)
    assert settled.case is not None
    assert settled.message is not None
    number, message = settled.case.number, settled.message

    both = {"number": number, "message_id": message.pk}
    urls = [f"/cases/{number}/", "/cases/"]
    urls += [reverse(name, kwargs=both) for name in ("message_html", "message_text", "message_headers", "message_raw")]
    urls += [
        reverse("attachment", kwargs={"number": number, "attachment_id": file.pk, "name": "x"})
        for file in Attachment.objects.all()
    ]
    shown = {}
    for url in urls:
        response = client.get(url)
        shown[url] = b"".join(response.streaming_content) if response.streaming else response.content

    key = token.split(":")[0]
    in_base64 = [base64.b64encode(b"-" * before + key.encode())[4:-8] for before in range(3)]
    for url, content in shown.items():
        joined = b"".join(content.split()).replace(b"=", b"")
        assert key.encode() not in joined, url
        assert not any(part in joined for part in in_base64), url
    assert client.get(reverse("message_raw", kwargs=both)).status_code == 404
    assert "verification_link_removed" in message.defects
    assert key not in Case.objects.get(pk=settled.case.pk).description
    # The back office has the bytes as they came.
    assert InboundEmail.objects.get().raw.size == len(bytes(InboundEmail.objects.get().raw.content or b""))


def test_a_confirmation_mail_of_somebody_else_leaves_us_by_no_way(address: RoutingAddress) -> None:
    """VR07: a stranger who signs up elsewhere with our address gets nothing of that mail back."""
    ingest(
        raw_mail(
            sender="Some Service <noreply@service.example>",
            to="support@company.example",
            headers=["Cc: attacker@example.org", "Reply-To: attacker@example.org"],
            subject="Confirm your address",
            body="Your code is 424242, or open https://service.example/confirm/424242",
        ),
        to=[address.services_address],
    )

    assert mail.outbox == []
    assert not Outbox.objects.exclude(text_body="").filter(text_body__contains="424242").exists()
    assert not Outbox.objects.exclude(recipient__endswith="company.example").exists()
