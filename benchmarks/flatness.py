"""The same work in an instance of a thousand cases and in one of a hundred thousand.

python -m benchmarks.flatness [CASES ...]
"""

from __future__ import annotations

import sys
import time

from benchmarks.surroundings import Instance, inside, new_instance, say
from tests.project.processes import manage

USUAL_SIZES = ["1000", "100000"]
RUNS = 60


def main(sizes: list[str]) -> None:
    found: dict[str, dict[str, float]] = {}
    for size in sizes:
        with new_instance() as instance:
            started = time.perf_counter()
            fill(instance, size)
            counted = inside(instance, "analyze")
            seconds = time.perf_counter() - started
            say(f"{counted['cases']} cases, {counted['messages']} mails", f"written in {seconds:.0f} s")
            found[size] = measure(instance)
    smallest = found[sizes[0]]
    for name, before in smallest.items():
        for size in sizes:
            ratio = found[size][name] / before
            say(f"{name}, {size} cases", f"{found[size][name]:.1f} ms, {ratio:.2f}x", "at most 1.5x")


def fill(instance: Instance, size: str) -> None:
    done = manage("seed_demo", "--cases", size, "--fast", env=instance.env, timeout=1800)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def measure(instance: Instance) -> dict[str, float]:
    settled = inside(instance, "settle_times", str(RUNS), "5000000")
    shown = inside(instance, "pages", str(RUNS))
    say("SQL statements of the list, of a case", f"{shown['list']['statements']}, {shown['case']['statements']}", "8")
    return {
        "settle a new mail": settled["new"],
        "settle a reply": settled["reply"],
        "list of cases": shown["list"]["ms"],
        "page of a case": shown["case"]["ms"],
    }


if __name__ == "__main__":
    main(sys.argv[1:] or USUAL_SIZES)
