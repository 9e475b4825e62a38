from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.claimable import Claimable


class TrackingRequest(Claimable):
    """One stored request of a provider about mail we sent (delivered, bounced, ...). Same shape as InboundEmail."""

    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        PROCESSING = "processing", _("being read")
        APPLIED = "applied", _("applied")
        IGNORED = "ignored", _("ignored")
        QUARANTINED = "quarantined", _("quarantined")

    received_at = models.DateTimeField(_("received at"))
    provider = models.CharField(_("provider"), max_length=30)
    method = models.CharField(max_length=10, blank=True)
    path = models.CharField(max_length=255, blank=True)
    query = models.TextField(blank=True)
    headers = models.JSONField(default=dict, blank=True)
    remote_address = models.CharField(max_length=45, blank=True)
    raw = models.ForeignKey("cases.RawBody", on_delete=models.PROTECT, related_name="tracking_requests")
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVED)
    reason = models.SlugField(_("reason"), max_length=40, blank=True)
    last_error = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("tracking request")
        verbose_name_plural = _("tracking requests")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["lease_until", "id"],
                condition=models.Q(state__in=["received", "processing"]),
                name="tracking_request_unsettled",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.pk}"
