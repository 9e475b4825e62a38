"""The scoreboard, and what it says of the mails that lie with the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scoreboard import DEFAULT_FOLDER, flat, ingest_here, score_folder, score_mail, table
from cases.models import EmailMessage

# (file, field) of statements that are not agreed with, each explained in docs/mail.md.
KNOWN_DIFFERENCES = {("flufl_bounce/qmail_08.eml", "is a bounce, by its kind")}


@pytest.fixture
def ingest(organisation: Any) -> Any:
    return ingest_here()


def test_mails_of_the_tests_are_read_without_a_crash_or_a_new_difference(ingest: Any) -> None:
    scores = list(score_folder(DEFAULT_FOLDER, ingest))

    assert {(each.file, each.field) for each in scores if each.verdict != "agree"} == KNOWN_DIFFERENCES
    assert len({each.file for each in scores}) == 65
    assert EmailMessage.objects.count() > 40  # bounces of others open no case


def test_statement_that_is_not_met_differs(tmp_path: Path, ingest: Any) -> None:
    (tmp_path / "one.eml").write_bytes(b"From: jane@example.com\r\nSubject: Lamp\r\n\r\nIt is broken.\r\n")
    row = {"file": "one.eml", "kind": "ordinary", "expect": {"subject": "Bulb", "is_auto": False}}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row), encoding="utf-8")

    scores = list(score_folder(tmp_path, ingest))

    assert [(each.field, each.verdict, each.read) for each in scores if each.field != "read and written"] == [
        ("subject", "differ", "Lamp"),
        ("is_auto", "agree", False),
    ]


def test_unreadable_mail_crashes_every_statement(tmp_path: Path, ingest: Any) -> None:
    (tmp_path / "empty.eml").write_bytes(b"")
    row = {"file": "empty.eml", "kind": "malformed", "expect": {"subject": "Bulb", "note": "not compared"}}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row), encoding="utf-8")

    scores = list(score_folder(tmp_path, ingest))

    assert [(each.field, each.verdict) for each in scores] == [("subject", "crashed")]


def test_unknown_field_is_a_difference() -> None:
    row = {"file": "a", "kind": "reply", "expect": {"colour": "red"}}
    line = {"outcome": "case", "reason": None, "message": {}, "is_automatic": False}

    differing = [each for each in score_mail(row, line) if each.verdict == "differ"]

    assert [(each.field, each.stated) for each in differing] == [("colour", "red")]


def test_table_counts_by_field_and_kind() -> None:
    row = {"file": "a", "kind": "reply", "expect": {"is_auto": True}}
    line = {"outcome": "case", "reason": None, "message": {}, "is_automatic": False}

    lines = table(score_mail(row, line)).splitlines()

    assert lines[2:] == [
        "| is_auto | reply | 0 | 1 | 0 |",
        "| read and written | reply | 1 | 0 | 0 |",
        "| **all** | | **1** | **1** | **0** |",
    ]


def test_short_table_has_one_row_for_all_kinds() -> None:
    line = {"outcome": "case", "reason": None, "message": {}, "is_automatic": True}
    rows = [{"file": kind, "kind": kind, "expect": {"is_auto": True}} for kind in ("bounce", "auto_reply")]
    scores = [each for row in rows for each in score_mail(row, line | {"is_bounce": True}) if each.field == "is_auto"]

    lines = table(scores, by_kind=False).splitlines()

    assert lines[2] == "| is_auto | auto_reply, bounce | 2 | 0 | 0 |"


def test_statements_about_bounces_stand_beside_the_others() -> None:
    assert flat({"bounce": {"status": ["5.1.1"]}, "is_bounce": True}) == {
        "bounce.status": ["5.1.1"],
        "is_bounce": True,
    }
