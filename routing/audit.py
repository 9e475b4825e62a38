"""Write the lines of the audit log: who changed what, from which value to which. Nothing edits or removes a line."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from routing.models import AuditEvent

# What these hold is never copied into the log; that it changed is.
SECRET_FIELDS = frozenset({"password", "sealed_secrets", "refresh_claim"})
# A log line is read, not restored from: of long texts it holds this many characters, those where they differ.
MAX_VALUE_LENGTH = 500
BEFORE_IT = 60  # characters shown before the first difference

Snapshot = dict[str, str]


def record(action: str, target: models.Model | str, *, by: User | None, **detail: Any) -> AuditEvent:
    """Add one line. `by` is None for a command or the system itself; `detail` holds JSON values without secrets."""
    what = target if isinstance(target, str) else f"{target._meta.verbose_name}: {target}"
    actor = by if by is not None and by.is_authenticated else None
    return AuditEvent.objects.create(actor=actor, action=action, target=what[:255], detail=detail)


def snapshot(row: models.Model) -> Snapshot:
    """Every field of a row as text, to compare before with after: "" for nothing, a row behind a key by its name too.
    Secrets are left out.
    """
    return {
        field.name: _text_of(row, field)
        for field in row._meta.concrete_fields
        if field.name not in SECRET_FIELDS and not field.primary_key and not field.generated
    }


def _text_of(row: models.Model, field: models.Field[Any, Any]) -> str:
    value = field.value_from_object(row)
    if field.is_relation and value is not None:
        return f"{getattr(row, field.name)} (#{value})"  # names change, and come again: the key is what counts
    return "" if value is None else str(value)


def stored_snapshot(row: models.Model) -> Snapshot:
    """The row as it is in the database now; empty when it is not there yet."""
    stored = row._meta.default_manager.filter(pk=row.pk).first() if row.pk and row._meta.default_manager else None
    return snapshot(stored) if stored else {}


def changes(before: Snapshot, after: Snapshot) -> dict[str, list[str | None]]:
    """{field: [before, after]} of what differs, short enough for a line; null where no row was, or is now. What a new
    row leaves empty is no change.
    """
    names = dict.fromkeys((*after, *before))
    differing = [name for name in names if (before.get(name) or "") != (after.get(name) or "")]
    return {name: shortened(before.get(name), after.get(name)) for name in differing}


def shortened(before: str | None, after: str | None) -> list[str | None]:
    """Two values that differ, of long ones the part in which they do."""
    if max(len(before or ""), len(after or "")) <= MAX_VALUE_LENGTH:
        return [before, after]
    pairs = zip(before or "", after or "", strict=False)
    same = sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, same - BEFORE_IT)
    return [None if value is None else _part(value, start) for value in (before, after)]


def _part(value: str, start: int) -> str:
    part = value[start : start + MAX_VALUE_LENGTH]
    return f"{'…' if start else ''}{part}{'…' if start + MAX_VALUE_LENGTH < len(value) else ''}"
