"""Where a page of a list ends, as a word in a link."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True)
class ListCursor:
    """The values of the sort keys of a page's last row: moments, words, numbers. Belongs to one sort order."""

    sort: str
    values: tuple[datetime | str | int, ...]

    def __str__(self) -> str:
        written = [self.sort, *(_written(value) for value in self.values)]
        return base64.urlsafe_b64encode(json.dumps(written, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, word: str, *, sort: str, kinds: tuple[type, ...]) -> ListCursor | None:
        """None for anything that is no cursor of this sort order: the list then starts at its top."""
        try:
            found = json.loads(base64.urlsafe_b64decode(word[:300] + "=" * (-len(word[:300]) % 4)))
            name, *written = found
            values = tuple(_value(each, kind) for each, kind in zip(written, kinds, strict=True))
        except (ValueError, TypeError, RecursionError):
            return None
        return cls(sort, values) if name == sort else None


def _written(value: datetime | str | int) -> str | int:
    return value.isoformat() if isinstance(value, datetime) else value


def _value(written: Any, kind: type) -> Any:
    """Raises ValueError for what no row can have."""
    if kind is datetime:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None or not 1900 <= moment.year <= 9000:
            raise ValueError(written)
        return moment
    if type(written) is not kind or (isinstance(written, int) and abs(written) > MAX_KEY) or "\0" in str(written):
        raise ValueError(written)
    return written
