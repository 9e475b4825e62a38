"""How often one person may look: each look parses a mail and works through the pipeline.

Counted in this process and nowhere else, for looking leaves nothing behind. What is bounded is what one person can
make one web process do.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["LOOKS", "NotNow", "Pace"]

MOST_A_MINUTE = 20
MINUTE = 60.0  # seconds


class NotNow(RuntimeError):
    """Looked too often, or is looking now. `wait`: seconds after which it is worth another try."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Try again in {wait} seconds.")
        self.wait = wait


class Pace:
    """At most `most` turns a minute for each person, one after the other."""

    def __init__(self, most: int = MOST_A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[int, deque[float]] = {}
        self._busy: set[int] = set()

    @contextmanager
    def turn(self, person: int) -> Iterator[None]:
        """Raises NotNow."""
        with self._lock:
            self._begin(person, self._clock())
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(person)

    def _begin(self, person: int, now: float) -> None:
        for other in [other for other, begun in self._begun.items() if now - begun[-1] > MINUTE]:
            del self._begun[other]
        if person in self._busy:
            raise NotNow(1)
        begun = self._begun.setdefault(person, deque(maxlen=self.most))
        if len(begun) == self.most and now - begun[0] < MINUTE:
            raise NotNow(math.ceil(MINUTE - (now - begun[0])))
        begun.append(now)
        self._busy.add(person)

    def forget(self) -> None:
        """As if this process had just started."""
        with self._lock:
            self._begun.clear()


LOOKS = Pace()
