from django.db import models
from django.utils.translation import gettext_lazy as _


class SatisfactionRequest(models.Model):
    """The question how it went, put once to the customer of a closed case; or the reason why it was not put."""

    class Rating(models.TextChoices):
        GOOD = "good", _("good")
        BAD = "bad", _("bad")

    case = models.OneToOneField("cases.Case", on_delete=models.CASCADE, related_name="satisfaction")
    routing_address = models.ForeignKey("routing.RoutingAddress", on_delete=models.PROTECT, related_name="+")
    recipient = models.CharField(_("asked"), max_length=254, blank=True)
    # Why nobody was asked; "" for somebody who was.
    refused_because = models.CharField(max_length=255, blank=True)
    decided_at = models.DateTimeField()
    # Stands in the signed link beside the key of the row, so that a link cannot be made from outside of this table.
    nonce = models.CharField(max_length=32)
    expires_at = models.DateTimeField()
    rating = models.CharField(_("rating"), max_length=4, choices=Rating.choices, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_count = models.PositiveSmallIntegerField(default=0)  # the first one and each change

    class Meta:
        verbose_name = _("satisfaction")
        verbose_name_plural = _("satisfaction")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rating="", answered_at__isnull=True)
                | (~models.Q(rating="") & models.Q(answered_at__isnull=False, refused_because="")),
                name="satisfaction_answered_when_asked",
            ),
            models.CheckConstraint(
                condition=~models.Q(recipient="") | ~models.Q(refused_because=""),
                name="satisfaction_asks_somebody_or_says_why_not",
            ),
        ]
        indexes = [
            models.Index(
                fields=["recipient", "decided_at"], condition=models.Q(refused_because=""), name="satisfaction_asked"
            ),
            models.Index(
                fields=["answered_at"], condition=models.Q(answered_at__isnull=False), name="satisfaction_answered"
            ),
            models.Index(fields=["decided_at"], name="satisfaction_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.rating or self.refused_because or '–'}"
