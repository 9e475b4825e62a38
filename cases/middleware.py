"""The Content-Security-Policy of every page, which a view that needs a stricter one (mail, attachments) sets itself;
and who asks, behind proxies.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
# django-unfold's pages run Alpine.js, which reads expressions from attributes; still nothing from other hosts.
ADMIN_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
ADMIN_PATH = "/admin/"


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_admin = request.path_info.startswith(ADMIN_PATH)
        response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY if is_admin else POLICY)
        return response


# 192.0.2.7:51000 and [2001:db8::7]:51000: some proxies write the port too.
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")


class ClientAddressMiddleware:
    """Behind proxies every request comes from a proxy: limits on guessing would count all clients as one.

    Each of the E2C_TRUSTED_PROXIES adds the address it was called from at the end of X-Forwarded-For; what stands
    before those is the client's own word and is not read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.E2C_TRUSTED_PROXIES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        if len(forwarded) >= settings.E2C_TRUSTED_PROXIES:
            client = _address(forwarded[-settings.E2C_TRUSTED_PROXIES])
            request.META["REMOTE_ADDR"] = client or request.META.get("REMOTE_ADDR", "")
        return self.get_response(request)


def _address(text: str) -> str:
    """The IP address without a port, in one spelling; "" when it is none."""
    found = _WITH_PORT.fullmatch(text.strip())
    try:
        return str(ipaddress.ip_address((found[1] or found[2]) if found else text.strip()))
    except ValueError:
        return ""
