"""A real browser, a running server, and a host next door that must never hear of a mail being read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cases.models import Case
from cases.setup import set_up_instance
from routing.models import RoutingAddress
from tests.browser import accessibility
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.conftest import CHROMIUM
from tests.fake_smtp import FakeSmtpServer, fake_smtp_server

# Playwright's sync API runs an event loop in this thread; Django would refuse its database calls there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# Without a display or sound; the sandbox of the browser itself does not work for root.
ARGUMENTS = ["--no-sandbox", "--mute-audio"]
# A page that comes late on a busy machine is not a fault of the page.
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Sink:
    """A server on loopback that notes what is asked of it."""

    def __init__(self) -> None:
        seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.seen = seen
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    thread = threading.Thread(target=sink.server.serve_forever, daemon=True)
    thread.start()
    yield sink
    sink.server.shutdown()
    sink.server.server_close()
    thread.join()


class Watched:
    """A page and everything it did that a mail must not make it do."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.dialogs: list[str] = []
        self.foreign: list[str] = []
        self.policy_errors: list[str] = []
        page.on("dialog", self._note_dialog)
        page.on("request", self._note_request)
        page.context.on("page", lambda popup: self.foreign.append(f"popup {popup.url}"))
        page.on("console", lambda line: "Content Security" in line.text and self.policy_errors.append(line.text))

    def _note_dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _note_request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.foreign.append(request.url)

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    @property
    def was_taken_over(self) -> bool:
        """Whether any script of a mail ran, in the page or in one of its frames."""
        return any(frame.evaluate("Boolean(window.pwned)") for frame in self.page.frames)


def wait_for_server() -> None:
    """Until it has answered what the pages asked last: a look of the console at its counts must not meet the emptying
    of the database after the test.
    """
    until = time.monotonic() + 30
    while time.monotonic() < until and any("process_request" in thread.name for thread in threading.enumerate()):
        time.sleep(0.02)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()
    wait_for_server()


def open_as(context: BrowserContext, user: Any, origin: str) -> Watched:
    client = Client()
    client.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[1])
    assert client.session[BACKEND_SESSION_KEY]
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": origin}])
    return Watched(context.new_page(), origin)


@pytest.fixture
def log_in(context: BrowserContext, live_server: Any) -> Any:
    """Call with a user: the pages of this context are theirs."""
    return lambda user: open_as(context, user, live_server.url)


@pytest.fixture
def log_in_elsewhere(browser: Browser, live_server: Any, context: BrowserContext) -> Iterator[Any]:
    """Call with a user who sits at another computer: a context of their own for each call. They leave first; the
    context here waits for the server.
    """
    contexts = []

    def log_in(user: Any) -> Watched:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        return open_as(contexts[-1], user, live_server.url)

    yield log_in
    for other in contexts:
        other.close()


@pytest.fixture
def smtp(settings: Any) -> Iterator[FakeSmtpServer]:
    with fake_smtp_server() as fake:
        settings.E2C_EMAIL_URL = f"smtp://{fake.host}:{fake.port}"
        yield fake


@pytest.fixture
def assert_accessible() -> Any:
    """Call with an open page: no rule of WCAG 2 A or AA is broken, in light and in dark."""
    return accessibility.assert_accessible


@pytest.fixture(autouse=True)
def _time_for_undo(settings: Any) -> None:
    """On a busy machine a page may come when the usual ten seconds are over. Less than deliver_all() waits."""
    settings.E2C_UNDO_SECONDS = 50


# Who sits there, where nothing else is said: a rep, an address that may send, and a case with one mail.
@pytest.fixture
def ana(transactional_db: Any) -> User:
    set_up_instance()
    return rep("ana")


@pytest.fixture
def gold(ana: User) -> RoutingAddress:
    return verified_address("gold@company.example", routing_name="Gold", display_name="Gold Support")


@pytest.fixture
def case(ana: User, gold: RoutingAddress) -> Case:
    return case_with_mail(ana, address=gold)
