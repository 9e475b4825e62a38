from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from routing.addresses import normalise_address
from routing.email_url import ESP_CREDENTIALS
from routing.sealing import seal, unseal


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What a connection logs in with. Its repr tells which are set, never their values."""

    password: str = ""
    api_key: str = ""
    second_key: str = ""  # of providers whose API wants two
    client_secret: str = ""
    refresh_token: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return f"Secrets({', '.join(field.name for field in fields(self) if getattr(self, field.name))})"


class Connection(models.Model):
    """The mail service that one address sends through, with its login. Its secrets can be replaced, never read."""

    class Kind(models.TextChoices):
        SMTP = "smtp", _("SMTP server")
        GMAIL = "gmail", _("Gmail or Google Workspace")
        MICROSOFT365 = "microsoft365", _("Microsoft 365")
        ANYMAIL = "anymail", _("Mail provider (API)")

    class Security(models.TextChoices):
        STARTTLS = "starttls", _("STARTTLS (port 587)")
        TLS = "tls", _("TLS from the start (port 465)")
        NONE = "none", _("none: only on this machine")

    class State(models.TextChoices):
        UNTESTED = "untested", _("not tested")
        WORKS = "works", _("works")
        BROKEN = "broken", _("does not work")
        NEEDS_CONNECTING = "disconnected", _("needs to be connected again")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.SMTP)
    account = models.CharField(
        _("account"),
        max_length=254,
        help_text=_("The address that sends through it. Only the routing address with this email address can use it."),
    )
    host = models.CharField(
        _("host"),
        max_length=253,
        blank=True,
        help_text=_("Such as smtp.example.com. Empty for Gmail and Microsoft 365."),
    )
    port = models.PositiveIntegerField(
        _("port"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text=_("Empty: the usual one."),
    )
    security = models.CharField(_("security"), max_length=10, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(
        _("user name"), max_length=254, blank=True, help_text=_("Empty: no login, or the account for OAuth.")
    )
    esp = models.CharField(
        _("provider"),
        max_length=20,
        blank=True,
        choices=[(name, name.replace("_", " ").title()) for name in sorted(ESP_CREDENTIALS)],
    )
    api_url = models.URLField(
        _("API address"),
        blank=True,
        help_text=_("Only for another region of the provider, or a server of your own."),
    )
    client_id = models.CharField(
        _("client id"), max_length=255, blank=True, help_text=_("Of the application registered at the provider.")
    )
    tenant = models.CharField(
        _("tenant"), max_length=80, blank=True, help_text=_("Directory id or domain. Empty: any organisation.")
    )
    # What stands in here only routing.connections and routing.oauth read.
    sealed_secrets = models.TextField(blank=True, editable=False)
    access_token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Who asks for a new access token now, and until when others wait for it.
    refresh_claim = models.CharField(max_length=32, blank=True, editable=False)
    refresh_until = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.UNTESTED, editable=False)
    state_detail = models.CharField(_("what happened"), max_length=500, blank=True, editable=False)
    state_at = models.DateTimeField(_("last tested"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        normalised = normalise_address(self.account)
        if normalised is None:
            raise ValidationError({"account": _("Enter one email address, such as support@example.com.")})
        self.account = normalised
        self._forget_other_kinds()
        for check in (self._clean_users, self._clean_host, self._clean_provider, self._clean_oauth):
            check()

    def _forget_other_kinds(self) -> None:
        """What the form hides must not send a login elsewhere. Gmail and Microsoft 365 have servers of their own."""
        self.host = self.host.strip().lower()
        if self.kind != self.Kind.SMTP and not is_loopback(self.host):
            self.host, self.port, self.username = "", None, ""
            self.security = self.Security.STARTTLS
        if self.kind != self.Kind.ANYMAIL:
            self.esp = self.api_url = ""
        if not self.uses_oauth:
            self.client_id = self.tenant = ""

    def _clean_users(self) -> None:
        others = self.routing_addresses.exclude(email_address=self.account) if self.pk else None
        if others is not None and (other := others.first()):
            words = _("%(address)s sends through it. Give that address another connection first.")
            raise ValidationError({"account": words % {"address": other.email_address}})

    def _clean_host(self) -> None:
        if self.kind == self.Kind.SMTP and not self.host:
            raise ValidationError({"host": _("Enter the name of the mail server.")})
        if self.kind != self.Kind.ANYMAIL and self.security == self.Security.NONE and not is_loopback(self.host):
            raise ValidationError(
                {
                    "security": _(
                        "Without TLS everybody on the way could read mail and password: only for this machine."
                    )
                }
            )

    def _clean_provider(self) -> None:
        if self.kind != self.Kind.ANYMAIL:
            return
        if not self.esp:
            raise ValidationError({"esp": _("Choose the provider.")})
        if self.esp == "postal" and not self.api_url:
            raise ValidationError({"api_url": _("Postal runs on a server of your own: enter its address.")})
        parts = urlsplit(self.api_url)
        if self.api_url and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ValidationError({"api_url": _("The key goes there: the address must begin with https://.")})

    def _clean_oauth(self) -> None:
        if self.uses_oauth and not self.client_id:
            raise ValidationError({"client_id": _("Enter the client id of the application you registered.")})

    @property
    def uses_oauth(self) -> bool:
        return self.kind in (self.Kind.GMAIL, self.Kind.MICROSOFT365)

    @property
    def is_connected(self) -> bool:
        """Whether the owner of the account allowed us to send, and did not take it back as far as we know."""
        return self.uses_oauth and self.access_token_expires_at is not None

    def refusal_for(self, email_address: str) -> str:
        """Why mail from this address cannot leave through it; "" when it can. A mail service that lets one account
        write in the name of another would make every permission to send worthless.
        """
        if self.account == email_address.lower():
            return ""
        return gettext("The connection “%(name)s” belongs to %(account)s and cannot send from %(address)s.") % {
            "name": self.name,
            "account": self.account,
            "address": email_address,
        }

    def secrets(self) -> Secrets:
        """Raises CannotUnseal when no key opens them."""
        known = {field.name for field in fields(Secrets)}
        return Secrets(**{name: value for name, value in unseal(self.sealed_secrets).items() if name in known})

    def put_secrets(self, **changes: str) -> None:
        """Replace some of them, in memory; the caller saves. Raises CannotSeal and CannotUnseal."""
        self.sealed_secrets = seal(asdict(replace(self.secrets(), **changes)))

    def drop_secrets(self) -> None:
        self.sealed_secrets, self.access_token_expires_at = "", None


def is_loopback(host: str) -> bool:
    if host.lower() in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
