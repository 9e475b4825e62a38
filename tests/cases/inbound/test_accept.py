"""Storing what comes in: one commit for a small mail, bytes first for a large one, nothing secret kept."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
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
    TokenKnown,
    raw_bytes,
    store_inbound_request,
    store_raw_mail,
    store_tracking_request,
)
from cases.models import Blob, InboundEmail, ProviderToken, RawBody, TrackingRequest

pytestmark = pytest.mark.django_db

RAW = b"Subject: hello\r\n\r\nhello\r\n"
FACTS = RequestFacts("POST", "/anymail/postmark/inbound/", "a=1", {"Content-Type": "application/json"}, "192.0.2.1")


def inserts(captured: CaptureQueriesContext) -> list[list[str]]:
    """The tables that each statement writes to; the marks of transactions are left out."""
    written = [re.findall(r'INSERT INTO "(\w+)"', query["sql"]) for query in captured]
    return [tables for tables, query in zip(written, captured, strict=True) if tables or "SELECT" in query["sql"]]


def as_one_write(*tables: str) -> list[list[str]]:
    """PostgreSQL takes all in one statement, SQLite in one transaction."""
    return [list(tables)] if connection.vendor == "postgresql" else [[table] for table in tables]


@pytest.mark.parametrize("size", [0, 1, RAW_BODY_IN_ROW])
def test_small_request_is_written_at_once(size: int) -> None:
    with CaptureQueriesContext(connection) as captured:
        row = store_inbound_request(provider="postmark", facts=FACTS, body=b"x" * size)

    assert inserts(captured) == as_one_write("cases_rawbody", "cases_inboundemail")
    assert (row.state, row.attempts, row.raw.size, row.raw.blob) == ("received", 0, size, None)


def test_small_mail_is_written_at_once() -> None:
    with CaptureQueriesContext(connection) as captured:
        store_raw_mail(provider="smtp", raw=RAW, envelope_sender="", envelope_recipients=[])

    assert inserts(captured) == as_one_write("cases_rawbody", "cases_inboundemail")


def test_tracking_request_is_written_at_once() -> None:
    with CaptureQueriesContext(connection) as captured:
        store_tracking_request(provider="postmark", facts=FACTS, body=b"{}")

    assert inserts(captured) == as_one_write("cases_rawbody", "cases_trackingrequest")
    assert raw_bytes(TrackingRequest.objects.get().raw) == b"{}"


def test_request_with_a_token_is_written_at_once() -> None:
    with CaptureQueriesContext(connection) as captured:
        store_inbound_request(provider="mailgun", facts=FACTS, body=RAW, token=new_token())

    assert inserts(captured) == as_one_write("cases_providertoken", "cases_rawbody", "cases_inboundemail")
    token = ProviderToken.objects.get()
    assert (token.provider, token.token, token.content_hash) == ("mailgun", "t" * 64, "c" * 64)


@pytest.mark.parametrize("store", [store_inbound_request, store_tracking_request])
def test_known_token_stores_nothing(store: Any) -> None:
    store(provider="mailgun", facts=FACTS, body=RAW, token=new_token())

    with pytest.raises(TokenKnown):
        store(provider="mailgun", facts=FACTS, body=b"another", token=new_token(content_hash="d" * 64))

    assert (InboundEmail.objects.count() + TrackingRequest.objects.count(), RawBody.objects.count()) == (1, 1)
    assert ProviderToken.objects.get().content_hash == "c" * 64


def new_token(content_hash: str = "c" * 64) -> ProviderToken:
    return ProviderToken(provider="mailgun", token="t" * 64, content_hash=content_hash)


def test_stored_row_is_as_the_database_has_it() -> None:
    row = store_inbound_request(provider="mailgun", facts=FACTS, body=RAW, token=new_token())

    stored = InboundEmail.objects.select_related("raw").get()
    assert (row, row.raw, row.raw_id) == (stored, stored.raw, stored.raw_id)
    for field in (*InboundEmail._meta.concrete_fields, *RawBody._meta.concrete_fields):
        owners = (row, stored) if field.model is InboundEmail else (row.raw, stored.raw)
        kept, read = (field.value_from_object(owner) for owner in owners)
        assert kept == (bytes(read) if isinstance(read, memoryview) else read), field.name
    row.because = "saved again"
    row.save()
    assert InboundEmail.objects.get().because == "saved again"


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


@pytest.mark.parametrize("token", [False, True])
def test_failed_second_insert_leaves_no_body(token: bool) -> None:
    facts = replace(FACTS, query=None)  # type: ignore[arg-type]  # its column takes no NULL

    with pytest.raises(DatabaseError):
        store_inbound_request(provider="mailgun", facts=facts, body=RAW, token=new_token() if token else None)

    assert (RawBody.objects.count(), ProviderToken.objects.count()) == (0, 0)


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
