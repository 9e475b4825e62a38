"""The setting that decided something, by a name that stays: the trail keeps it, pages say it in words. Pure.

A name is a kind and a field: `routing_address.accept_email_from`, `settings.hold_spam`, `assignment_rule.entries`,
`routing_flow.steps`; `environment.E2C_PROVIDERS` for what stands in no page. Names are part of the trail's JSON
(docs/json.md): they are added to, never renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["NamedSetting", "in_environment", "of_address", "of_entry", "of_organisation", "of_step"]


@dataclass(frozen=True, slots=True)
class NamedSetting:
    """`key`: of the row whose field it is; None where there is one at most. `row`: of the entry or step of a list."""

    name: str
    key: int | None = None
    row: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "id": self.key, "row": self.row}


def of_address(key: int, field: str) -> NamedSetting:
    return NamedSetting(f"routing_address.{field}", key)


def of_organisation(field: str) -> NamedSetting:
    """A field of the Email-to-Case settings."""
    return NamedSetting(f"settings.{field}")


def of_entry(rule: int, entry: int) -> NamedSetting:
    return NamedSetting("assignment_rule.entries", rule, entry)


def of_step(flow: int, step: int) -> NamedSetting:
    return NamedSetting("routing_flow.steps", flow, step)


def in_environment(variable: str) -> NamedSetting:
    return NamedSetting(f"environment.{variable}")
