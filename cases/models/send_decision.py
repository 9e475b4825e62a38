from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SendDecision(models.Model):
    """May this user send from this address? Asked in the form, in the use case and at the moment of sending; each
    answer that counted is kept. Append-only.
    """

    class Stage(models.TextChoices):
        FORM = "form", _("form")
        USE_CASE = "use_case", _("use case")
        SEND = "send", _("moment of sending")

    at = models.DateTimeField(_("at"), auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("user"),
    )
    user_name = models.CharField(_("user name"), max_length=150, blank=True)  # outlives the user
    address = models.ForeignKey(
        "routing.RoutingAddress", on_delete=models.PROTECT, related_name="+", verbose_name=_("address")
    )
    case = models.ForeignKey(
        "cases.Case",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="send_decisions",
        verbose_name=_("case"),
    )
    # null: refused before there was a mail.
    outbox = models.ForeignKey(
        "cases.Outbox",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="decisions",
        verbose_name=_("outgoing mail"),
    )
    stage = models.CharField(_("stage"), max_length=10, choices=Stage.choices)
    allowed = models.BooleanField(_("allowed"))
    because = models.CharField(_("because"), max_length=500)

    class Meta:
        verbose_name = _("sending decision")
        verbose_name_plural = _("sending decisions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["-id"], condition=models.Q(allowed=False), name="send_decision_refused"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name}, {self.stage}: {self.because}"
