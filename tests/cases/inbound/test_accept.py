"""Storing what comes in: two statements for a small mail, bytes first for a large one, nothing secret kept."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.inbound.accept import (
    RAW_BODY_IN_ROW,
    RequestFacts,
    raw_bytes,
    store_inbound_request,
    store_raw_mail,
    store_tracking_request,
)
from cases.models import Blob, InboundEmail, RawBody, TrackingRequest

pytestmark = pytest.mark.django_db

RAW = b"Subject: hello\r\n\r\nhello\r\n"
FACTS = RequestFacts("POST", "/anymail/postmark/inbound/", "a=1", {"Content-Type": "application/json"}, "192.0.2.1")


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The first words of what was asked, without the marks of transactions."""
    words = [" ".join(query["sql"].split()[:3]).replace('"', "") for query in captured]
    return [word for word in words if not word.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]


@pytest.mark.parametrize("size", [0, 1, RAW_BODY_IN_ROW])
def test_small_request_costs_two_inserts(size: int) -> None:
    with CaptureQueriesContext(connection) as captured:
        row = store_inbound_request(provider="postmark", facts=FACTS, body=b"x" * size)

    assert statements(captured) == ["INSERT INTO cases_rawbody", "INSERT INTO cases_inboundemail"]
    assert (row.state, row.attempts, row.raw.size, row.raw.blob) == ("received", 0, size, None)


def test_small_mail_costs_two_inserts() -> None:
    with CaptureQueriesContext(connection) as captured:
        store_raw_mail(provider="smtp", raw=RAW, envelope_sender="", envelope_recipients=[])

    assert statements(captured) == ["INSERT INTO cases_rawbody", "INSERT INTO cases_inboundemail"]


def test_tracking_request_costs_two_inserts() -> None:
    with CaptureQueriesContext(connection) as captured:
        store_tracking_request(provider="postmark", facts=FACTS, body=b"{}")

    assert statements(captured) == ["INSERT INTO cases_rawbody", "INSERT INTO cases_trackingrequest"]
    assert raw_bytes(TrackingRequest.objects.get().raw) == b"{}"


def test_large_body_is_a_file_and_the_row_names_it() -> None:
    body = b"x" * (RAW_BODY_IN_ROW + 1)

    store_inbound_request(provider="postmark", facts=FACTS, body=body)

    raw = RawBody.objects.get()
    assert (raw.content, raw.blob_id, raw.sha256) == (None, raw.sha256, hashlib.sha256(body).hexdigest())
    assert raw_bytes(raw) == body


def test_large_body_that_cannot_be_written_stores_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cases.blobs.DurableFileStorage._write", full)

    with pytest.raises(OSError, match="No space"):
        store_inbound_request(provider="postmark", facts=FACTS, body=b"x" * (RAW_BODY_IN_ROW + 1))

    assert (InboundEmail.objects.count(), RawBody.objects.count(), Blob.objects.count()) == (0, 0, 0)


def test_failed_second_insert_leaves_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_fields: Any) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr(InboundEmail.objects, "create", fail)

    with pytest.raises(DatabaseError):
        store_raw_mail(provider="smtp", raw=RAW, envelope_sender="", envelope_recipients=[])

    assert RawBody.objects.count() == 0


def test_storing_inside_another_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        store_raw_mail(provider="smtp", raw=RAW, envelope_sender="", envelope_recipients=[])


def test_leased_mail_belongs_to_its_caller() -> None:
    until = timezone.now() + timedelta(minutes=1)

    row = store_raw_mail(
        provider="ingest", raw=RAW, envelope_sender="", envelope_recipients=["a@x.example"], lease=("t" * 32, until)
    )

    row.refresh_from_db()
    assert (row.state, row.claim_token, row.lease_until, row.attempts) == ("processing", "t" * 32, until, 1)
    assert row.envelope_recipients == ["a@x.example"]


def test_envelope_is_stored_clean_and_cut() -> None:
    row = store_raw_mail(
        provider="smtp", raw=RAW, envelope_sender="x\udcff\x00" + "y" * 400, envelope_recipients=["a\udcff@x.example"]
    )

    row.refresh_from_db()
    assert row.envelope_sender.startswith("x\ufffd\ufffdyyy")
    assert len(row.envelope_sender) == 320
    assert row.envelope_recipients == ["a\ufffd@x.example"]


def test_facts_of_a_request_leave_its_secrets_out() -> None:
    request = RequestFactory().post(
        "/anymail/postmark/inbound/?a=1",
        b"{}",
        content_type="application/json",
        headers={"Authorization": "Basic x", "Proxy-Authorization": "y", "Cookie": "z", "X-Kept": "k\x00"},
    )

    facts = RequestFacts.of(request)

    assert facts.method == "POST"
    assert facts.path == "/anymail/postmark/inbound/"
    assert facts.query == "a=1"
    assert facts.remote_address == "127.0.0.1"
    assert facts.headers == {"Content-Length": "2", "Content-Type": "application/json", "X-Kept": "k\ufffd"}
