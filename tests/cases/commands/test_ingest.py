"""`ingest` and `export_case` as scripts use them: JSON on stdout, exit codes, nothing stops at a bad mail."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from cases.models import Case, InboundEmail
from tests.factories import RoutingAddressFactory
from tests.mails import raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

LINE_KEYS = {
    *(
        "file",
        "sha256",
        "inbound_id",
        "outcome",
        "reason",
        "case",
        "message_id",
        "routing_address",
        "also_received_by",
    ),
    *("thread_basis", "is_automatic", "automatic_kind", "is_bounce", "auto_response_allowed", "trail"),
}
MESSAGE_KEYS = {
    *("id", "incoming", "status", "from", "to", "cc", "bcc", "subject", "text", "html", "html_safe", "reply_text"),
    *("forwarded_original", "bounce", "is_automatic", "automatic_kind", "authentication", "message_identifier"),
    *("in_reply_to", "references", "thread_basis", "date", "received_at", "headers", "attachments", "deliveries"),
    "created_by",
}
CASE_KEYS = {
    *(
        "number",
        "subject",
        "description",
        "status",
        "is_closed",
        "priority",
        "origin",
        "record_type",
        "owner",
        "contact",
    ),
    *("supplied_email", "supplied_name", "routing_address", "also_received_by", "source_message_id", "awaiting"),
    *("merged_into", "possibly_belongs_to", "participants", "tasks", "decisions", "events", "messages"),
}


@pytest.fixture(autouse=True)
def support() -> Any:
    return RoutingAddressFactory(email_address="support@company.example")


def ingest_lines(*arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("ingest", *arguments, "--format", "jsonl", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_file_becomes_a_case_and_a_line_with_every_key(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail(subject="From a file"))

    (line,) = ingest_lines(str(file))

    case = Case.objects.get()
    assert line.keys() >= LINE_KEYS
    assert (line["file"], line["outcome"], line["case"]) == (str(file), "case", str(case.number))
    assert line["message_id"] == case.source_id
    assert line["routing_address"] == "support@company.example"
    assert [step["step"] for step in line["trail"]][:3] == ["read", "analyse", "route"]


def test_full_adds_the_mail_as_read_for_every_outcome(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail(to="nobody@company.example", message_id="<a@b.example>"))

    (line,) = ingest_lines(str(file), "--full")

    assert (line["outcome"], line["reason"]) == ("quarantined", "no_routing_address")
    assert line["message"].keys() >= MESSAGE_KEYS
    assert line["message"]["message_identifier"] == "<a@b.example>"
    assert line["message"]["from"] == {"name": "Casey Customer", "address": "casey@example.net"}
    assert line["message"]["text"] == "Hello, my order has not come."


def test_folders_are_read_in_name_order_and_a_bad_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.eml").write_bytes(raw_mail())
    (tmp_path / "b" / "1.eml").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "c.eml").write_bytes(raw_mail())

    lines = ingest_lines(str(tmp_path))

    assert [line["file"].rsplit("/", 1)[-1] for line in lines] == ["a.eml", "1.eml", "c.eml"]
    assert [line["outcome"] for line in lines] == ["case", "quarantined", "case"]


def test_the_mails_of_an_mbox_are_numbered(tmp_path: Path) -> None:
    box = tmp_path / "box"
    mails = [
        b"From casey@example.net Tue Nov  3 10:11:12 2026\n" + raw_mail().replace(b"\r\n", b"\n") for _ in range(3)
    ]
    box.write_bytes(b"\n\n".join(mails))

    lines = ingest_lines(str(box))

    assert [line["file"] for line in lines] == [f"{box}#{number}" for number in (1, 2, 3)]
    assert [line["outcome"] for line in lines] == ["case"] * 3


def test_a_maildir_is_read_but_not_what_is_being_delivered(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_bytes(raw_mail())

    lines = ingest_lines(str(tmp_path))

    assert [Path(line["file"]).parent.name for line in lines] == ["cur", "new"]


def test_envelope_recipients_route(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail(to="undisclosed-recipients:;"))

    (line,) = ingest_lines(str(file), "--to", "support@company.example")

    assert line["outcome"] == "case"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail())

    (line,) = ingest_lines(str(file), "--dry-run")

    assert (line["outcome"], line["case"], line["inbound_id"]) == ("case", None, None)
    assert not InboundEmail.objects.exists()


@pytest.mark.parametrize(
    "fault",
    [DatabaseError("disk full"), OSError("disk full"), EndpointConnectionError(endpoint_url="https://s3.example")],
    ids=lambda fault: type(fault).__name__,
)
def test_what_cannot_be_stored_is_named_and_exits_75(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail())

    def full(**_kwargs: Any) -> None:
        raise fault

    monkeypatch.setattr("cases.inbound.ingesting.store_raw_mail", full)
    out = io.StringIO()

    with pytest.raises(CommandError) as stopped:
        call_command("ingest", str(file), "--format", "jsonl", stdout=out)

    line = json.loads(out.getvalue())
    assert stopped.value.returncode == 75
    assert line.keys() >= LINE_KEYS
    assert (line["outcome"], line["reason"]) == (None, "not_stored")


def test_a_file_that_cannot_be_opened_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.eml").write_bytes(raw_mail())
    out = io.StringIO()
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind(str(tmp_path / "bad"))

        with pytest.raises(CommandError) as stopped:
            call_command("ingest", str(tmp_path / "bad"), str(tmp_path / "good.eml"), "--format", "jsonl", stdout=out)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert stopped.value.returncode == 75
    assert [(line["outcome"], line["reason"]) for line in lines] == [(None, "not_stored"), ("case", None)]


def test_a_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as stopped:
        call_command("ingest", str(tmp_path / "nowhere.eml"))

    assert stopped.value.returncode == 64


def test_export_case_prints_the_case_with_every_key(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw_mail(subject="Export me", headers=["Cc: Kim <kim@example.org>"]))
    (line,) = ingest_lines(str(file))
    out = io.StringIO()

    call_command("export_case", line["case"].zfill(8), stdout=out)

    case = json.loads(out.getvalue())
    assert case.keys() >= CASE_KEYS
    assert (case["number"], case["subject"], case["status"], case["record_type"]) == (
        line["case"],
        "Export me",
        "New",
        "Support",
    )
    assert case["decisions"][0]["kind"] == "initial"
    assert case["messages"][0].keys() >= MESSAGE_KEYS
    assert case["messages"][0]["cc"] == [{"name": "Kim", "address": "kim@example.org"}]
    assert case["source_message_id"] == case["messages"][0]["id"]


@pytest.mark.parametrize("number", ["999999", "abc"])
def test_exporting_an_unknown_case_says_so_in_json(number: str) -> None:
    out = io.StringIO()

    with pytest.raises(CommandError):
        call_command("export_case", number, stdout=out)

    assert json.loads(out.getvalue()).keys() == {"error"}


def test_export_takes_the_same_number_of_statements_for_one_and_for_thirty_mails(
    tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        reference = [] if number == 0 else ["References: <first@example.net>"]
        file = tmp_path / f"{number:02d}.eml"
        file.write_bytes(raw_mail(message_id="<first@example.net>" if number == 0 else None, headers=reference))
    lines = ingest_lines(str(tmp_path))
    assert {line["outcome"] for line in lines} == {"case", "appended"}

    with django_assert_max_num_queries(12):
        call_command("export_case", lines[0]["case"], stdout=io.StringIO())
