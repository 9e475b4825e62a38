from django.db import models
from django.utils.translation import gettext_lazy as _


class RecordType(models.Model):
    """A kind of case (Support, Billing, ...), stamped by the routing address."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Used by routing addresses that name no record type.")
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
