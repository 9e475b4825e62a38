"""Anymail's webhook views as this project uses them: validators at the door, parsers in the worker.

The seam: Anymail's modules look up `AnymailInboundMessage` and `requests` by name when they run, so both names are
replaced here, when a module is imported, by ones that parse nothing and wait for nobody. Tests check that every
inbound module uses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, cast

from django.conf import settings
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.module_loading import import_string

from cases.inbound.captured_message import CapturedMessage
from cases.inbound.fetching import Fetches, boto_client_params

__all__ = ["FETCHING", "INBOUND_MODULES", "ProviderPath", "load_provider_modules", "provider_paths", "view_for"]

# The providers whose mail we read, and the first word of their Anymail classes.
INBOUND_CLASSES = {
    "amazon_ses": "AmazonSES", "brevo": "Brevo", "mailersend": "MailerSend", "mailgun": "Mailgun",
    "mailjet": "Mailjet", "mailtrap": "Mailtrap", "mandrill": "Mandrill", "postal": "Postal", "postmark": "Postmark",
    "resend": "Resend", "sendgrid": "SendGrid", "sparkpost": "SparkPost",
}  # fmt: skip
INBOUND_MODULES = tuple(INBOUND_CLASSES)
CLASSES = {**INBOUND_CLASSES, "unisender_go": "UnisenderGo"}
FETCHING = ("brevo", "mailtrap", "resend")
# Our variants of Anymail's views; the others are used as they are.
VARIANTS = {
    ("amazon_ses", "inbound"): "cases.inbound.amazon_ses_views.SesInbound",
    ("amazon_ses", "tracking"): "cases.inbound.amazon_ses_views.SesTracking",
    ("postmark", "inbound"): "cases.inbound.postmark_view.PostmarkInbound",
}


@cache
def webhook_module(provider: str) -> ModuleType:
    """Imported for a provider's first request: Resend's brings 19 MB of other packages, Amazon's 6."""
    module: Any = import_module(f"anymail.webhooks.{provider}")
    if provider in INBOUND_CLASSES:
        module.AnymailInboundMessage = CapturedMessage
    if provider in FETCHING:
        module.requests = Fetches
    return module


def load_provider_modules(providers: Iterable[str]) -> None:
    """For a process whose first request must not wait for an import."""
    for provider in providers:
        webhook_module(provider)


@cache
def view_class(provider: str, kind: str) -> type:
    module = webhook_module(provider)
    if (provider, kind) in VARIANTS:
        return cast(type, import_string(VARIANTS[provider, kind]))
    kind = "combined" if provider == "mandrill" else kind
    return cast(type, getattr(module, f"{CLASSES[provider]}{kind.title()}WebhookView"))


@dataclass(frozen=True, slots=True)
class ProviderPath:
    """One of Anymail's webhook URLs."""

    provider: str
    kind: str  # "inbound", "tracking", or "combined" (Mandrill: one path for both)
    pattern: RoutePattern | RegexPattern

    @property
    def brings_mail(self) -> bool:
        return self.kind != "tracking"


def _pattern(name: str, route: str) -> RoutePattern:
    return RoutePattern(route, name=name, is_endpoint=True)


def _paths(provider: str, *, word: str = "") -> tuple[ProviderPath, ProviderPath]:
    """The two of a provider without peculiarities. `word`: under another name."""
    word = word or provider
    inbound, tracking = (
        ProviderPath(provider, kind, _pattern(f"{word}_{kind}_webhook", f"{word}/{kind}/"))
        for kind in ("inbound", "tracking")
    )
    return inbound, tracking


@cache
def provider_paths() -> tuple[ProviderPath, ...]:
    """Every path of anymail.urls, which would import the module of every provider. A test compares them."""
    peculiar = {"mailgun", "mandrill"}
    plain = [path for provider in INBOUND_MODULES if provider not in peculiar for path in _paths(provider)]
    # Mailgun posts mail as it is to a path with "mime" in it.
    mime = RegexPattern(r"^mailgun/inbound(_mime)?/$", name="mailgun_inbound_webhook", is_endpoint=True)
    return (
        *plain,
        *_paths("brevo", word="sendinblue"),  # Brevo's former name
        ProviderPath("mailgun", "inbound", mime),
        _paths("mailgun")[1],
        _paths("unisender_go")[1],
        ProviderPath("mandrill", "combined", _pattern("mandrill_webhook", "mandrill/")),
        ProviderPath("mandrill", "combined", _pattern("mandrill_tracking_webhook", "mandrill/tracking/")),
    )


def view_for(provider: str, kind: str, credentials: Mapping[str, str] | None = None) -> Any:
    """A fresh instance of a provider's view. Raises AnymailConfigurationError when its credential is missing.

    `credentials`: in the place of this instance's, for a request that was made here.
    """
    options: dict[str, Any] = {"webhook_secret": settings.E2C_WEBHOOK_SECRET}
    if provider == "amazon_ses":
        options["client_params"] = boto_client_params()
    elif provider in FETCHING and kind == "inbound" and settings.E2C_INBOUND_API_URL:
        options["api_url"] = settings.E2C_INBOUND_API_URL
    return view_class(provider, kind)(**options, **(credentials or {}))
