"""Mail backends of our own: the one that writes files, for a machine without a mail service."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

IDEMPOTENCY_HEADER = "X-E2C-Idempotency-Key"


class FileBackend(BaseEmailBackend):
    """One .eml per hand-over in the outbox folder, and a .json: {"envelope": {"from", "to"}, "idempotency_key"}.

    The key is the message's `e2c_idempotency_key` or its X-E2C-Idempotency-Key header, which is not written. Both
    files are on the disk when `send_messages` returns; whoever sees an .eml finds its .json.
    """

    def __init__(self, fail_silently: bool = False, folder: str | Path | None = None, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self.folder = Path(folder) if folder else Path(settings.E2C_DATA_DIR) / "outbox"

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        written = 0
        for message in email_messages:
            if message.recipients():
                self._write(message)
                written += 1
        return written

    def _write(self, message: EmailMessage) -> None:
        mime = message.message()
        key = getattr(message, "e2c_idempotency_key", None) or mime[IDEMPOTENCY_HEADER]
        del mime[IDEMPOTENCY_HEADER]
        envelope_from = getattr(message, "envelope_sender", None) or message.from_email
        beside = {
            "envelope": {
                "from": parseaddr(envelope_from)[1] or envelope_from,
                "to": [parseaddr(recipient)[1] or recipient for recipient in message.recipients()],
            },
            "idempotency_key": str(key) if key else None,
        }
        # Names sort in the order of the hand-overs.
        stem = f"{timezone.now():%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
        _write_durably(self.folder / f"{stem}.json", json.dumps(beside, ensure_ascii=False, indent=1).encode())
        _write_durably(self.folder / f"{stem}.eml", mime.as_bytes(linesep="\r\n"))  # type: ignore[call-arg]  # Django's do


def _write_durably(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
