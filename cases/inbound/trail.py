"""The trail: every decision on a mail as a line an admin can read. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrailLine:
    step: str  # read, analyse, route, deduplicate, thread, screen, write
    verdict: str  # a slug
    because: str  # a sentence


class Trail:
    """Lines in the order the decisions were taken."""

    def __init__(self) -> None:
        self.lines: list[TrailLine] = []

    def note(self, step: str, verdict: str, because: str) -> None:
        self.lines.append(TrailLine(step, verdict, because[:500]))

    def as_json(self) -> list[dict[str, str]]:
        return [{"step": line.step, "verdict": line.verdict, "because": line.because} for line in self.lines]
