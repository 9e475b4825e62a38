"""The trail: every decision on a mail as a line an admin can read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from routing.named_settings import NamedSetting


@dataclass(frozen=True, slots=True)
class TrailLine:
    step: str  # read, analyse, route, deduplicate, thread, screen, write
    verdict: str  # a slug
    because: str  # a sentence
    setting: NamedSetting | None = None  # that decided; None where no setting did

    def as_json(self) -> dict[str, Any]:
        setting = self.setting.as_json() if self.setting is not None else None
        return {"step": self.step, "verdict": self.verdict, "because": self.because, "setting": setting}


class Trail:
    """Lines in the order the decisions were taken."""

    def __init__(self) -> None:
        self.lines: list[TrailLine] = []

    def note(self, step: str, verdict: str, because: str, setting: NamedSetting | None = None) -> None:
        self.lines.append(TrailLine(step, verdict, because[:500], setting))

    def as_json(self) -> list[dict[str, Any]]:
        return [line.as_json() for line in self.lines]
