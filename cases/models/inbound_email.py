from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.claimable import Claimable


class RawBody(models.Model):
    """The exact bytes of one request. Small ones stand here, in the transaction that accepts them; large ones as a
    Blob.
    """

    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    content = models.BinaryField(null=True)
    blob = models.ForeignKey("cases.Blob", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(content__isnull=True, blob__isnull=False)
                | models.Q(content__isnull=False, blob__isnull=True),
                name="raw_body_in_one_place",
            )
        ]

    def __str__(self) -> str:
        return self.sha256


class InboundEmail(Claimable):
    """One mail of one accepted request, from the moment it was stored to its outcome. The row is the queue."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        PROCESSING = "processing", _("being read")
        CASE = "case", _("case")
        APPENDED = "appended", _("appended")
        DUPLICATE = "duplicate", _("duplicate")
        HELD = "held", _("held")
        QUARANTINED = "quarantined", _("quarantined")
        REJECTED = "rejected", _("rejected")

    UNSETTLED = (State.RECEIVED, State.PROCESSING)

    received_at = models.DateTimeField(_("received at"))
    provider = models.CharField(_("provider"), max_length=30)  # Anymail's URL name, "smtp" or "ingest"
    method = models.CharField(max_length=10, blank=True)
    path = models.CharField(max_length=255, blank=True)
    query = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)  # of the request, without Authorization and Cookie
    remote_address = models.CharField(max_length=45, blank=True)
    raw = models.ForeignKey(RawBody, on_delete=models.PROTECT, related_name="inbound_emails")
    event_index = models.PositiveIntegerField(default=0)  # several mails of one request share its raw body
    # Envelope as SMTP or a command gave it; webhooks carry theirs inside the body.
    envelope_sender = models.CharField(max_length=320, blank=True)
    envelope_recipients = models.JSONField(default=list, blank=True)

    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVED)
    reason = models.SlugField(_("reason"), max_length=40, blank=True)
    because = models.CharField(_("because"), max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    trail = models.JSONField(default=list, blank=True)  # cases.inbound.trail, in order; old lines lack "setting"
    last_error = models.TextField(blank=True)  # of the last failed attempt
    # Known once read; for the list and its search.
    from_address = models.CharField(_("from"), max_length=254, blank=True)
    subject = models.CharField(_("subject"), max_length=255, blank=True)
    routing_address = models.ForeignKey(
        "routing.RoutingAddress", null=True, blank=True, on_delete=models.PROTECT, related_name="inbound_emails"
    )
    also_received_by = models.JSONField(default=list, blank=True)
    # A duplicate names the mail it repeats; the mail's own row is reached by EmailMessage.inbound_email.
    duplicate_of = models.ForeignKey(
        "cases.EmailMessage", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates"
    )
    # A person looked at it: settle without the check that stopped it (retry from the admin).
    waved_through = models.SlugField(max_length=40, blank=True)
    waved_through_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("inbound email")
        verbose_name_plural = _("inbound emails")
        ordering = ["-id"]
        permissions = [("retry_inboundemail", "Can retry or discard inbound mail")]
        constraints = [
            models.UniqueConstraint(fields=["raw", "event_index"], name="inbound_email_event_once"),
            models.CheckConstraint(
                condition=~models.Q(state__in=["duplicate", "held", "quarantined", "rejected"]) | ~models.Q(reason=""),
                name="inbound_email_refusal_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until", "id"],
                condition=models.Q(state__in=["received", "processing"]),
                name="inbound_email_unsettled",
            ),
            models.Index(fields=["claim_token"], condition=models.Q(state="processing"), name="inbound_email_claimed"),
            models.Index(fields=["state", "-id"], name="inbound_email_by_state"),
            models.Index(fields=["from_address", "received_at"], name="inbound_email_by_sender"),
            models.Index(fields=["received_at"], name="inbound_email_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.subject}"

    @property
    def is_settled(self) -> bool:
        return self.state not in self.UNSETTLED


class RefusedCall(models.Model):
    """Webhook calls that were turned away, counted by hour: a wrong password shows here, its mail is never lost in
    silence.
    """

    hour = models.DateTimeField(_("hour"))
    provider = models.CharField(_("provider"), max_length=30)
    reason = models.SlugField(_("reason"), max_length=40)
    count = models.PositiveIntegerField(_("calls"), default=0)
    last_at = models.DateTimeField(_("last at"))
    last_remote_address = models.CharField(_("last from"), max_length=45, blank=True)

    class Meta:
        verbose_name = _("refused webhook call")
        verbose_name_plural = _("refused webhook calls")
        ordering = ["-hour", "provider"]
        constraints = [
            models.UniqueConstraint(fields=["hour", "provider", "reason"], name="refused_call_once_per_hour")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reason}: {self.count}"


class ProviderToken(models.Model):
    """A one-time token a provider signed (Mailgun's signature covers only the token, so a token vouches for one
    content).
    """

    provider = models.CharField(max_length=30)
    token = models.CharField(max_length=64)  # SHA-256 of the token
    content_hash = models.CharField(max_length=64)
    seen_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "token"], name="provider_token_once")]

    def __str__(self) -> str:
        return f"{self.provider} {self.token[:8]}"
