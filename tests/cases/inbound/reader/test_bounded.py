"""Which mails are read in a process of their own, and what that process may do."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.inbound.parsed import MailAddress, ParsedAttachment, ParsedEmail
from cases.inbound.reader import Limits, TooComplex, UnreadableMail, read_mail, read_mail_in_process
from cases.inbound.reader.bounded import _environment, read_mail_bounded
from cases.inbound.reader.framing import read_frame, write_email, write_error
from cases.inbound.reader.prescan import why_bounded
from tests.hostile.make import hostile_mail

PROJECT = Path(__file__).parents[4]


@pytest.mark.parametrize("identifier", ["CH07", "HD17", "HD13", "MB13", "MB16", "MB17", "MB19", "MB22", "MB23"])
def test_plain_mail_is_read_in_process(identifier: str) -> None:
    assert why_bounded(hostile_mail(identifier), Limits()) == ""


@pytest.mark.parametrize(
    ("identifier", "why"),
    [
        ("MB01", "The mail has 1000 multiparts."),
        ("MB03", "The mail has 100001 lines that may begin a part."),
        ("MB05", "The header has 280231 bytes."),
        ("MB07", "The header has 20000 parameters."),
        ("MB09", "The header has 658036 bytes."),
        ("MB11", "The header has 1189104 bytes."),
    ],
)
def test_mail_over_a_limit_is_read_in_its_own_process(identifier: str, why: str) -> None:
    found = why_bounded(hostile_mail(identifier), Limits())

    assert found.split()[-1] == why.split()[-1]
    assert found.rstrip(".").split()[:3] == why.rstrip(".").split()[:3]


@pytest.mark.parametrize("identifier", ["CH01", "CH13", "HD03", "HD17", "AT13", "AT17", "MB04", "MB11", "MB23"])
def test_both_ways_of_reading_give_the_same_mail(identifier: str) -> None:
    raw = hostile_mail(identifier)

    bounded = read_mail_bounded(raw, limits=Limits(), why="")

    assert bounded == read_mail_in_process(raw)


def test_mail_that_takes_too_long_is_too_complex() -> None:
    with pytest.raises(TooComplex) as raised:
        read_mail_bounded(b"Subject: x\n\n", limits=Limits(wall_seconds=0.001), why="The header has 9 bytes.")

    assert raised.value.reason == "The header has 9 bytes. Reading it took longer than 0.001 seconds."


def test_mail_that_takes_too_much_memory_is_too_complex() -> None:
    limits = Limits(memory=60_000_000, in_process_size=1_000_000)

    with pytest.raises(TooComplex) as raised:
        read_mail(b"Subject: x\n\n" + b"a line of the text\n" * 3_000_000, limits=limits)

    assert "60 MB of memory" in raised.value.reason


def test_winmail_dat_that_takes_too_long_stays_a_file() -> None:
    raw = b"Subject: x\nContent-Type: application/ms-tnef; name=winmail.dat\n\n\x78\x9f\x3e\x22\x01\x00"

    email = read_mail(raw, limits=Limits(wall_seconds=0.001))

    assert [file.file_name for file in email.attachments] == ["winmail.dat"]
    assert email.defects == ("tnef_unreadable",)


def test_reading_process_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2C_FIELD_KEYS", "secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")

    names = set(_environment())

    assert names <= {"PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "PYTHONUTF8"}


def test_reading_process_imports_no_framework() -> None:
    code = (
        "import sys, cases.inbound.reader.__main__; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'django', 'celery', 'anymail', 'kombu'}))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_reading_process_does_not_outlive_the_reading() -> None:
    started = time.monotonic()

    read_mail_bounded(hostile_mail("MB11"), limits=Limits(), why="")

    assert time.monotonic() - started < 20


def test_frame_gives_back_the_same_mail() -> None:
    email = ParsedEmail(
        sender=MailAddress("Casey", "casey@example.net"),
        senders=(MailAddress("Casey", "casey@example.net"),),
        sender_is_ambiguous=True,
        reply_to=(MailAddress("", "r@example.net"),),
        delivered_to=("d@example.net",),
        subject="Grüße 💩",
        date=datetime(2026, 11, 3, 10, 11, 12, tzinfo=UTC),
        message_id="a@example.net",
        in_reply_to=("b@example.net",),
        references=("b@example.net", "c@example.net"),
        thread_index="AQ==",
        headers=(("Subject", "Grüße 💩"),),
        text_body="text\n",
        html_body="<p>",
        attachments=(
            ParsedAttachment("a", "image/png", b"\x00\x01", inline=True, content_id="i"),
            ParsedAttachment("", "x/y", b""),
        ),
        defects=("charset_guessed",),
        size=12,
    )
    stream = io.BytesIO()

    write_email(stream, email)

    assert read_frame(stream.getvalue()) == email


@pytest.mark.parametrize("error", [TooComplex("It is."), UnreadableMail("It is not.")])
def test_frame_gives_back_the_reason(error: TooComplex | UnreadableMail) -> None:
    stream = io.BytesIO()
    write_error(stream, error)

    with pytest.raises(type(error)) as raised:
        read_frame(stream.getvalue())

    assert raised.value.reason == error.reason


@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_cut_frame_is_no_mail(cut: int) -> None:
    stream = io.BytesIO()
    write_email(stream, ParsedEmail(sender=None, attachments=(ParsedAttachment("a", "x/y", b"content"),)))

    with pytest.raises(ValueError, match="cut"):
        read_frame(stream.getvalue()[:cut])
