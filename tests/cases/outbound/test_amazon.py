"""Amazon's SDK repeats calls by itself, unless it is told not to; a mail is handed over once."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cases.models import Outbox
from cases.outbound.delivery import deliver_due


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "state"), [(500, "uncertain"), (503, "queued"), (400, "failed")])
def test_amazon_is_called_once_whatever_it_answers(
    settings: Any, monkeypatch: pytest.MonkeyPatch, status: int, state: str
) -> None:
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            calls.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "eu-west-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    settings.E2C_EMAIL_URL = "anymail+ses:"
    outbox = Outbox.objects.create(
        key="k",
        kind="notice",
        recipient="casey@example.net",
        text_body="Hello",
        message_identifier="m@company.example",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.E2C_ESP_API_URL = f"http://127.0.0.1:{server.server_address[1]}"

    deliver_due()
    server.shutdown()
    server.server_close()

    outbox.refresh_from_db()
    assert len(calls) == 1
    assert outbox.state == state


@pytest.mark.django_db
def test_amazon_without_a_region_keeps_the_mail(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    settings.E2C_EMAIL_URL = "anymail+ses:"
    outbox = Outbox.objects.create(
        key="k", kind="notice", recipient="casey@example.net", message_identifier="m@company.example"
    )

    deliver_due()

    outbox.refresh_from_db()
    assert outbox.state == "queued"
    assert "region" in outbox.detail
