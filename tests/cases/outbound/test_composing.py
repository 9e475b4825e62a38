"""Header texts that cannot be broken out of."""

from __future__ import annotations

from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.outbound.composing import automatic_headers, domain_of_sender, one_line, sender_header, split_sender


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)

    assert len(line) <= 250
    assert len(line.splitlines()) <= 1
    assert line.isprintable() or not any(ord(character) < 32 for character in line)
    line.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: b@example.net", "a Bcc: b@example.net"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x00g", "a b c d e f g"),
        ("left\u202etfel\u2066x", "left tfel x"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("  Grüße   aus Köln ", "Grüße aus Köln"),
    ],
)
def test_line_ends_and_controls_become_blanks(text: str, line: str) -> None:
    assert one_line(text) == line


def test_long_line_is_cut() -> None:
    assert one_line("a" * 300, limit=10) == "aaaaaaaaa…"


@pytest.mark.parametrize(
    ("configured", "name", "address"),
    [
        ("no-reply@company.example", "", "no-reply@company.example"),
        ("Email-to-Case <no-reply@company.example>", "Email-to-Case", "no-reply@company.example"),
        ("Help, Desk <no-reply@company.example>", "Help, Desk", "no-reply@company.example"),
        ('"Help, Desk" <no-reply@company.example>', "Help, Desk", "no-reply@company.example"),
        (
            "Help\r\nBcc: x@example.net <no-reply@company.example>",
            "Help Bcc: x@example.net",
            "no-reply@company.example",
        ),
    ],
)
def test_configured_sender_is_read_and_quoted(configured: str, name: str, address: str) -> None:
    assert split_sender(configured) == (name, address)
    assert parseaddr(sender_header(configured)) == (name, address)
    assert domain_of_sender(configured) == "company.example"


def test_sender_without_a_domain_still_names_one() -> None:
    assert domain_of_sender("Help Desk") == "localhost"


def test_automatic_mail_says_so() -> None:
    assert automatic_headers(answers_a_mail=True)["Auto-Submitted"] == "auto-replied"
    assert automatic_headers(answers_a_mail=False)["Auto-Submitted"] == "auto-generated"
