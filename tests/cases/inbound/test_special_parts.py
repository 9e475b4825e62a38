"""Seals, invitations, nested mails and files that are none."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from cases.inbound.parsed import ParsedAttachment, ParsedEmail
from cases.inbound.reader import read_mail
from cases.inbound.special_parts import find_special_parts
from tests.cases.test_calendars import invitation

CORPUS = Path(__file__).parents[2] / "corpus"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
SIGNED = bytes.fromhex("308006092a864886f70d010702a080")
ENVELOPED = bytes.fromhex("308006092a864886f70d010703a080")


def mail_with(*files: ParsedAttachment, text: str = "") -> ParsedEmail:
    return ParsedEmail(sender=None, text_body=text, attachments=files)


def file(content_type: str, content: bytes = b"x", name: str = "") -> ParsedAttachment:
    return ParsedAttachment(name, content_type, content)


@pytest.mark.parametrize(
    ("email", "seals", "minor"),
    [
        (mail_with(file("application/pkcs7-signature", name="smime.p7s")), ("smime_signed",), (0,)),
        (mail_with(file("application/pkcs7-mime", SIGNED, "smime.p7m")), ("smime_signed",), ()),
        (mail_with(file("application/x-pkcs7-mime", ENVELOPED, "smime.p7m")), ("smime_encrypted",), ()),
        (mail_with(file("application/octet-stream", ENVELOPED, "smime.p7m")), ("smime_encrypted",), ()),
        (mail_with(file("application/pgp-signature")), ("pgp_signed",), (0,)),
        (mail_with(file("application/pgp-encrypted"), file("application/octet-stream")), ("pgp_encrypted",), (0,)),
        (mail_with(text="-----BEGIN PGP MESSAGE-----\n\nhQEMA\n"), ("pgp_encrypted",), ()),
        (mail_with(text="-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n"), ("pgp_signed",), ()),
        (mail_with(file("application/pdf")), (), ()),
    ],
)
def test_seals_are_told(email: ParsedEmail, seals: tuple[str, ...], minor: tuple[int, ...]) -> None:
    found = find_special_parts(email)

    assert (found.seals, found.minor) == (seals, minor)


def test_pixel_is_no_file_and_a_picture_is_one() -> None:
    picture = PIXEL[:6] + b"\x40\x00\x40\x00" + PIXEL[10:]

    found = find_special_parts(mail_with(file("image/gif", PIXEL), file("image/gif", picture), file("image/png", b"")))

    assert found.minor == (0,)


def test_invitation_that_comes_twice_is_one_card() -> None:
    content = invitation("SUMMARY:Lamps", "DTSTART:20261201T100000Z")
    email = mail_with(file("text/calendar", content), file("application/ics", content, "invite.ics"))

    found = find_special_parts(email)

    assert [(position, each.summary) for position, each in found.invitations] == [(0, "Lamps")]
    assert found.minor == (0, 1)


def test_of_many_calendars_only_the_first_are_read() -> None:
    unreadable = [file("text/calendar", b"BEGIN:VCALENDAR", "x.ics")] * 20
    content = invitation("SUMMARY:Lamps", "DTSTART:20261201T100000Z")

    assert find_special_parts(mail_with(*unreadable[1:], file("text/calendar", content))).invitations
    assert find_special_parts(mail_with(*unreadable, file("text/calendar", content))).as_json() == {}


def test_calendar_that_cannot_be_read_stays_a_file() -> None:
    found = find_special_parts(mail_with(file("text/calendar", b"BEGIN:VCALENDAR", "x.ics")))

    assert found.as_json() == {}


def test_nested_mail_shows_its_head_and_first_words() -> None:
    nested = (
        b"From: Jane Doe <jane@example.com>\r\nSubject: Broken\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n"
        b"Content-Type: text/html\r\n\r\n<p>The lamp</p><p>is dark.</p>"
    )

    [card] = find_special_parts(mail_with(file("text/plain"), file("message/rfc822", nested, "Broken.eml"))).mails

    assert (card.position, card.from_name, card.from_address) == (1, "Jane Doe", "jane@example.com")
    assert (card.subject, card.date) == ("Broken", "2026-11-23T09:00:00+00:00")
    assert card.text == "The lamp\nis dark."


def test_nested_mail_that_costs_too_much_stays_a_file() -> None:
    nested = b"Subject: " + b"=?utf-8?q?a?= " * 5000 + b"\r\n\r\nx"

    assert find_special_parts(mail_with(file("message/rfc822", nested))).mails == ()


def test_mails_of_the_corpus_are_told_without_a_fault() -> None:
    told = [find_special_parts(read_mail(path.read_bytes())) for path in sorted(CORPUS.rglob("*.eml"))]

    assert sum(len(each.mails) for each in told) > 5
