"""A person names the charset of a mail that named none, or a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from cases.blobs import open_blob
from cases.inbound.reader import codec_for, read_mail
from cases.inbound.rereading import CHARSETS, CannotReread, read_as_charset, shows_charset_choice
from cases.models import Case, CaseEvent, EmailMessage
from tests.factories import EmailMessageFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest

pytestmark = pytest.mark.django_db

GREEK = "Η λάμπα δεν ανάβει"
HEAD = b"From: casey@example.net\r\nTo: support@company.example\r\nMessage-ID: <%d@example.net>\r\n"


def stored(body: bytes, *, number: int = 1, extra: bytes = b"") -> EmailMessage:
    RoutingAddressFactory(email_address="support@company.example")
    message = ingest(HEAD % number + extra + b"\r\n" + body).message
    assert message is not None
    return EmailMessage.objects.select_related("case", "inbound_email__raw__blob").get(pk=message.pk)


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_charset_offered_is_known_to_the_reader(charset: str) -> None:
    assert codec_for(charset) is not None


@pytest.mark.parametrize("size", [0, 50_000_000], ids=["in process", "bounded"])
def test_reader_takes_a_persons_word_for_every_text_part(size: int) -> None:
    raw = (
        HEAD % 1 + b"Subject: \xc7 \xeb\xdc\xec\xf0\xe1\r\n"
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n" + GREEK.encode("cp1253") + b"\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" + GREEK.encode("cp1253") + b"</p>\r\n"
        b"--b--\r\n" + b" " * size
    )

    email = read_mail(raw, charset="windows-1253")

    assert (email.text_body.strip(), email.html_body.strip()) == (GREEK, f"<p>{GREEK}</p>")
    assert email.subject == "Η λάμπα"


def test_what_does_not_fit_the_charset_is_marked() -> None:
    assert read_mail(HEAD % 1 + b"\r\nna\xefve", charset="utf-8").text_body == "na\ufffdve"


@pytest.mark.usefixtures("organisation")
def test_text_of_mail_and_case_are_read_anew_and_the_bytes_stay() -> None:
    message = stored(GREEK[:10].encode("cp1253"))
    assert shows_charset_choice(message)
    assert message.inbound_email is not None
    raw = bytes(message.inbound_email.raw.content or b"") or open_blob(message.inbound_email.raw.blob).read()
    user = UserFactory()

    read_as_charset(message, "windows-1253", by=user)

    message.refresh_from_db()
    assert (message.text_body, message.snippet, message.reply_text) == (GREEK[:10], GREEK[:10], GREEK[:10])
    assert Case.objects.get().description == GREEK[:10]
    assert message.defects == ["charset_chosen"]
    event = CaseEvent.objects.get(kind=CaseEvent.Kind.MAIL_REREAD)
    assert (event.actor, event.because, event.email_message) == (user, "as windows-1253", message)
    message.inbound_email.raw.refresh_from_db()
    assert bytes(message.inbound_email.raw.content or b"") or open_blob(message.inbound_email.raw.blob).read() == raw


@pytest.mark.usefixtures("organisation")
def test_choice_can_be_taken_back() -> None:
    message = stored(b"na\xefve caf\xe9")
    before = message.text_body

    read_as_charset(message, "cp437", by=UserFactory())
    message.refresh_from_db()
    read_as_charset(message, "", by=UserFactory())

    message.refresh_from_db()
    assert (message.text_body, message.defects) == (before, ["charset_guessed"])


@pytest.mark.usefixtures("organisation")
def test_words_of_a_person_on_the_case_stay() -> None:
    message = stored(b"na\xefve caf\xe9")
    Case.objects.update(subject="Coffee", description="They want coffee.")

    read_as_charset(message, "cp437", by=UserFactory())

    case = Case.objects.get()
    assert (case.subject, case.description) == ("Coffee", "They want coffee.")


@pytest.mark.parametrize("charset", ["utf-7", "rot13", "base64", "unicode_escape", "../etc"])
def test_only_offered_charsets_are_taken(organisation: Any, charset: str) -> None:
    message = stored(b"na\xefve")

    with pytest.raises(CannotReread):
        read_as_charset(message, charset, by=UserFactory())

    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.MAIL_REREAD).count() == 0


def test_our_own_mail_has_nothing_to_read_anew(organisation: Any) -> None:
    message = EmailMessageFactory(incoming=False, inbound_email=None)

    with pytest.raises(CannotReread):
        read_as_charset(message, "utf-8", by=UserFactory())


@pytest.mark.usefixtures("organisation")
def test_plain_mail_offers_no_choice() -> None:
    assert not shows_charset_choice(stored(b"plain"))


@pytest.mark.usefixtures("organisation")
def test_page_reads_a_mail_anew(client: Any) -> None:
    message = stored(GREEK[:10].encode("cp1253"))
    client.force_login(UserFactory(superuser=True))
    page = reverse("case", kwargs={"number": message.case.number})
    action = reverse("message_charset", kwargs={"number": message.case.number, "message_id": message.pk})

    assert action in client.get(page).content.decode()
    response = client.post(action, {"charset": "windows-1253"})

    assert (response.status_code, response["Location"]) == (302, f"{page}#message-{message.pk}")
    assert GREEK[:10] in client.get(page).content.decode()


@pytest.mark.usefixtures("organisation")
def test_mail_of_others_cannot_be_read_anew(client: Any) -> None:
    message = stored(b"na\xefve")
    client.force_login(UserFactory())
    action = reverse("message_charset", kwargs={"number": message.case.number, "message_id": message.pk})

    assert client.post(action, {"charset": "cp437"}).status_code == 404
    assert client.get(action).status_code == 405
    assert EmailMessage.objects.get(pk=message.pk).text_body == message.text_body
