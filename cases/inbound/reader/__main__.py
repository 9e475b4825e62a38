"""The bounded process: limits and a mail on standard input, a frame on standard output. Imports no Django."""

from __future__ import annotations

import contextlib
import json
import resource
import sys

from cases.inbound.reader.assemble import read_mail_in_process
from cases.inbound.reader.framing import write_email, write_error
from cases.inbound.reader.limits import Limits, Tnef, TooComplex


def main() -> None:
    """Read one mail. A limit that is passed ends the process or writes the reason; the parent tells which."""
    order = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**order["limits"])
    _restrict(resource.RLIMIT_CPU, limits.cpu_seconds)
    _restrict(resource.RLIMIT_CORE, 0)
    _restrict(resource.RLIMIT_AS, limits.memory)
    try:
        raw = sys.stdin.buffer.read()
        email = read_mail_in_process(raw, limits=limits, tnef=Tnef.UNPACK, charset=order["charset"])
        write_email(sys.stdout.buffer, email)
    except MemoryError:
        reason = f"Reading the mail took more than {limits.memory // 1_000_000} MB of memory."
        write_error(sys.stdout.buffer, TooComplex(reason))
    except RecursionError:
        write_error(sys.stdout.buffer, TooComplex("The mail is nested too deeply."))
    sys.stdout.buffer.flush()


def _restrict(kind: int, limit: int) -> None:
    # Some systems do not know every limit; the others and the parent's clock still hold there.
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
