from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LoopTest(models.Model):
    """A mail that we sent to a routing address to see whether it comes back through the company's forward."""

    routing_address = models.ForeignKey(
        "routing.RoutingAddress", on_delete=models.CASCADE, related_name="loop_tests", verbose_name=_("address")
    )
    sent_to = models.CharField(_("sent to"), max_length=254)
    nonce = models.CharField(max_length=32, unique=True)
    outbox = models.OneToOneField("cases.Outbox", on_delete=models.PROTECT, related_name="loop_test")
    is_canary = models.BooleanField(_("by the schedule"), default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked at"))
    # What came back, and how.
    arrived_at = models.DateTimeField(_("came back at"), null=True, blank=True)
    inbound_email = models.ForeignKey(
        "cases.InboundEmail", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    matched_by = models.CharField(max_length=200, blank=True)  # "services address in envelope"
    from_intact = models.BooleanField(null=True, blank=True)
    spf = models.CharField(max_length=12, blank=True)
    dkim = models.CharField(max_length=12, blank=True)
    dmarc = models.CharField(max_length=12, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("test mail")
        verbose_name_plural = _("test mails")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["routing_address", "-id"], name="loop_test_by_address"),
            models.Index(
                fields=["asked_at"],
                condition=models.Q(arrived_at__isnull=True, alerted_at__isnull=True),
                name="loop_test_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sent_to}, {self.asked_at:%Y-%m-%d %H:%M}"
