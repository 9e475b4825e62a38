from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Approval(models.Model):
    """One request to let a mail leave, and what was decided. Rows are history: a new request is a new row."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for approval")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")

    outbox = models.ForeignKey("cases.Outbox", on_delete=models.CASCADE, related_name="approvals")
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="approvals")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    required_because = models.CharField(max_length=255)  # the permission set or record type that requires it
    requested_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    # What the approver changed before it left: {"subject" | "text": [["same" | "out" | "in", words], ...]}.
    changes = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ["id"]
        indexes = [models.Index(fields=["case"], condition=models.Q(state="waiting"), name="approval_waiting")]
        constraints = [
            models.UniqueConstraint(
                fields=["outbox"], condition=models.Q(state="waiting"), name="approval_one_waiting_per_mail"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="rejected") | ~models.Q(reason=""), name="approval_rejected_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outbox_id}: {self.get_state_display()}"
