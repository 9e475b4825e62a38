from django.db import models
from django.db.models.functions import Lower, StrIndex, Substr
from django.utils.translation import gettext_lazy as _


def domain_of_field(name: str) -> Lower:
    """What stands behind the first @ of an address, as an expression that both databases compute and keep."""
    return Lower(Substr(name, StrIndex(name, models.Value("@")) + 1))


class Contact(models.Model):
    """A known outside person. Two contacts may share an address: then a mail names none and a rep chooses."""

    name = models.CharField(_("name"), max_length=160)
    email = models.CharField(_("email"), max_length=254)
    company = models.CharField(_("company"), max_length=160, blank=True)
    domain = models.GeneratedField(
        expression=domain_of_field("email"), output_field=models.CharField(max_length=254), db_persist=True
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["name", "id"]
        indexes = [
            models.Index(Lower("email"), name="contact_email"),
            models.Index(fields=["domain"], name="contact_domain"),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Participant(models.Model):
    """An address that takes part in a case: being one is what lets weak proofs of thread append."""

    class Role(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        COPIED = "copied", _("Copied")
        # Wrote with a valid proof of thread without having been part of it; never added to Cc by itself.
        NEW = "new", _("New participant")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="participants")
    address = models.CharField(max_length=254)
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["case", "address"], name="participant_once_per_case")]
        indexes = [models.Index(fields=["address"], name="participant_address")]

    def __str__(self) -> str:
        return self.address
