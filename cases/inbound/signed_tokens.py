"""Mailgun signs only a timestamp and a token, so a token seen once must vouch for nothing else.

A token that is new must be young; a token that is known counts at any age, for the content it came with. So a retry
and a replay are stored (and become duplicates), and a captured signature opens the door to no other mail.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cases.inbound.stored_request import StoredRequest
from cases.models import ProviderToken

__all__ = ["SignedContent", "StaleToken", "TokenReused", "check_known", "signed_content"]

OLDEST = timedelta(hours=12)  # Mailgun retries for 8 hours
FARTHEST_AHEAD = timedelta(minutes=5)  # clocks differ
SIGNATURE_FIELDS = frozenset({"token", "timestamp", "signature"})


class StaleToken(RuntimeError):
    """A new token whose timestamp is too far from now."""


class TokenReused(RuntimeError):
    """A known token with another content."""


@dataclass(frozen=True, slots=True)
class SignedContent:
    token: str  # SHA-256 of the token
    content_hash: str
    signed_at: datetime | None  # None: no readable timestamp

    def is_young(self, now: datetime) -> bool:
        return self.signed_at is not None and now - OLDEST <= self.signed_at <= now + FARTHEST_AHEAD

    def as_row(self, provider: str) -> ProviderToken:
        """Unsaved: it is stored together with the request that it vouches for, if it is new."""
        return ProviderToken(provider=provider, token=self.token, content_hash=self.content_hash)


def signed_content(request: StoredRequest) -> SignedContent:
    """Of a request that Mailgun's validator has passed. The hash does not depend on the form's boundary."""
    digest = hashlib.sha256()
    if request.content_type == "application/json":
        event = json.loads(request.body)
        signature = event.pop("signature")
        token, timestamp = str(signature["token"]), str(signature["timestamp"])
        digest.update(json.dumps(event, sort_keys=True).encode("ascii"))
    else:
        token, timestamp = request.POST["token"], request.POST["timestamp"]
        for name, file_name, value in sorted(
            (field.name, field.file_name or "", field.value)
            for field in request.form.fields
            if field.name not in SIGNATURE_FIELDS
        ):
            # Lengths keep "ab" + "c" from looking like "a" + "bc".
            for part in (name.encode("utf-8", "surrogateescape"), file_name.encode("utf-8", "surrogateescape"), value):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
    return SignedContent(
        token=hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest(),
        content_hash=digest.hexdigest(),
        signed_at=_time_of(timestamp),
    )


def _time_of(timestamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(float(timestamp)), UTC)
    except (OSError, OverflowError, ValueError):
        return None


def check_known(provider: str, signed: SignedContent) -> None:
    """For a token that is known, or too old to be believed otherwise. Raises StaleToken or TokenReused for a request
    that is not to be stored.
    """
    known = ProviderToken.objects.filter(provider=provider, token=signed.token).values_list("content_hash", flat=True)
    content_hash = known.first()
    if content_hash is None:
        raise StaleToken
    if content_hash != signed.content_hash:
        raise TokenReused
