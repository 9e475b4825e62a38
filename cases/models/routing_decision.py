from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RoutingDecision(models.Model):
    """Why a case has the owner it has. Exactly one `initial` per case, held by the database."""

    class Kind(models.TextChoices):
        INITIAL = "initial", _("Initial")
        MANUAL = "manual", _("Manual")
        REASSIGNED = "reassigned", _("Reassigned")
        OVERFLOW = "overflow", _("Overflow")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    owner_queue = models.ForeignKey("routing.Queue", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=500)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # null: the system
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("routing decision")
        verbose_name_plural = _("routing decisions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(kind="initial"), name="routing_decision_one_initial"
            ),
            models.CheckConstraint(
                condition=models.Q(owner_user__isnull=True, owner_queue__isnull=False)
                | models.Q(owner_user__isnull=False, owner_queue__isnull=True),
                name="routing_decision_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.owner_user or self.owner_queue}"
