"""The webhook paths, one for each of Anymail's: check that the provider calls, store the request, answer.

Nothing of a mail is parsed here. The answers are those of docs/inbound.md: a 2xx means that the bytes are committed,
and everything else makes the provider try again or shows in the admin (refused calls).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt

from cases.inbound import wake
from cases.inbound.accept import RequestFacts, nothing_to_check, store_inbound_request, store_tracking_request
from cases.inbound.provider_views import ProviderPath, provider_paths, view_for
from cases.inbound.refused_calls import count_refused_call
from cases.inbound.signed_tokens import StaleToken, TokenReused, remember_token, signed_content
from cases.inbound.stored_request import StoredRequest, rebuilt_request

__all__ = ["webhook_urlpatterns"]

logger = logging.getLogger(__name__)

CHUNK = 64 * 1024  # bytes
METHODS = ("POST", "HEAD", "OPTIONS")
# Brevo throws a mail away on 5xx and tries again on 429 alone.
TRY_AGAIN_LATER = {"brevo": 429}


class Refused(Exception):
    """A call that is turned away; `reason` is counted and shown to admins."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def accept_webhook(request: HttpRequest, path: ProviderPath) -> HttpResponse:
    """Answer one call. No exception leaves this view: a provider takes an unexpected answer for a permanent one."""
    if path.provider not in settings.E2C_PROVIDERS:
        return HttpResponseNotFound()
    if request.method == "HEAD":  # some providers try the address with it
        return HttpResponse()
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": ", ".join(METHODS)})
    if request.method != "POST":
        return HttpResponseNotAllowed(METHODS)
    try:
        check_basic_auth(request)
        body = read_body(request, limit=settings.E2C_MAX_BODY)
        facts = RequestFacts.of(request)
        store(path, authentic_request(request, path, facts, body), facts, body)
    except Refused as refused:
        return refusal(request, path, refused)
    except Exception as error:  # noqa: BLE001 - whatever hinders storing: the provider keeps the mail and tries again
        logger.error("%s: not stored, the provider will try again: %s", path.provider, type(error).__name__)
        status = TRY_AGAIN_LATER.get(path.provider, 503)
        if isinstance(error, DatabaseError):  # it would keep the provider waiting once more to count this
            return HttpResponse(status=status)
        return refusal(request, path, Refused(status, "not_stored"))
    wake.ring()
    return HttpResponse()


def check_basic_auth(request: HttpRequest) -> None:
    """The password that every provider is given, whatever else it signs (E2C_WEBHOOK_SECRET)."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header:
        raise Refused(401, "password_missing")
    scheme, _space, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded.strip().encode("latin-1", "replace"))
    except binascii.Error:
        given = b""
    secret = settings.E2C_WEBHOOK_SECRET.encode()
    if not secret or scheme.lower() != "basic" or not hmac.compare_digest(given, secret):
        raise Refused(401, "password_wrong")


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """The whole body, in chunks. Refuses one that is over the limit, at once when it says so, and one that is cut."""
    declared = request.META.get("CONTENT_LENGTH")
    if declared:
        if not (declared.isascii() and declared.isdigit()):
            raise Refused(400, "length_unreadable")
        expected = int(declared)
        if expected > limit:
            raise Refused(413, "too_large")
        body = read_up_to(request, expected)
        if len(body) < expected:
            raise Refused(400, "body_cut")
        return body
    # Without a length (chunked transfer) only an input that the server ends itself can be read without waiting.
    if not request.META.get("wsgi.input_terminated"):
        return b""
    body = read_up_to(request, limit + 1)
    if len(body) > limit:
        raise Refused(413, "too_large")
    return body


def read_up_to(request: HttpRequest, length: int) -> bytes:
    stream = request.META["wsgi.input"]
    body = bytearray()
    try:
        while len(body) < length and (chunk := stream.read(min(CHUNK, length - len(body)))):
            body += chunk
    except OSError as error:  # the connection broke
        raise Refused(400, "body_cut") from error
    return bytes(body)


def authentic_request(request: HttpRequest, path: ProviderPath, facts: RequestFacts, body: bytes) -> StoredRequest:
    """The request, rebuilt over the bytes that will be stored, once the provider's own proof holds. Raises Refused."""
    rebuilt = rebuilt_request(facts, body, environ=request.META, authorization=request.META["HTTP_AUTHORIZATION"])
    if path.provider == "amazon_ses":
        check_sns_topic(body)
    view = view_for(path.provider, path.kind)  # fails on a credential that cannot be used: our fault, try again
    try:
        view.run_validators(rebuilt)
    except AnymailWebhookValidationFailure as failure:
        raise Refused(400, "signature_wrong") from failure
    except (AnymailConfigurationError, ImproperlyConfigured):
        raise
    except Exception as error:
        if path.provider != "amazon_ses":
            # The validators of signatures trip over what no provider sends.
            raise Refused(400, "signature_unreadable") from error
        # Amazon's only compares headers with the body: the password is right, so an unreadable body is kept.
    return rebuilt


def check_sns_topic(body: bytes) -> None:
    """Anybody can make a topic that posts here; only ours may. A body that is no JSON is stored, and does nothing."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(message, dict) or message.get("TopicArn") not in settings.E2C_SNS_TOPICS:
        raise Refused(400, "topic_not_allowed")


def store(path: ProviderPath, rebuilt: StoredRequest, facts: RequestFacts, body: bytes) -> None:
    check = nothing_to_check
    if path.provider == "mailgun":
        # One commit for the token and the mail: each costs as much as all else together.
        check = partial(remember_token, "mailgun", signed_content(rebuilt), now=timezone.now())
    store_request = store_inbound_request if brings_mail(path, rebuilt) else store_tracking_request
    try:
        store_request(provider=path.provider, facts=facts, body=body, check=check)
    except StaleToken:
        raise Refused(400, "signature_old") from None
    except TokenReused:
        raise Refused(400, "signature_reused") from None


def brings_mail(path: ProviderPath, rebuilt: StoredRequest) -> bool:
    """Mandrill posts mail and tracking to one path. What cannot be told is mail: a person will see it."""
    if path.kind != "combined":
        return path.kind == "inbound"
    events = rebuilt.form.text("mandrill_events") or ""
    # In a JSON text the quotes of a nested text are escaped, so these are keys and values of JSON itself.
    return re.search(r'"event"\s*:\s*"inbound"', events) is not None or not re.search(r'"(?:event|type)"\s*:', events)


def refusal(request: HttpRequest, path: ProviderPath, refused: Refused) -> HttpResponse:
    count_refused_call(path.provider, refused.reason, remote_address=str(request.META.get("REMOTE_ADDR", "")))
    response = HttpResponse(status=refused.status)
    if refused.status == 401:
        # Amazon SNS sends its password only after it was asked for.
        response["WWW-Authenticate"] = 'Basic realm="webhook"'
    return response


def webhook_view(path: ProviderPath) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, *_groups: Any, **_named: Any) -> HttpResponse:
        return accept_webhook(request, path)

    view.__name__ = f"{path.provider}_{path.kind}"
    # A redirect to the path with a slash would lose the body of a POST.
    return no_append_slash(csrf_exempt(view))


# Anymail's paths and names: path("anymail/", include((webhook_urlpatterns, "anymail")))
webhook_urlpatterns = [
    URLPattern(path.pattern.pattern, webhook_view(path), name=path.pattern.name) for path in provider_paths()
]
