"""What is answered before Django looks at the name of the site."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

GetResponse = Callable[[HttpRequest], HttpResponse]
PROBES = ("/readyz", "/healthz")


class ProbeMiddleware:
    """Container engines and load balancers ask by address, not by name: ALLOWED_HOSTS would answer them 400."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            return resolve(request.path_info).func(request)
        return self.get_response(request)
