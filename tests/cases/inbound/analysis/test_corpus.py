"""The analysis against what other projects' tests state of the same mails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cases.inbound.parsed import Analysis
from tests.cases.inbound.analysis.mails import analysed_raw

CORPUS = Path(__file__).parents[3] / "corpus"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in (CORPUS / "analysis.jsonl").read_text().splitlines()]
# Their own projects call these what they are not: an automatic reply that one detector must not stumble over.
NOT_A_BOUNCE = {"flufl_bounce/qmail_08.eml"}


def words(text: str) -> str:
    return " ".join(text.split())


def facts(result: Analysis, expected: dict[str, Any]) -> dict[str, Any]:
    """What the analysis found, in the words of the manifest and only for the fields that it states."""
    bounce = result.bounce
    found: dict[str, Any] = {}
    if "is_bounce" in expected:
        found["is_bounce"] = result.is_bounce
    if "is_auto" in expected:
        found["is_auto"] = result.is_automatic
    if "delivery_delay_warning" in expected:
        found["delivery_delay_warning"] = bool(bounce and bounce.delayed)
    if "bounce" in expected and bounce is not None:
        values = {
            "failed_recipients": sorted(bounce.recipients),
            "temporary": bounce.delayed,
            "status": [bounce.status],
            "original_message_id": bounce.original_message_id,
        }
        found["bounce"] = {key: values[key] for key in expected["bounce"] if key in values}
    if "comment_text" in expected and result.forwarded is not None:
        found["comment_text"] = words(result.forwarded.comment)
    if "forwarded" in expected and result.forwarded is not None:
        forwarded = result.forwarded
        found["forwarded"] = (forwarded.from_address, forwarded.to, forwarded.subject, forwarded.date)
    return found


def stated(expected: dict[str, Any]) -> dict[str, Any]:
    """The manifest's statements in the same form."""
    wanted = {key: expected[key] for key in ("is_bounce", "is_auto", "delivery_delay_warning") if key in expected}
    if "bounce" in expected:
        known = ("failed_recipients", "temporary", "status", "original_message_id")
        wanted["bounce"] = {
            key: sorted(value) if key == "failed_recipients" else value
            for key, value in expected["bounce"].items()
            if key in known
        }
    if "comment_text" in expected:
        wanted["comment_text"] = words(expected["comment_text"])
    if "forwarded" in expected:
        forwarded = expected["forwarded"]
        wanted["forwarded"] = tuple(forwarded[key] for key in ("from_email", "to", "subject", "date"))
    return wanted


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_analysis_agrees_with_the_mails_own_project(row: dict[str, Any]) -> None:
    result = analysed_raw((CORPUS / row["file"]).read_bytes())

    assert facts(result, row["expect"]) == stated(row["expect"])


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if any(key.startswith("reply_") for key in row["expect"])],
    ids=[row["file"] for row in ROWS if any(key.startswith("reply_") for key in row["expect"])],
)
def test_new_text_agrees_with_the_mails_own_project(row: dict[str, Any]) -> None:
    expected = row["expect"]

    text = words(analysed_raw((CORPUS / row["file"]).read_bytes()).reply_text)

    assert text == words(expected.get("reply_text", text))
    assert text.startswith(words(expected.get("reply_starts_with", "")))
    assert [part for part in expected.get("reply_contains", []) if words(part) not in text] == []
    assert [part for part in expected.get("reply_not_contains", []) if words(part) in text] == []


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["kind"] == "bounce"],
    ids=[row["file"] for row in ROWS if row["kind"] == "bounce"],
)
def test_every_bounce_is_recognised(row: dict[str, Any]) -> None:
    result = analysed_raw((CORPUS / row["file"]).read_bytes())

    assert result.is_bounce == (row["file"] not in NOT_A_BOUNCE)


def test_corpus_files_of_the_analysis_are_unchanged() -> None:
    changed = [
        row["file"] for row in ROWS if hashlib.sha256((CORPUS / row["file"]).read_bytes()).hexdigest() != row["sha256"]
    ]

    assert changed == []
