"""Clients that post prepared requests to a server on this machine, with as little work of their own as can be."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.surroundings import AUTHORIZATION, Call


def request_bytes(call: Call) -> bytes:
    head = [
        f"POST {call.path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {AUTHORIZATION}",
        f"Content-Type: {call.content_type}",
        f"Content-Length: {len(call.body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + call.body


class Client:
    """One connection that is kept, and opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def post(self, request: bytes) -> float:
        """Seconds until the answer. Raises AssertionError for any answer but 200."""
        started = time.perf_counter()
        try:
            answer = self._exchange(request)
        except (OSError, EOFError):  # an idle connection was closed
            self.close()
            answer = self._exchange(request)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise AssertionError(answer[:200])
        return time.perf_counter() - started

    def _exchange(self, request: bytes) -> bytes:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:  # no answer here has a body
            piece = self.socket.recv(4096)
            if not piece:
                raise EOFError
            answer += piece
        if b"connection: close" in answer.lower():
            self.close()
        return answer

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


@dataclass(frozen=True, slots=True)
class Run:
    """Answers of one run: seconds of each, and of the whole."""

    times: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, percent: int) -> float:
        return percentile(self.times, percent)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def as_fast_as_possible(port: int, requests: Sequence[bytes], *, clients: int) -> Run:
    """Each client posts its share, one after the other."""
    shares = [requests[first::clients] for first in range(clients)]

    def post_all(share: Sequence[bytes]) -> list[float]:
        client = Client(port)
        try:
            return [client.post(request) for request in share]
        finally:
            client.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = [seconds for share in pool.map(post_all, shares) for seconds in share]
    return Run(times, time.perf_counter() - started)


def at_a_rate(port: int, requests: Sequence[bytes], *, rate: float, clients: int) -> Run:
    """`rate` requests a second, whether or not earlier ones are answered; a late start counts as waiting."""
    begin = time.perf_counter() + 0.1
    lock = threading.Lock()
    numbers = iter(range(len(requests)))
    times: list[float] = []

    def post_next() -> None:
        client = Client(port)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                client.close()
                return
            due = begin + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            client.post(requests[number])
            times.append(time.perf_counter() - due)

    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(post_next) for _ in range(clients)]:
            future.result()
    return Run(times, time.perf_counter() - begin)
