"""How much memory a worker takes, idle and with large mails.

python -m benchmarks.memory
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.settle import start_worker
from benchmarks.surroundings import inside, new_instance, say


def main() -> None:
    with new_instance() as instance:
        worker = start_worker(instance)
        say("worker, started and idle", f"{resident(worker.pid):.0f} MB", "at most 100 MB")
        inside(instance, "store", "text", "200", "1")
        inside(instance, "ring", "cases.inbound.tasks.settle_mail", "1")
        instance.wait_until_settled()
        say("worker, idle after 200 mails", f"{resident(worker.pid):.0f} MB", "at most 100 MB")
        worker.kill()
    for kind in ("file5", "file30"):
        with new_instance("sqlite") as instance:
            measured = inside(instance, "peak_memory", kind)
            limit = 100 + 8 * measured["mail"]
            say(
                f"settling a mail of {measured['mail']:.0f} MB",
                f"peak {measured['after']:.0f} MB (before: {measured['before']:.0f})",
                f"at most {limit:.0f} MB",
            )


def resident(pid: int) -> float:
    """Megabytes of a process, shared libraries included."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


if __name__ == "__main__":
    main()
