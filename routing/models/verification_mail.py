from django.db import models
from django.utils.translation import gettext_lazy as _


class VerificationMail(models.Model):
    """One verification mail: to which exact address, when, what became of it. The link is never stored, only its
    nonce.
    """

    class State(models.TextChoices):
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        CONFIRMED = "confirmed", _("confirmed")

    routing_address = models.ForeignKey(
        "routing.RoutingAddress", on_delete=models.CASCADE, related_name="verification_mails"
    )
    email_address = models.CharField(_("email address"), max_length=254)
    nonce = models.CharField(max_length=32, unique=True)
    message_identifier = models.CharField(max_length=255, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.SENDING)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("sent at"), auto_now_add=True)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    # Set when this mail came back through the company's forward: it proves that forwarding works.
    returned_at = models.DateTimeField(_("came back through the forward at"), null=True, blank=True)

    class Meta:
        verbose_name = _("verification mail")
        verbose_name_plural = _("verification mails")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.email_address}: {self.get_state_display()}"
