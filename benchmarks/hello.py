"""The least a web application can answer to a POST: what accepting a mail is compared with. Two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI alone: reads the body, answers 200 with nothing."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def hello(request: HttpRequest, _rest: str) -> HttpResponse:
    """A Django view without any middleware; reads the body, answers 200 with nothing."""
    return HttpResponse(headers={"Content-Length": "0", "X-Length": str(len(request.body))})


urlpatterns = [path("anymail/<path:_rest>", hello)]


def django_application() -> Callable[..., Any]:
    settings.configure(ROOT_URLCONF="benchmarks.hello", ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="-")
    django.setup()
    return get_wsgi_application()
