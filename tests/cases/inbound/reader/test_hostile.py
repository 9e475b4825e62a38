"""Every hostile mail is read within bounds, and into text that every database stores."""

from __future__ import annotations

import hashlib
import json
import resource
import time

import pytest

from cases.inbound.parsed import ParsedEmail
from cases.inbound.reader import read_mail
from tests.hostile.make import HERE, hostile_ids, hostile_mail

MANIFEST = [json.loads(line) for line in (HERE / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def spent_seconds() -> float:
    """Processor time of this process and of its ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def every_text(email: ParsedEmail) -> list[str]:
    people = (*email.senders, *email.to, *email.cc, *email.reply_to)
    return [
        email.subject,
        email.message_id,
        *email.references,
        *(part for header in email.headers for part in header),
        *(part for person in people for part in (person.name, person.address)),
        *(part for file in email.attachments for part in (file.file_name, file.content_type, file.content_id)),
    ]


@pytest.mark.parametrize("identifier", list(hostile_ids()))
def test_hostile_mail_is_read_within_five_seconds_into_clean_text(identifier: str) -> None:
    raw = hostile_mail(identifier)
    before = spent_seconds()

    email = read_mail(raw)

    assert spent_seconds() - before < 5
    assert email.size == len(raw)
    texts = every_text(email)
    assert [text for text in texts if "\n" in text or "\r" in text or "\x00" in text] == []
    "".join([*texts, email.text_body, email.html_body]).encode("utf-8")
    assert "\x00" not in email.text_body + email.html_body
    assert "\r" not in email.text_body + email.html_body


def test_made_mails_are_those_of_the_manifest() -> None:
    listed = {row["id"]: row["sha256"] for row in MANIFEST if row["kind"] == "eml"}

    made = {identifier: hashlib.sha256(hostile_mail(identifier)).hexdigest() for identifier in hostile_ids()}

    assert [identifier for identifier in made if made[identifier] != listed[identifier]] == ["MB19"]


@pytest.mark.parametrize(
    ("identifier", "subject", "text"),
    [
        ("CH01", "nul \ufffd in subject 9997bf24", "nul \ufffd in body\n"),
        ("CH03", "café ÿþ 7afffee3", "Hello, my order 7afffee3 has not come.\n"),
        ("CH04", "Help with order 614862b3", "plain ascii under a charset nobody has\n"),
        ("CH07", "💩 fee68ea0", "👩\u200d💻 🇩🇪 e\u0301 fee68ea0"),
        ("CH08", "Help with order eb82c763", "“quoted” costs € 5\n"),
        ("CH09", "Help with order b994f515", "注文が届きません"),
        ("CH10", "Help with order 5ff4ab75", "hello 5ff4ab75"),
        ("CH11", "Help with order eddbfecb", "Hello world"),
        ("HD05", "hi Bcc: victim@example.org  db63708b", "Hello, my order db63708b has not come.\n"),
        ("HD14", "Help with order 0a8a9858", "Hello, my order 0a8a9858 has not come.\n"),
        ("HD15", "second subject", "Hello, my order 2f447219 has not come.\n"),
        ("HD24", "", "just a body\n"),
        ("MB07", "Help with order 2f7130f9", "Hello, my order 2f7130f9 has not come.\n"),
        ("MB10", "Help with order ebbf0385", "Hello, my order ebbf0385 has not come.\n"),
        ("MB22", "Help with order b20bb964", "no end\n"),
    ],
)
def test_hostile_mail_shows_its_subject_and_text(identifier: str, subject: str, text: str) -> None:
    email = read_mail(hostile_mail(identifier))

    assert (email.subject, email.text_body.rstrip("\r")) == (subject, text)


@pytest.mark.parametrize(
    ("identifier", "defect"),
    [
        ("CH04", "charset_guessed"),
        ("CH11", "base64_damaged"),
        ("HD13", "header_value_cut"),
        ("HD15", "headers_repeated"),
        ("MB01", "nesting_cut"),
        ("MB03", "parts_cut"),
        ("MB04", "attachments_cut"),
        ("MB05", "header_value_cut"),
        ("MB07", "header_value_cut"),
        ("MB09", "addresses_cut"),
        ("MB11", "headers_cut"),
        ("MB22", "boundary_not_closed"),
    ],
)
def test_what_was_cut_or_guessed_is_marked(identifier: str, defect: str) -> None:
    email = read_mail(hostile_mail(identifier))

    assert defect in email.defects


@pytest.mark.parametrize(
    ("identifier", "address", "is_ambiguous"),
    [
        ("HD01", None, False),
        ("HD02", "ceo@acme.example", True),
        ("HD03", "a@example.net", True),
        ("HD04", None, False),
        ("HD05", "eve@example.net", False),
        ("HD08", "attacker@evil.example", False),
    ],
)
def test_sender_of_a_hostile_mail(identifier: str, address: str | None, is_ambiguous: bool) -> None:
    email = read_mail(hostile_mail(identifier))

    assert (email.sender.address if email.sender else None) == address
    assert email.sender_is_ambiguous is is_ambiguous


def test_utf_7_in_html_does_not_become_markup() -> None:
    email = read_mail(hostile_mail("CH06"))

    assert "<script" not in email.html_body
    assert "before-16234f0c" in email.html_body
    assert "after-16234f0c" in email.html_body


@pytest.mark.parametrize(("identifier", "message_id"), [("HD10", ""), ("HD11", "no-brackets"), ("HD25", "")])
def test_broken_message_id_is_no_id(identifier: str, message_id: str) -> None:
    email = read_mail(hostile_mail(identifier))

    assert email.message_id == message_id


def test_absurd_date_is_none() -> None:
    assert read_mail(hostile_mail("HD12")).date is None


def test_1200_recipients_are_all_read() -> None:
    email = read_mail(hostile_mail("HD17"))

    assert len(email.cc) == 1200
    assert email.cc[-1].address == "u1199.743ef97f@example.org"


def test_attachments_are_kept_up_to_the_limit() -> None:
    assert len(read_mail(hostile_mail("MB04")).attachments) == 500


def test_too_deep_multipart_is_kept_as_a_file() -> None:
    email = read_mail(hostile_mail("MB01"))

    assert [file.content_type for file in email.attachments] == ["multipart/mixed"]
    assert email.attachments[0].content.endswith(b"deep\r\n")


def test_html_of_100_000_open_tags_arrives_whole() -> None:
    email = read_mail(hostile_mail("MB13"))

    assert email.html_body.count("<div>") == 100_000
    assert email.defects == ()


def test_attachment_of_three_megabytes_arrives_whole() -> None:
    email = read_mail(hostile_mail("MB19"))

    assert [(file.file_name, file.content_type, len(file.content)) for file in email.attachments] == [
        ("scan.pdf", "application/pdf", 3_000_009)
    ]


def test_zip_bomb_is_kept_as_bytes() -> None:
    email = read_mail(hostile_mail("MB17"))

    assert [(file.file_name, len(file.content)) for file in email.attachments] == [("invoice.zip", 99_242)]


def test_delivery_status_multipart_and_nameless_attachments_are_kept() -> None:
    email = read_mail(hostile_mail("MB23"))

    assert [(file.file_name, file.content_type) for file in email.attachments] == [
        ("status", "message/delivery-status"),
        ("m", "multipart/mixed"),
        ("", "text/plain"),
    ]
    assert b"inner" in email.attachments[1].content


def test_name_of_an_attachment_is_data_on_one_line() -> None:
    names = [read_mail(hostile_mail(identifier)).attachments[0].file_name for identifier in ("AT01", "AT15")]

    assert names == ["../../../../tmp/pwned-902b345a", 'a Set-Cookie: pwned=1 ".txt']
