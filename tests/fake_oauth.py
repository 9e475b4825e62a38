"""A provider's OAuth server on this machine: gives codes, checks PKCE and redirect URI, rotates and revokes tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET = "client-1", "client-secret-1"


@dataclass
class FakeOAuth:
    """`answers` scripts (status, JSON) for the token endpoint, "drop", or "slow"; then it behaves.

    `tokens` are the access tokens that hold now: the fake mail server accepts these. `forms` are the calls of the
    token endpoint.
    """

    url: str = ""
    person: str = "support@company.example"
    expires_in: int = 3600
    rotates: bool = False
    answers: list[tuple[int, dict[str, Any]] | str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    made: int = 0

    def allow(self, authorization_url: str) -> str:
        """What the provider's page does when its person agrees: the URL that the browser is led back to."""
        query = dict(parse_qsl(urlsplit(authorization_url).query))
        self.made += 1
        code = f"code-{self.made}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def revoke(self) -> None:
        self.refresh_tokens.clear()
        self.tokens.clear()

    def answer_token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)  # a code works once
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
                return 400, {"error": "invalid_grant", "error_description": "Bad code."}
            return 200, self.new_tokens(refresh=True)
        if form["refresh_token"] not in self.refresh_tokens:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        if self.rotates:
            self.refresh_tokens.discard(form["refresh_token"])
        return 200, self.new_tokens(refresh=self.rotates)

    def new_tokens(self, *, refresh: bool) -> dict[str, Any]:
        self.made += 1
        access_token = f"access-{self.made}"
        self.tokens.add(access_token)
        answer: dict[str, Any] = {"access_token": access_token, "token_type": "Bearer", "expires_in": self.expires_in}
        if refresh:
            answer["refresh_token"] = f"refresh-{self.made}"
            self.refresh_tokens.add(answer["refresh_token"])
        claims = base64.urlsafe_b64encode(json.dumps({"email": self.person}).encode()).rstrip(b"=").decode()
        return answer | {"id_token": f"e30.{claims}.signature"}


def _handler(fake: FakeOAuth) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            fake.forms.append(form)
            scripted = fake.answers.pop(0) if fake.answers else None
            if scripted == "drop":
                return
            if scripted == "slow":
                time.sleep(0.5)
            status, answer = scripted if isinstance(scripted, tuple) else fake.answer_token(form)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def fake_oauth() -> Iterator[FakeOAuth]:
    fake = FakeOAuth()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
