from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceClock(models.Model):
    """One promise about one case. It runs (`due_at` set), stands (`paused_at` set, `left_seconds` says how much is
    left), or is over (`met_at`, or `dropped_at` when there is nothing to answer any more).
    """

    class Kind(models.TextChoices):
        FIRST_RESPONSE = "first_response", _("first answer")
        RESOLUTION = "resolution", _("solution")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="clocks")
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices)
    service_level = models.ForeignKey(
        "routing.ServiceLevel", null=True, on_delete=models.SET_NULL, related_name="clocks"
    )
    started_at = models.DateTimeField(_("started at"))
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    left_seconds = models.PositiveIntegerField(null=True, blank=True)  # business time
    met_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)  # stays, also when it is met later

    class Meta:
        verbose_name = _("service clock")
        verbose_name_plural = _("service clocks")
        constraints = [
            models.UniqueConstraint(fields=["case", "kind"], name="service_clock_once_per_case"),
            models.CheckConstraint(
                condition=models.Q(met_at__isnull=True) | models.Q(dropped_at__isnull=True),
                name="service_clock_met_or_dropped",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(met_at__isnull=True, dropped_at__isnull=True),
                name="service_clock_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} by {self.due_at}"

    @property
    def is_open(self) -> bool:
        return self.met_at is None and self.dropped_at is None

    def is_late(self, now: datetime) -> bool:
        """Whether the promise is broken, now or for good."""
        if self.breached_at is not None:
            return True
        return self.is_open and self.due_at is not None and self.due_at <= now
