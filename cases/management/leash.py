"""Ends the programs of `manage.py run` when the supervisor itself was killed. A script: imports no Django.

The supervisor writes "+<process group>" and "-<process group>" lines to its standard input. The end of that input says
that the supervisor is gone, however it went: the groups still listed are told to stop, and soon killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

PATIENCE = 5.0  # seconds between SIGTERM and SIGKILL


def follow(lines: list[str]) -> set[int]:
    """The process groups that are left when the supervisor's input ends."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith("+"):
            groups.add(number)
        else:
            groups.discard(number)
    return groups


def end(groups: set[int], *, patience: float = PATIENCE) -> None:
    signal_groups(groups, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(is_alive(group) for group in groups):
        time.sleep(0.1)
    signal_groups(groups, signal.SIGKILL)


def signal_groups(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    for caught in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(caught, signal.SIG_IGN)
    end(follow(sys.stdin.readlines()))
