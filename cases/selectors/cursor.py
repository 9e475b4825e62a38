"""Where a page of a list ends, as a word in a link."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

MAX_KEY = 2**63 - 1
MAX_DIGITS = 18  # of a key that a link holds


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the sort key of its last row. Travels in links as an opaque word."""

    at: datetime
    key: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.key}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, word: str) -> Cursor | None:
        """None for anything that is not a cursor: the list then starts at its top."""
        try:
            at, key = base64.urlsafe_b64decode(word[:100] + "=" * (-len(word[:100]) % 4)).decode("ascii").split(" ")
            cursor = cls(at=datetime.fromisoformat(at), key=int(key))
        except (ValueError, binascii.Error):
            return None
        # Years at the ends of the calendar have moments that no other time zone can write down.
        is_sane = cursor.at.tzinfo is not None and 1900 <= cursor.at.year <= 9000
        return cursor if is_sane and 0 < cursor.key <= MAX_KEY else None
