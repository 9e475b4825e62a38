"""A provider's HTTP API on this machine, in Postmark's words: answers as told, keeps a ledger."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeEsp:
    """`answers` scripts (status, headers, JSON) or "hang" (takes the mail, is silent) or "drop"."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], dict[str, Any]] | str] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)

    def take(self, mail: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.ledger.append(mail)
        answer = {"To": mail["To"], "SubmittedAt": "2030-01-01T00:00:00Z", "MessageID": f"esp-{len(self.ledger)}"}
        return 200, {}, answer | {"ErrorCode": 0, "Message": "OK"}


def _handler(fake: FakeEsp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            mail = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.calls += 1
            answer = fake.answers.pop(0) if fake.answers else fake.take(mail)
            if isinstance(answer, str):
                fake.take(mail)
                if answer == "hang":
                    fake.let_go.wait(30)
                return
            status, headers, body = answer
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def fake_esp() -> Iterator[FakeEsp]:
    fake = FakeEsp()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.let_go.set()
        server.shutdown()
        server.server_close()
