"""Mails of other projects' test suites, read as those projects expect."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cases.inbound.parsed import ParsedEmail
from cases.inbound.reader import read_mail

CORPUS = Path(__file__).parents[3] / "corpus"
ROWS = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def facts_of(email: ParsedEmail) -> dict[str, Any]:
    """What we read, in the words of the manifest."""
    return {
        "subject": email.subject,
        "from_email": email.sender.address if email.sender else "",
        "from_name": email.sender.name if email.sender else "",
        "message_id": email.message_id,
        "in_reply_to": list(email.in_reply_to),
        "references": list(email.references),
        "body_text": " ".join(email.text_body.split()),
        "date_utc": f"{email.date:%Y-%m-%d %H:%M:%S}" if email.date else "",
        **{name: [each.address for each in getattr(email, name)] for name in ("to", "cc", "bcc", "reply_to")},
    }


def expected_facts(expected: dict[str, Any]) -> dict[str, Any]:
    facts = dict(expected)
    for name in ("to", "cc", "bcc", "reply_to"):
        if name in facts:
            facts[name] = [address.lower() for address in facts[name]]
    if "from_email" in facts:
        facts["from_email"] = facts["from_email"].lower()
    if "body_text" in facts:
        facts["body_text"] = " ".join(facts["body_text"].split())
    return {name: value for name, value in facts.items() if name in facts_of(ParsedEmail(sender=None))}


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_mail_of_another_project_is_read_as_that_project_reads_it(row: dict[str, Any]) -> None:
    raw = (CORPUS / row["file"]).read_bytes()
    expected = row["expect"]

    email = read_mail(raw)

    read = facts_of(email)
    wanted = expected_facts(expected)
    assert {name: read[name] for name in wanted} == wanted
    if "date" in expected:
        assert email.date == datetime.fromisoformat(expected["date"])
    shown = " ".join(f"{email.text_body} {email.html_body}".split())
    assert [text for text in expected.get("body_contains", []) if " ".join(text.split()) not in shown] == []


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_files_of_another_projects_mail_are_whole(row: dict[str, Any]) -> None:
    raw = (CORPUS / row["file"]).read_bytes()
    expected = row["expect"].get("attachments", []) + row["expect"].get("attachments_include", [])

    email = read_mail(raw)

    files = [
        {
            "name": file.file_name,
            "content_type": file.content_type,
            "size": len(file.content),
            "sha256": hashlib.sha256(file.content).hexdigest(),
            "content_id": file.content_id,
        }
        for file in email.attachments
    ]
    for wanted in expected:
        asked = {name: value for name, value in wanted.items() if name in ("name", "content_type", "size", "sha256")}
        assert any(asked.items() <= file.items() for file in files), (wanted, files)
    names = {file["name"] for file in files}
    assert set(row["expect"].get("tnef_files", [])) <= names


def test_corpus_files_are_unchanged() -> None:
    changed = [
        row["file"] for row in ROWS if hashlib.sha256((CORPUS / row["file"]).read_bytes()).hexdigest() != row["sha256"]
    ]

    assert changed == []
