"""What the case page tells of the parts of a mail."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.urls import reverse

from cases.models import EmailMessage
from tests.cases.inbound.test_special_parts import PIXEL
from tests.factories import RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


def part(head: str, body: str) -> str:
    return f"--b\r\nContent-Type: {head}\r\n\r\n{body}\r\n"


def page_of(client: Any, *parts: str, kind: str = "mixed") -> str:
    RoutingAddressFactory(email_address="support@company.example")
    ingest_mail(body="".join([*parts, "--b--\r\n"]), content_type=f"multipart/{kind}; boundary=b")
    message = EmailMessage.objects.get()
    client.force_login(UserFactory(superuser=True))
    return client.get(reverse("case", kwargs={"number": message.case.number})).content.decode()


def test_attached_mail_is_a_card_with_a_download(client: Any) -> None:
    nested = "From: Jane <jane@example.com>\r\nSubject: <b>Lamp</b>\r\n\r\nIt is <i>dark</i>."

    page = page_of(client, part("text/plain", "See below."), part("message/rfc822", nested))

    assert "<strong><bdi>&lt;b&gt;Lamp&lt;/b&gt;</bdi></strong>" in page
    assert "It is &lt;i&gt;dark&lt;/i&gt;." in page
    assert 'aria-label="Attached mail"' in page
    assert 'aria-label="Forwarded mail"' in page  # an attached mail is a forward too
    assert "download href" in page


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("application/pkcs7-signature; name=smime.p7s", "This mail is signed (S/MIME)."),
        ("application/pgp-signature", "This mail is signed (PGP)."),
        ("application/pgp-encrypted", "This mail is encrypted (PGP)."),
    ],
)
def test_seal_is_a_plain_sentence_and_no_file(client: Any, kind: str, sentence: str) -> None:
    page = page_of(client, part("text/plain", "Hello."), part(kind, "x"), kind="signed")

    assert sentence in page
    assert "file-count" not in page


def test_pictures_that_show_nothing_are_not_counted_as_files(client: Any) -> None:
    pixel = part("image/gif\r\nContent-Transfer-Encoding: base64", base64.b64encode(PIXEL).decode())

    page = page_of(client, part("text/plain", "Hello."), pixel, part("application/pdf; name=a.pdf", "%PDF"))

    assert '<span class="file-count">1 file</span>' in page


def test_plain_mail_has_no_cards(client: Any) -> None:
    page = page_of(client, part("text/plain", "Hello."))

    assert "part-card" not in page
    assert "part-charset" not in page
