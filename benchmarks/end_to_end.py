"""Everything on one machine: web server, worker, sweeper, PostgreSQL, Redis and the load that is measured with.

python -m benchmarks.end_to_end
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

from benchmarks.load import as_fast_as_possible, at_a_rate, percentile, request_bytes
from benchmarks.mails import mailgun, mix, text_mail
from benchmarks.settle import start_worker
from benchmarks.surroundings import Instance, inside, new_instance, say

ROUNDS = 3
MAILS: dict[str, tuple[Callable[[int], bytes], int, str]] = {
    "text": (text_mail, 1200, "at least 120/s"),
    "mix": (mix, 600, "at least 70/s"),
}
HALF_LOAD_SECONDS = 10

numbers = itertools.count(1)


def main() -> None:
    with new_instance() as instance:
        instance.start_web()
        start_worker(instance)
        instance.start_sweeper()
        as_fast_as_possible(instance.port, requests(text_mail, 100), clients=4)  # what is measured is warm
        instance.wait_until_settled()
        for kind, (make, count, target) in MAILS.items():
            rate = statistics.median(throughput(instance, make, count) for _ in range(ROUNDS))
            say(f"{kind}: mails a second, first post to last settled", f"{rate:.0f}/s", target)
            lag(instance, kind, make, rate / 2)


def requests(make: Callable[[int], bytes], count: int) -> list[bytes]:
    return [request_bytes(mailgun(make(number), number)) for number in itertools.islice(numbers, count)]


def throughput(instance: Instance, make: Callable[[int], bytes], count: int) -> float:
    prepared = requests(make, count)
    started = time.perf_counter()
    as_fast_as_possible(instance.port, prepared, clients=4)
    accepted = time.perf_counter() - started
    instance.wait_until_settled(seconds=300)
    print(f"  {count} accepted after {accepted:.1f} s, settled after {time.perf_counter() - started:.1f} s")
    return count / (time.perf_counter() - started)


def lag(instance: Instance, kind: str, make: Callable[[int], bytes], rate: float) -> None:
    """Seconds from the commit of a mail to its outcome, at half of what the machine can do."""
    lags: list[float] = []
    for _ in range(ROUNDS):
        count = int(rate * HALF_LOAD_SECONDS)
        at_a_rate(instance.port, requests(make, count), rate=rate, clients=8)
        instance.wait_until_settled(seconds=300)
        lags += inside(instance, "lags", str(count))
    p50, p99 = percentile(lags, 50) * 1000, percentile(lags, 99) * 1000
    say(f"{kind}: lag at half load ({rate:.0f}/s)", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", "p50 30 ms, p99 250 ms")


if __name__ == "__main__":
    main()
