"""A provider's API on loopback, scripted: which answers it gives, and what it was asked.

    with FakeProvider() as provider:
        provider.answer("/emails/receiving/e1", {"raw": {"download_url": provider.url + "/raw"}})
        provider.answer("/raw", b"...", fail_first=[500])

Several answers for one path are given in turn, the last one for ever.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before the answer


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    path: str  # without the query
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class FakeProvider:
    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()  # lets go who waits for a late answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(
        self,
        path: str,
        body: Any = b"",
        *,
        status: int = 200,
        content_type: str = "",
        headers: dict[str, str] | None = None,
        delay: float = 0.0,
        fail_first: list[int] | None = None,
    ) -> None:
        """Script one path. `body` is bytes or what JSON can say; `fail_first` are statuses given before it."""
        is_bytes = isinstance(body, bytes)
        content = body if is_bytes else json.dumps(body).encode()
        kind = content_type or ("application/octet-stream" if is_bytes else "application/json")
        answers = [Answer(status=failure) for failure in fail_first or []]
        answers.append(Answer(status, content, kind, headers or {}, delay))
        with self._lock:
            self._answers.setdefault(path, []).extend(answers)

    def paths_asked(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _next_answer(self, path: str) -> Answer:
        with self._lock:
            answers = self._answers.get(path, [])
            if not answers:
                return Answer(status=404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path, _mark, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.asked.append(Asked(self.command, path, query, headers, body))
                answer = provider._next_answer(path)
                provider._closing.wait(answer.delay)
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.content_type)
                    self.send_header("Content-Length", str(len(answer.body)))
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except ConnectionError:  # the client's timeout was over
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_HEAD = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: `asked` has it all."""

        return Handler
