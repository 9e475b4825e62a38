"""One line of an address's checklist. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OK", "TODO", "UNKNOWN", "WRONG", "ProofLine"]

OK, TODO, WRONG, UNKNOWN = "ok", "todo", "wrong", "unknown"


@dataclass(frozen=True, slots=True)
class ProofLine:
    """`state`: ok, todo (not done yet), wrong (was tried and fails) or unknown. `next_step`: what to do, or "".

    `host` and `record`: the TXT record to publish. `is_waiting`: it may change in the next minutes by itself.
    """

    key: str
    title: str
    state: str
    words: str
    next_step: str = ""
    host: str = ""
    record: str = ""
    is_waiting: bool = False
