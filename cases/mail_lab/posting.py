"""Hand a mail in for real: the provider's request to the real webhook, or the mail as the SMTP listener stores it."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.urls import resolve
from django.utils import timezone

from cases.inbound import wake
from cases.inbound.accept import store_inbound_request, store_raw_mail
from cases.inbound.provider_views import ProviderPath, provider_paths
from cases.mail_lab.foretelling import judge
from cases.mail_lab.shapes import SMTP, Envelope, ProviderRequest, Shape, request_for
from cases.models import InboundEmail
from routing import audit
from routing.models import AuditEvent

__all__ = ["MOST_AN_HOUR", "NotTaken", "TooMany", "call_of", "path_of", "post_for_real"]

MOST_AN_HOUR = 60  # mails that one person hands in through the lab
ACTION = "mail-lab-posted"


class NotTaken(RuntimeError):
    """The webhook did not take the request; the sentence says what it answered."""


class TooMany(RuntimeError):
    """More than MOST_AN_HOUR."""


def path_of(request: ProviderRequest) -> ProviderPath:
    """The webhook that this request is for."""
    name = resolve(request.path).url_name
    return next(path for path in provider_paths() if path.pattern.name == name)


def call_of(request: ProviderRequest, *, site: str) -> WSGIRequest:
    """As it arrives at a webhook of `site` (scheme and host)."""
    parts = urlsplit(site)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_TYPE": request.content_type,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": parts.scheme or "http",
        "wsgi.input": io.BytesIO(request.body),
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return WSGIRequest(environ)


def post_for_real(shape: Shape, raw: bytes, envelope: Envelope, *, site: str, by: User, what: str) -> InboundEmail:
    """The stored row, which a worker settles. Raises CannotShape, NotTaken and TooMany.

    `what`: which mail this was, for the audit log.
    """
    hour = timezone.now() - timedelta(hours=1)
    if AuditEvent.objects.filter(action=ACTION, actor=by, at__gte=hour).count() >= MOST_AN_HOUR:
        raise TooMany(f"Not more than {MOST_AN_HOUR} mails an hour.")
    inbound = _by_smtp(raw, envelope) if shape.make is None else _by_webhook(shape, raw, envelope, site)
    audit.record(
        ACTION, f"inbound mail {inbound.pk}", by=by, mail=what, shape=shape.name, recipient=envelope.recipient
    )
    return inbound


def _by_smtp(raw: bytes, envelope: Envelope) -> InboundEmail:
    inbound = store_raw_mail(
        provider=SMTP,
        raw=raw,
        envelope_sender=envelope.sender or "<>",
        envelope_recipients=[envelope.recipient],
    )
    wake.ring()
    return inbound


def _by_webhook(shape: Shape, raw: bytes, envelope: Envelope, site: str) -> InboundEmail:
    request = request_for(shape, raw, envelope, site=site)
    if request.checked_with:
        return _past_the_webhook(request, site)
    known = InboundEmail.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    view, groups, named = resolve(request.path)
    answer = view(call_of(request, site=site), *groups, **named)
    if answer.status_code != 200:
        raise NotTaken(f"The webhook answered {answer.status_code}; it is counted under Refused calls.")
    digest = hashlib.sha256(request.body).hexdigest()
    return InboundEmail.objects.filter(pk__gt=known, raw__sha256=digest).order_by("pk")[0]


def _past_the_webhook(request: ProviderRequest, site: str) -> InboundEmail:
    """A request that only the lab can check: the webhook, which knows the provider's key alone, would turn it away."""
    verdict, facts, body = judge(call_of(request, site=site), path_of(request), checked_with=request.checked_with)
    if not verdict.is_welcome:
        raise NotTaken(f"The webhook would answer {verdict.status}: {verdict.reason}.")
    inbound = store_inbound_request(provider=request.provider, facts=facts, body=body)
    wake.ring()
    return inbound
