"""The webhook paths, one for each of Anymail's: check that the provider calls, store the request, answer.

Nothing of a mail is parsed here. The answers are those of docs/inbound.md: a 2xx means that the bytes are committed,
and everything else makes the provider try again or shows in the admin (refused calls).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.common import no_append_slash
from django.views.decorators.csrf import csrf_exempt

from cases.inbound import wake
from cases.inbound.accept import RequestFacts, TokenKnown, store_inbound_request, store_tracking_request
from cases.inbound.door import Refused, authentic_request, brings_mail, check_basic_auth, read_body
from cases.inbound.provider_views import ProviderPath, provider_paths
from cases.inbound.refused_calls import count_refused_call
from cases.inbound.signed_tokens import StaleToken, TokenReused, check_known, signed_content
from cases.inbound.stored_request import StoredRequest

__all__ = ["webhook_urlpatterns"]

logger = logging.getLogger(__name__)

METHODS = ("POST", "HEAD", "OPTIONS")
# Brevo throws a mail away on 5xx and tries again on 429 alone.
TRY_AGAIN_LATER = {"brevo": 429}


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


def store(path: ProviderPath, rebuilt: StoredRequest, facts: RequestFacts, body: bytes) -> None:
    store_request = store_inbound_request if brings_mail(path, rebuilt) else store_tracking_request
    if path.provider == "mailgun":
        signed = signed_content(rebuilt)
        if signed.is_young(timezone.now()):
            # One commit for the token and the mail: each costs as much as all else together.
            with suppress(TokenKnown):
                store_request(provider="mailgun", facts=facts, body=body, token=signed.as_row("mailgun"))
                return
        try:
            check_known("mailgun", signed)
        except StaleToken:
            raise Refused(400, "signature_old") from None
        except TokenReused:
            raise Refused(400, "signature_reused") from None
    store_request(provider=path.provider, facts=facts, body=body)


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
    URLPattern(path.pattern, webhook_view(path), name=path.pattern.name) for path in provider_paths()
]
