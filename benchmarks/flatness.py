"""The same work in an instance of a thousand cases and in one of a hundred thousand.

python -m benchmarks.flatness [--sqlite] [CASES ...]

More than a hundred thousand (PostgreSQL alone) are copies of them with people and Message-IDs of their own.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import ExitStack

from benchmarks.surroundings import Instance, inside, new_instance, say
from tests.project.processes import manage

USUAL_SIZES = ["1000", "100000"]
MOST_WRITTEN = 100_000  # cases; they come one by one, 400 a second
RUNS = 50
ROUNDS = 5


def main(sizes: list[str], database: str = "postgres") -> None:
    with ExitStack() as stack:
        instances = {size: stack.enter_context(new_instance(database)) for size in sizes}
        for size, instance in instances.items():
            started = time.perf_counter()
            fill(instance, size)
            counted = inside(instance, "analyze")
            seconds = time.perf_counter() - started
            say(f"{counted['cases']} cases, {counted['messages']} mails", f"written in {seconds:.0f} s")
        # By turns, so that whatever else runs on the machine meets all of them.
        rounds = [
            {size: measure(instance, number) for size, instance in instances.items()} for number in range(ROUNDS)
        ]
    for name in rounds[0][sizes[0]]:
        for size in sizes:
            ms = statistics.median(found[size][name] for found in rounds)
            ratio = statistics.median(found[size][name] / found[sizes[0]][name] for found in rounds)
            say(f"{name}, {size} cases", f"{ms:.1f} ms, {ratio:.2f}x", "at most 1.5x")


def fill(instance: Instance, size: str) -> None:
    times = max(1, int(size) // MOST_WRITTEN)
    done = manage("seed_demo", "--cases", str(int(size) // times), "--fast", env=instance.env, timeout=1800)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    if times > 1:
        inside(instance, "multiply", str(times))


def measure(instance: Instance, number: int) -> dict[str, float]:
    settled = inside(instance, "settle_times", str(RUNS), str(5_000_000 + 1000 * number))
    shown = inside(instance, "pages", str(RUNS))
    if number == 0:
        for name, page in shown.items():
            say(f"SQL statements: {name}", str(page["statements"]), "at most 8")
    return {"settle a new mail": settled["new"], "settle a reply": settled["reply"]} | {
        name: page["ms"] for name, page in shown.items()
    }


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--sqlite"]
    main(arguments or USUAL_SIZES, "sqlite" if "--sqlite" in sys.argv else "postgres")
