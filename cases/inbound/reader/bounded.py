"""Read a mail in a process of its own, which may use so much time and memory and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from cases.inbound.parsed import ParsedEmail
from cases.inbound.reader.framing import read_frame
from cases.inbound.reader.limits import Limits, TooComplex, UnreadableMail

__all__ = ["read_mail_bounded"]

_PROJECT = Path(__file__).resolve().parents[3]
# Nothing else of our environment is passed on: it holds secrets, and the process reads what strangers wrote.
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


def read_mail_bounded(raw: bytes, *, limits: Limits, why: str, charset: str = "") -> ParsedEmail:
    """Read a mail in a process with limits. Raises TooComplex when a limit ends it, UnreadableMail when it fails.

    `why` is the sentence that says what is unusual about the mail; it begins the reason of TooComplex.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "cases.inbound.reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_PROJECT,
        env=_environment(),
    )
    with process:
        try:
            frame, errors = process.communicate(
                json.dumps({"limits": asdict(limits), "charset": charset}).encode("ascii") + b"\n" + raw,
                timeout=limits.wall_seconds,
            )
        except subprocess.TimeoutExpired:
            process.kill()
            raise TooComplex(f"{why} Reading it took longer than {limits.wall_seconds:g} seconds.") from None
        except BaseException:
            process.kill()
            raise
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise TooComplex(f"{why} Reading it took more than {limits.cpu_seconds} seconds of processor time.")
    try:
        return read_frame(frame)
    except (ValueError, KeyError, TypeError) as error:
        if b"MemoryError" in errors:
            raise TooComplex(f"{why} Reading it took more than {limits.memory // 1_000_000} MB of memory.") from None
        last_line = errors.decode("utf-8", errors="replace").strip().rpartition("\n")[2][:300]
        reason = f"The reading process ended with code {process.returncode}: {last_line or error}"
        raise UnreadableMail(reason) from error


def _environment() -> dict[str, str]:
    """What Python needs to start, and nothing that an administrator configured."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {"PYTHONUTF8": "1"}
