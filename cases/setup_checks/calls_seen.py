"""Whether the providers call, and what to give them: their paths, their credentials, the last request of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.inbound.provider_views import provider_paths
from cases.models import InboundEmail, RefusedCall
from cases.setup_checks import surroundings
from cases.setup_checks.address_proof import said_at
from cases.setup_checks.proof_lines import OK, TODO, WRONG, ProofLine

__all__ = ["ProviderUrl", "provider_urls", "webhook_lines"]

LOOKED_AT = 200  # of the newest mails, for the last one of a provider
REFUSED_SINCE = timedelta(hours=24)
BY_HAND = "ingest"  # mail that a command reads: it proves nothing about a provider
WEBHOOK_NAMES = {"webhook_secret": "E2C_WEBHOOK_SECRET", "provider_credentials": "E2C_PROVIDERS"}


# What else to choose there: what was not posted cannot be shown (docs/providers.md).
NOTES = {
    "mailgun": gettext_lazy("Store and forward to this URL, which ends in “mime”: the whole mail is posted."),
    "postmark": gettext_lazy("Tick “Include raw email content in JSON payload”."),
    "sendgrid": gettext_lazy("Tick “POST the raw, full MIME message”."),
}


@dataclass(frozen=True, slots=True)
class ProviderUrl:
    """What to paste at one provider. User and password stand for themselves: no page shows the secret."""

    name: str
    title: str
    url: str
    note: str | Promise


def provider_urls() -> list[ProviderUrl]:
    """Of the providers that answer here."""
    scheme, mark, place = settings.E2C_PUBLIC_URL.partition("://")
    found: dict[str, ProviderUrl] = {}
    for path in provider_paths():
        route = str(path.pattern).strip("^$").replace("(_mime)?", "_mime")
        if not path.brings_mail or path.provider not in settings.E2C_PROVIDERS or path.provider in found:
            continue
        if not route.startswith(path.provider):
            continue  # the path of a provider's former name
        url = f"{scheme}{mark}USER:PASSWORD@{place}/anymail/{route}"
        title = path.provider.replace("_", " ").title()
        found[path.provider] = ProviderUrl(path.provider, title, url, NOTES.get(path.provider, ""))
    return sorted(found.values(), key=lambda each: each.name)


def webhook_lines(*, now: datetime) -> list[ProofLine]:
    """Two statements."""
    lines = [
        ProofLine(each.name, WEBHOOK_NAMES[each.name], OK if each.is_ok else TODO, each.message, each.remedy)
        for each in (*surroundings.check_secrets(), *surroundings.check_provider_credentials())
        if each.name in WEBHOOK_NAMES
    ]
    return [*lines, _last_call(now)]


def _last_call(now: datetime) -> ProofLine:
    title = _("Last request")
    newest = InboundEmail.objects.order_by("-id").values_list("provider", "received_at")[:LOOKED_AT]
    last = next(((provider, at) for provider, at in newest if provider != BY_HAND), None)
    refused = RefusedCall.objects.filter(last_at__gt=now - REFUSED_SINCE).order_by("-last_at").first()
    if refused is not None and (last is None or refused.last_at > last[1]):
        words = _("The call of %(provider)s %(day)s was refused: %(why)s.") % {
            "provider": refused.provider,
            "day": said_at(refused.last_at),
            "why": refused.reason.replace("_", " "),
        }
        step = _("Give the provider the user and password of E2C_WEBHOOK_SECRET, and its signing key to this server.")
        return ProofLine("last_call", title, WRONG, words, step)
    if last is None:
        step = _("Enter the URL below at your provider, for mail to %(domain)s.") % {
            "domain": settings.E2C_INBOUND_DOMAIN
        }
        return ProofLine("last_call", title, TODO, _("No provider has called yet."), step)
    words = _("%(provider)s brought mail %(day)s.") % {"provider": last[0], "day": said_at(last[1])}
    return ProofLine("last_call", title, OK, words)
