"""Mail from a file or a pipe: stored like a provider's, claimed by this process at once, and settled in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import get_random_string

from cases.inbound.accept import store_raw_mail
from cases.inbound.circumstances import load_circumstances
from cases.inbound.decision import Circumstances
from cases.inbound.settle import settle_one
from cases.inbound.settled import Settled
from cases.models import InboundEmail, RawBody

# Settings may change while thousands of files are read; so often they are looked at again.
RELOAD_AFTER = 25


class Ingest:
    """A run over many mails. Each is stored and committed before it is read, like any other mail."""

    def __init__(
        self, *, envelope_recipients: Sequence[str] = (), envelope_sender: str = "", dry_run: bool = False
    ) -> None:
        self.envelope_recipients = list(envelope_recipients)
        self.envelope_sender = envelope_sender
        self.dry_run = dry_run
        self._used = 0
        self._circumstances: Circumstances | None = None

    def ingest(self, raw: bytes) -> Settled:
        """Store one mail and settle it. Raises only when it cannot be stored (OSError, DatabaseError)."""
        circumstances = self.circumstances()
        if self.dry_run:
            return settle_one(self.unsaved_row(raw), circumstances, dry_run=True)
        token = get_random_string(32)
        inbound = store_raw_mail(
            provider="ingest",
            raw=raw,
            envelope_sender=self.envelope_sender,
            envelope_recipients=self.envelope_recipients,
            lease=(token, timezone.now() + timedelta(seconds=settings.E2C_LEASE_SECONDS)),
        )
        return settle_one(inbound, circumstances)

    def circumstances(self) -> Circumstances:
        if self._circumstances is None or self._used >= RELOAD_AFTER:
            self._circumstances, self._used = load_circumstances(), 0
        self._used += 1
        return self._circumstances

    def unsaved_row(self, raw: bytes) -> InboundEmail:
        return InboundEmail(
            provider="ingest",
            received_at=timezone.now(),
            raw=RawBody(content=raw, size=len(raw), sha256=""),
            envelope_sender=self.envelope_sender,
            envelope_recipients=self.envelope_recipients,
        )


def ingest_mail(
    raw: bytes, *, envelope_recipients: Sequence[str] = (), envelope_sender: str = "", dry_run: bool = False
) -> Settled:
    """Store and settle one mail."""
    return Ingest(envelope_recipients=envelope_recipients, envelope_sender=envelope_sender, dry_run=dry_run).ingest(
        raw
    )
