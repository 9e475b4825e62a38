"""Accepting mail - store the request, commit, answer 200 - against the least that the same web server can answer.

python -m benchmarks.accept
"""

from __future__ import annotations

import itertools
import socket
import statistics
from collections.abc import Callable

from benchmarks.load import Run, as_fast_as_possible, at_a_rate, request_bytes
from benchmarks.mails import html_mail, mailgun, text_mail
from benchmarks.surroundings import Instance, free_port, inside, new_instance, say, wait_until

ROUNDS = 5
CLIENTS = 16  # as many as post at once; commits of several share one write to the disk
REQUESTS = {"2 KB": 600, "37 KB": 400}
MAILS: dict[str, Callable[[int], bytes]] = {"2 KB": text_mail, "37 KB": html_mail}
KILOBYTES = ["2", "8", "16", "32", "64", "128", "256", "1024", "5120"]

APPLICATION = "e2c_project.wsgi:application"

numbers = itertools.count(1)


def main() -> None:
    with new_instance() as instance, new_instance("sqlite") as embedded, new_instance("sqlite") as hello:
        instance.start_web()
        embedded.start_web()
        start_hello(hello, "bare")
        bare_port = hello.port
        hello.port = free_port()
        start_hello(hello, "django_application()")
        ports = {
            "bare WSGI": bare_port,
            "Django": hello.port,
            "accept": instance.port,
            "accept, SQLite": embedded.port,
        }
        for port in ports.values():  # what is measured is warm: connections made, code loaded
            as_fast_as_possible(port, requests("2 KB", 200), clients=CLIENTS)
        for size in MAILS:
            rates = compare(size, ports)
            half_load(size, instance.port, rates["accept"] / 2)
        body_sizes(instance)


def start_hello(instance: Instance, application: str) -> None:
    application = f"benchmarks.hello:{application}"
    instance.start("hello", [part.replace(APPLICATION, application) for part in instance.web_command()])
    wait_until(lambda: answers(instance.port), f"{application} answers")


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def requests(size: str, count: int) -> list[bytes]:
    return [request_bytes(mailgun(MAILS[size](number), number)) for number in itertools.islice(numbers, count)]


def compare(size: str, ports: dict[str, int]) -> dict[str, float]:
    """Requests a second of each, by turns, so that whatever else runs on the machine meets all of them."""
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(ROUNDS):
        for name, port in ports.items():
            run = as_fast_as_possible(port, requests(size, REQUESTS[size]), clients=CLIENTS)
            rates[name].append(run.per_second)
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    target = {"2 KB": "at least 0.30x", "37 KB": "at least 0.20x"}[size]
    for name, rate in medians.items():
        shares = ", ".join(f"{share(rates, name, hello):.2f}x of {hello}" for hello in ("Django", "bare WSGI"))
        say(f"POST of {size}, {name}", f"{rate:.0f}/s, {shares}", target if name.startswith("accept") else "")
    return medians


def share(rates: dict[str, list[float]], name: str, of: str) -> float:
    return statistics.median(own / other for own, other in zip(rates[name], rates[of], strict=True))


def half_load(size: str, port: int, rate: float) -> None:
    runs: list[Run] = []
    for _ in range(ROUNDS):
        runs.append(at_a_rate(port, requests(size, int(rate * 3)), rate=rate, clients=16))
    p50, p99 = (statistics.median(run.percentile(percent) for run in runs) for percent in (50, 99))
    say(f"accept {size} at half load ({rate:.0f}/s)", f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms", "")
    say("  p99 / p50", f"{p99 / p50:.1f}x", "at most 5x")


def body_sizes(instance: Instance) -> None:
    stored = inside(instance, "sizes", *KILOBYTES)
    read = inside(instance, "read_back", *KILOBYTES[:-1])
    for size, found in stored.items():
        back = read.get(size)
        reading = f", read {back['row']:.1f} / {back['file']:.1f}" if back else ""
        say(f"store {size} KB in a row / in a file", f"{found['row']:.1f} / {found['file']:.1f} ms{reading}")
    largest = stored[KILOBYTES[-1]]
    say("5 MB in a file against Django's BinaryField", f"{largest['row'] / largest['file']:.1f}x", "at least 3x")


if __name__ == "__main__":
    main()
