"""What a check answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is right or wrong. `remedy` says what to do and is "" when it is right."""

    name: str  # a slug that scripts can rely on
    is_ok: bool
    message: str
    remedy: str = ""


def ok(name: str, message: str) -> Finding:
    return Finding(name, True, message)


def wrong(name: str, message: str, remedy: str) -> Finding:
    return Finding(name, False, message, remedy)
