"""Ring for the workers after a mail was stored. Whoever rings waits for nothing: neither for Redis nor for a thread.

The row is the queue; a ring that is lost costs seconds, until `manage.py sweep` finds the row.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from celery import current_app

__all__ = ["ring"]

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.05  # however many mails come in this time, one message says so
REPORT_SECONDS = 60.0
SETTLE_TASK = "cases.inbound.tasks.settle_mail"


class Bell:
    """One daemon thread per process, started by the first ring (so after a fork), turns rings into messages."""

    def __init__(self) -> None:
        self._forget_thread()
        os.register_at_fork(after_in_child=self._forget_thread)

    def _forget_thread(self) -> None:
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._reported_at = float("-inf")

    def ring(self) -> None:
        self._rung.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._publish_for_ever, name="wake", daemon=True)
                    try:
                        thread.start()
                    except RuntimeError as error:  # no thread to be had now: the next ring tries again
                        self._failures += 1
                        self._report(error)
                        return
                    self._thread = thread

    def _publish_for_ever(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            self.publish()
            time.sleep(COALESCE_SECONDS)

    def publish(self) -> None:
        """Send one message. Never raises: failures are counted and reported once a minute."""
        try:
            current_app.send_task(SETTLE_TASK, ignore_result=True, retry=False)
        except Exception as error:  # noqa: BLE001 - the broker's client raises what it likes; counted and reported
            self._failures += 1
            self._report(error)

    def _report(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._reported_at >= REPORT_SECONDS:
            logger.warning(
                "%d wake-ups did not reach the broker (%s); mail waits for the sweeper",
                self._failures,
                type(error).__name__,
            )
            self._reported_at, self._failures = now, 0


_bell = Bell()


def ring() -> None:
    """Tell the workers that mail waits; call it after the commit. Returns at once and never raises."""
    _bell.ring()
