"""Anymail's webhook views as this project uses them: validators at the door, parsers in the worker.

The seam: Anymail's modules look up `AnymailInboundMessage` and `requests` by name when they run, so both names are
replaced here, once, by ones that parse nothing and wait for nobody. Tests check that every inbound module uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from anymail import urls as anymail_urls
from anymail.webhooks.amazon_ses import AmazonSESInboundWebhookView, AmazonSESTrackingWebhookView
from anymail.webhooks.brevo import BrevoInboundWebhookView, BrevoTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from django.conf import settings
from django.urls import URLPattern

from cases.inbound.captured_message import CapturedMessage
from cases.inbound.fetching import Fetches, boto_client_params, bounded_chunks, fetch
from cases.inbound.reader.charsets import one_line

__all__ = ["FETCHING", "INBOUND_MODULES", "NotAMail", "ProviderPath", "provider_paths", "view_for"]

ALIASES = {"sendinblue": "brevo"}  # Anymail keeps the path of Brevo's former name
INBOUND_MODULES = (
    "amazon_ses", "brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill", "postal", "postmark", "resend",
    "sendgrid", "sparkpost",
)  # fmt: skip
FETCHING = ("brevo", "mailtrap", "resend")


class NotAMail(RuntimeError):
    """An authentic request that brings no mail: a confirmation, a test, an event of another kind."""


def webhook_module(provider: str) -> ModuleType:
    return import_module(f"anymail.webhooks.{provider}")


def use_captured_messages() -> None:
    for provider in INBOUND_MODULES:
        webhook_module(provider).AnymailInboundMessage = CapturedMessage  # type: ignore[attr-defined]
    for provider in FETCHING:
        webhook_module(provider).requests = Fetches  # type: ignore[attr-defined]


use_captured_messages()


class _SnsConfirmation:
    """Confirms subscriptions of our own topics as Amazon asks for it, by its link, which needs no AWS credentials."""

    def auto_confirm_sns_subscription(self, sns_message: dict[str, Any]) -> None:
        topic = str(sns_message.get("TopicArn"))[:200]
        if topic not in settings.E2C_SNS_TOPICS:
            raise NotAMail(f"a subscription of {topic}, which is not one of E2C_SNS_TOPICS; it was not confirmed")
        fetch(confirmation_url(str(sns_message.get("SubscribeURL")))).raise_for_status()
        raise NotAMail(f"the subscription of {topic} was confirmed")


def confirmation_url(url: str) -> str:
    """The link of an SNS confirmation, or its like on E2C_INBOUND_API_URL. Raises NotAMail when it is not Amazon's."""
    parts = urlsplit(url)
    if settings.E2C_INBOUND_API_URL:
        other = urlsplit(settings.E2C_INBOUND_API_URL)
        return urlunsplit((other.scheme, other.netloc, parts.path, parts.query, ""))
    host = (parts.hostname or "").lower()
    is_amazon = host.startswith("sns.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    if parts.scheme != "https" or not is_amazon:
        raise NotAMail("a subscription whose link does not lead to Amazon; it was not confirmed")
    return url


class SesInbound(_SnsConfirmation, AmazonSESInboundWebhookView):
    def fetch_s3_chunks(self, bucket_name: str, object_key: str) -> Iterator[bytes]:
        return bounded_chunks(super().fetch_s3_chunks(bucket_name, object_key))


class SesTracking(_SnsConfirmation, AmazonSESTrackingWebhookView):
    pass


class PostmarkInbound(PostmarkInboundWebhookView):
    @classmethod
    def _address(cls, full: Any) -> str:
        """Anymail refuses names and addresses that mail programs send; the reader judges them later."""
        if not isinstance(full, dict):
            return ""
        name, address = (one_line(str(full.get(key) or "")) for key in ("Name", "Email"))
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>' if name else address


# Our variants of Anymail's views; the others are used as they are.
VIEW_CLASSES: dict[tuple[str, str], type] = {
    ("amazon_ses", "inbound"): SesInbound,
    ("amazon_ses", "tracking"): SesTracking,
    ("brevo", "inbound"): BrevoInboundWebhookView,
    ("brevo", "tracking"): BrevoTrackingWebhookView,
    ("mandrill", "inbound"): MandrillCombinedWebhookView,
    ("mandrill", "tracking"): MandrillCombinedWebhookView,
    ("postmark", "inbound"): PostmarkInbound,
}


@dataclass(frozen=True, slots=True)
class ProviderPath:
    """One of Anymail's webhook URLs."""

    provider: str
    kind: str  # "inbound", "tracking", or "combined" (Mandrill: one path for both)
    pattern: URLPattern

    @property
    def brings_mail(self) -> bool:
        return self.kind != "tracking"


def provider_paths() -> list[ProviderPath]:
    """Every path of anymail.urls, in its order."""
    return [_provider_path(pattern) for pattern in anymail_urls.urlpatterns]


def _provider_path(pattern: URLPattern) -> ProviderPath:
    name = (pattern.name or "").removesuffix("_webhook")
    provider, _underscore, kind = name.rpartition("_")
    if kind not in ("inbound", "tracking"):
        provider, kind = name, "combined"
    if provider == "mandrill":
        kind = "combined"
    provider = ALIASES.get(provider, provider)
    if kind != "combined":
        VIEW_CLASSES.setdefault((provider, kind), pattern.callback.view_class)  # type: ignore[attr-defined]
    return ProviderPath(provider, kind, pattern)


provider_paths()  # fills VIEW_CLASSES


def view_for(provider: str, kind: str, credentials: Mapping[str, str] | None = None) -> Any:
    """A fresh instance of a provider's view. Raises AnymailConfigurationError when its credential is missing.

    `credentials`: in the place of this instance's, for a request that was made here.
    """
    view_class = VIEW_CLASSES[provider, "inbound" if kind == "combined" else kind]
    options: dict[str, Any] = {"webhook_secret": settings.E2C_WEBHOOK_SECRET}
    if provider == "amazon_ses":
        options["client_params"] = boto_client_params()
    elif provider in FETCHING and kind == "inbound" and settings.E2C_INBOUND_API_URL:
        options["api_url"] = settings.E2C_INBOUND_API_URL
    return view_class(**options, **(credentials or {}))
