from django.db import models
from django.utils.translation import gettext_lazy as _


class RecordType(models.Model):
    """A kind of case (Support, Billing, ...), stamped by the routing address."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Used by routing addresses that name no record type.")
    )
    # The predefined values of the Email action for cases of this type.
    default_from = models.ForeignKey(
        "routing.RoutingAddress",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("predefined From"),
        help_text=_("Replies to cases of this type start with this address. Empty: the value for all cases."),
    )
    default_template = models.ForeignKey(
        "routing.EmailTemplate",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("predefined template"),
    )
    requires_approval = models.BooleanField(
        _("mail needs approval"),
        default=False,
        help_text=_("Mail of reps on cases of this type waits until somebody approves it."),
    )
    asks_satisfaction = models.BooleanField(
        _("ask how it went"),
        default=True,
        help_text=_("Off: customers of cases of this type are not asked, though the routing address asks."),
    )

    class Meta:
        verbose_name = _("record type")
        verbose_name_plural = _("record types")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="record_type_one_default",
                violation_error_message=_("Another record type is the default already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
