"""Store what a provider, a mail server or a command hands us. Nothing is parsed: a parser bug must not cost a mail.

Once a function of this module returns, the bytes and their row are committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from cases import blobs
from cases.inbound.reader.charsets import clean_text
from cases.inbound.request_rows import TokenKnown, insert_request_rows
from cases.models import InboundEmail, ProviderToken, RawBody, TrackingRequest

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = [
    "RAW_BODY_IN_ROW",
    "RequestFacts",
    "TokenKnown",
    "raw_bytes",
    "store_inbound_request",
    "store_raw_mail",
    "store_tracking_request",
]

# Bytes; a larger body is stored as a file. Two rows in one commit are the cheapest durable write for most mails,
# while megabytes in rows make backups and vacuums slow.
RAW_BODY_IN_ROW = 64 * 1024

# They prove who called and are of no use to the worker; the rest of a request says how to read its body.
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
LONGEST_ENVELOPE_ADDRESS = 320  # RFC 5321 section 4.5.3.1: 64 for the local part, 255 for the domain, and the "@"


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is kept of a request beside its body."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(default_factory=dict)  # without the secret ones
    remote_address: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> RequestFacts:
        return cls(
            method=(request.method or "")[:10],
            path=clean_text(request.path)[:255],
            query=clean_text(request.META.get("QUERY_STRING", "")),
            headers={
                clean_text(name): clean_text(value)
                for name, value in request.headers.items()
                if name.lower() not in SECRET_HEADERS
            },
            remote_address=str(request.META.get("REMOTE_ADDR", ""))[:45],
        )


def store_inbound_request(
    *, provider: str, facts: RequestFacts, body: bytes, token: ProviderToken | None = None
) -> InboundEmail:
    """Store a provider's request that brings mail. With an unsaved `token`, only if that is new: else TokenKnown."""
    row = InboundEmail(provider=provider, **_request_fields(facts, body))
    insert_request_rows(row, token)
    return row


def store_tracking_request(
    *, provider: str, facts: RequestFacts, body: bytes, token: ProviderToken | None = None
) -> TrackingRequest:
    """Store a provider's request about mail that we sent; `token` as above."""
    row = TrackingRequest(provider=provider, **_request_fields(facts, body))
    insert_request_rows(row, token)
    return row


def _request_fields(facts: RequestFacts, body: bytes) -> dict[str, Any]:
    return {
        "received_at": timezone.now(),
        "method": facts.method,
        "path": facts.path,
        "query": facts.query,
        "headers": dict(facts.headers),
        "remote_address": facts.remote_address,
        "raw": _raw_body(body),
    }


def store_raw_mail(
    *,
    provider: str,
    raw: bytes,
    envelope_sender: str,
    envelope_recipients: Sequence[str],
    lease: tuple[str, datetime] | None = None,
) -> InboundEmail:
    """Store a mail that came as it is, by SMTP or from a file.

    `envelope_sender`: "<>" is the null sender of a bounce, "" means that nobody told us. `lease` (claim token, until
    when) stores the row claimed by the caller, who settles it; without one it waits for a worker.
    """
    claimed = {}
    if lease is not None:
        token, until = lease
        claimed = {"state": InboundEmail.State.PROCESSING, "claim_token": token, "lease_until": until, "attempts": 1}
    row = InboundEmail(
        received_at=timezone.now(),
        provider=provider,
        raw=_raw_body(raw),
        envelope_sender=clean_text(envelope_sender)[:LONGEST_ENVELOPE_ADDRESS],
        envelope_recipients=[clean_text(address)[:LONGEST_ENVELOPE_ADDRESS] for address in envelope_recipients],
        **claimed,
    )
    insert_request_rows(row)
    return row


def _raw_body(content: bytes) -> RawBody:
    """An unsaved row for these bytes; large ones are durable in the storage when this returns."""
    if len(content) <= RAW_BODY_IN_ROW:
        return RawBody(sha256=hashlib.sha256(content).hexdigest(), size=len(content), content=content)
    blob = blobs.put(content)
    return RawBody(sha256=blob.sha256, size=blob.size, blob=blob)


def raw_bytes(raw: RawBody) -> bytes:
    """The stored bytes. Raises OSError when the storage does not give them."""
    if raw.content is not None:
        return bytes(raw.content)
    if raw.blob is None:
        raise OSError(f"raw body {raw.pk} has no content")
    with blobs.open_blob(raw.blob) as stream:
        return stream.read()
