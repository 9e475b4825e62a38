"""Content that a provider hands out by API instead of posting it: fetched by the worker, within a time and a size.

Anymail's views fetch with `requests.get` and boto3, which wait for ever. `provider_views` gives them what is here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests
from django.conf import settings

from cases.inbound.enclosed import Content

__all__ = [
    "FetchFailed",
    "FetchedResponse",
    "Fetches",
    "NotAMail",
    "TooMuchContent",
    "answered_from",
    "boto_client_params",
    "bounded_chunks",
    "fetch",
    "fetch_budget",
]

CHUNK = 64 * 1024  # bytes
CONNECT_TIMEOUT = 5  # seconds
MOST_REDIRECTS = 3

_deadline: ContextVar[float | None] = ContextVar("fetch_deadline", default=None)
_enclosed: ContextVar[Mapping[str, Content] | None] = ContextVar("enclosed_contents", default=None)


class FetchFailed(RuntimeError):
    """The provider did not give the content now; it may later. The sentence is for admins."""


class NotAMail(RuntimeError):
    """An authentic request that brings no mail: a confirmation, a test, an event of another kind."""


class TooMuchContent(RuntimeError):
    """The content is larger than any mail we take."""


@contextmanager
def fetch_budget() -> Iterator[None]:
    """All fetches inside share E2C_FETCH_TIMEOUT seconds, so that a row's lease outlives them."""
    token = _deadline.set(time.monotonic() + settings.E2C_FETCH_TIMEOUT)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def answered_from(contents: Mapping[str, Content] | None) -> Iterator[None]:
    """All fetches inside are answered from what the request encloses, and nobody is asked. None: the provider is."""
    token = _enclosed.set(contents)
    try:
        yield
    finally:
        _enclosed.reset(token)


def seconds_left() -> float:
    """Raises FetchFailed when there are none."""
    deadline = _deadline.get()
    left = settings.E2C_FETCH_TIMEOUT if deadline is None else deadline - time.monotonic()
    if left <= 0:
        raise FetchFailed(f"the content did not arrive within {settings.E2C_FETCH_TIMEOUT} seconds")
    return left


class FetchedResponse:
    """A whole response with what Anymail's views use of `requests.Response`."""

    def __init__(self, *, status_code: int, headers: Mapping[str, str], content: bytes, host: str) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self._host = host

    def raise_for_status(self) -> None:
        if not 200 <= self.status_code < 300:
            raise FetchFailed(f"{self._host} answered {self.status_code} to the request for the mail's content")

    def json(self) -> Any:
        return requests.compat.json.loads(self.content)

    def iter_content(self, chunk_size: int = CHUNK) -> Iterator[bytes]:
        for start in range(0, len(self.content), chunk_size):
            yield self.content[start : start + chunk_size]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return None


def fetch(url: str, headers: Mapping[str, str] | None = None, stream: bool = False) -> FetchedResponse:
    """GET as `requests.get` does it. Raises FetchFailed when no answer comes in time, TooMuchContent for a huge one.

    `stream` is accepted for Anymail's sake; the content is always read here, up to E2C_MAX_BODY bytes.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    contents = _enclosed.get()
    if contents is not None:
        return _enclosed_response(contents, parts.path, host)
    if parts.scheme != "https" and not settings.E2C_INBOUND_API_URL:
        raise FetchFailed(f"the content would come from {host} without encryption")
    left = seconds_left()
    session = requests.Session()
    session.max_redirects = MOST_REDIRECTS
    try:
        with session.get(
            url, headers=dict(headers or {}), stream=True, timeout=(min(CONNECT_TIMEOUT, left), left)
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(CHUNK):
                content += chunk
                if len(content) > settings.E2C_MAX_BODY:
                    raise TooMuchContent(f"{host} holds more than {settings.E2C_MAX_BODY} bytes of this mail")
                seconds_left()
            return FetchedResponse(
                status_code=response.status_code, headers=response.headers, content=bytes(content), host=host
            )
    except requests.RequestException as error:
        raise FetchFailed(f"{host} did not give the mail's content ({type(error).__name__})") from error
    finally:
        session.close()


def _enclosed_response(contents: Mapping[str, Content], path: str, host: str) -> FetchedResponse:
    found = contents.get(unquote(path.rpartition("/")[2]))
    if found is None:
        return FetchedResponse(status_code=404, headers={}, content=b"", host=host)
    return FetchedResponse(
        status_code=200, headers={"Content-Type": found.content_type}, content=found.content, host=host
    )


class Fetches:
    """Stands in for the module `requests` in anymail.webhooks."""

    get = staticmethod(fetch)


def boto_client_params() -> dict[str, Any]:
    """For boto3 clients: timeouts, one quick second try, and another endpoint when E2C_INBOUND_API_URL is set."""
    configured = dict(settings.ANYMAIL.get("AMAZON_SES_CLIENT_PARAMS", {}))
    limits: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": settings.E2C_FETCH_TIMEOUT,
        "retries": {"total_max_attempts": 1},
    }
    if settings.E2C_INBOUND_API_URL:
        configured["endpoint_url"] = settings.E2C_INBOUND_API_URL
        limits["s3"] = {"addressing_style": "path"}
    known = configured.get("config")
    configured["config"] = limits | (known if isinstance(known, dict) else {})
    return configured


def bounded_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks as they come, until they are too many or the time is over."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > settings.E2C_MAX_BODY:
            raise TooMuchContent(f"the mail holds more than {settings.E2C_MAX_BODY} bytes")
        seconds_left()
        yield chunk
