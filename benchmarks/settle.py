"""Settling mail in one worker process: a task that drains what waits, against the same code run as one task a mail.

python -m benchmarks.settle
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.surroundings import Instance, Program, inside, new_instance, say, wait_until

ROUNDS = 3
MAILS = {"text": 300, "html": 150}
TARGETS = {"text": "at least 2.5x", "html": "at least 1.8x"}


def main() -> None:
    with new_instance() as instance:
        for name, count in inside(instance, "statements").items():
            target = "at most 3, beside transaction and lock" if name.startswith("duplicate") else "at most 15"
            say(f"SQL statements, BEGIN and COMMIT included: {name}", str(count), target)
        inside(instance, "store", "text", "20", "1")  # a warm worker is measured
        worker = start_worker(instance)
        inside(instance, "ring", "cases.inbound.tasks.settle_mail", "1")
        instance.wait_until_settled()
        first = 1000
        for kind, count in MAILS.items():
            first = compare(instance, kind, count, first)
        worker.kill()
        plain_loop(instance, "PostgreSQL", first)
    with new_instance("sqlite") as embedded:
        plain_loop(embedded, "SQLite", 1, target="at least 400/s of text")


def start_worker(instance: Instance) -> Program:
    """As `manage.py run` starts it: one process that does the work itself."""
    program = instance.start(
        "worker",
        [
            *[sys.executable, "-m", "celery", "--quiet", "--app", "e2c_project", "worker", "--pool", "solo"],
            *["--include", "benchmarks.one_task_a_mail", "--loglevel", "ERROR"],
            *["--without-mingle", "--without-gossip", "--without-heartbeat"],
        ],
    )
    wait_until(lambda: inside(instance, "workers") > 0, "the worker listens", seconds=60)
    return program


def compare(instance: Instance, kind: str, count: int, first: int) -> int:
    """By turns, so that whatever else runs on the machine meets both."""
    ways = {
        "one task a mail": ("benchmarks.settle_one_mail", count),
        "drained": ("cases.inbound.tasks.settle_mail", 1),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, (task, rings) in ways.items():
            inside(instance, "store", kind, str(count), str(first))
            inside(instance, "ring", task, str(rings))
            instance.wait_until_settled(seconds=300)
            rates[way].append(inside(instance, "settling_rate", str(count)))
            first += count
    for way, measured in rates.items():
        say(f"settle {kind}, {way}", f"{statistics.median(measured):.0f}/s")
    ratios = [drained / single for drained, single in zip(rates["drained"], rates["one task a mail"], strict=True)]
    say(f"settle {kind}, drained against one task a mail", f"{statistics.median(ratios):.1f}x", TARGETS[kind])
    return first


def plain_loop(instance: Instance, database: str, first: int, target: str = "") -> None:
    for kind, count in MAILS.items():
        runs = []
        for _ in range(ROUNDS):
            inside(instance, "store", kind, str(count), str(first))
            runs.append(inside(instance, "drain"))
            first += count
        rate, cpu = (statistics.median(run[name] for run in runs) for name in ("per_second", "cpu_ms"))
        say(f"settle {kind}, plain loop on {database}", f"{rate:.0f}/s, CPU {cpu:.1f} ms each", target)
        target = ""


if __name__ == "__main__":
    main()
