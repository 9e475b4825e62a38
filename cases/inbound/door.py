"""Who may hand mail in by a webhook: the password that every provider is given, the size, the provider's own proof.

Reads the request and writes nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from cases.inbound.accept import RequestFacts
from cases.inbound.provider_views import ProviderPath, view_for
from cases.inbound.stored_request import StoredRequest, rebuilt_request

__all__ = ["Refused", "authentic_request", "brings_mail", "check_basic_auth", "check_sns_topic", "read_body"]

CHUNK = 64 * 1024  # bytes


class Refused(Exception):
    """A call that is turned away; `reason` is counted and shown to admins."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


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


def authentic_request(
    request: HttpRequest,
    path: ProviderPath,
    facts: RequestFacts,
    body: bytes,
    *,
    checked_with: Mapping[str, str] | None = None,
) -> StoredRequest:
    """The request, rebuilt over the bytes that will be stored, once the provider's own proof holds. Raises Refused.

    `checked_with`: a credential in the place of this instance's, for a request that the mail lab made. No webhook
    gives one.
    """
    rebuilt = rebuilt_request(facts, body, environ=request.META, authorization=request.META["HTTP_AUTHORIZATION"])
    if path.provider == "amazon_ses":
        check_sns_topic(body)
    # Fails on a credential that cannot be used: our fault, try again.
    view = view_for(path.provider, path.kind, checked_with)
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


def brings_mail(path: ProviderPath, rebuilt: StoredRequest) -> bool:
    """Mandrill posts mail and tracking to one path. What cannot be told is mail: a person will see it."""
    if path.kind != "combined":
        return path.kind == "inbound"
    events = rebuilt.form.text("mandrill_events") or ""
    # In a JSON text the quotes of a nested text are escaped, so these are keys and values of JSON itself.
    return re.search(r'"event"\s*:\s*"inbound"', events) is not None or not re.search(r'"(?:event|type)"\s*:', events)
