from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.choices import Priority

MOST_MINUTES = 60 * 24 * 365


class ServiceLevel(models.Model):
    """How soon a case is answered and solved, in business time. The first active one that fits a new case holds."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    record_type = models.ForeignKey(
        "routing.RecordType",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("record type"),
        help_text=_("Empty: cases of every record type."),
    )
    priority = models.CharField(
        _("priority"),
        max_length=20,
        choices=Priority.choices,
        blank=True,
        help_text=_("Empty: cases of every priority."),
    )
    business_hours = models.ForeignKey(
        "routing.BusinessHours",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("business hours"),
        help_text=_("Empty: the default ones; without any the clock never stops."),
    )
    first_response_minutes = models.PositiveIntegerField(
        _("first answer within minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
    )
    resolution_minutes = models.PositiveIntegerField(
        _("solved within minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
        help_text=_("The clock stands while we wait for the customer, and while the case sleeps."),
    )
    warn_percent = models.PositiveSmallIntegerField(
        _("warn after per cent"), default=80, validators=[MinValueValidator(1), MaxValueValidator(99)]
    )
    escalate_to_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("escalate to queue"),
        help_text=_("Gets a case whose time is over. Empty: the case stays where it is, and its owner is told."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("service level")
        verbose_name_plural = _("service levels")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_response_minutes__isnull=False) | models.Q(resolution_minutes__isnull=False),
                name="service_level_promises_something",
                violation_error_message=_("Promise a first answer, a solution, or both."),
            )
        ]

    def __str__(self) -> str:
        return self.name
