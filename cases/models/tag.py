from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=40)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"), name="tag_name_unique", violation_error_message=_("This tag exists already.")
            )
        ]

    def __str__(self) -> str:
        return self.name


class CaseLink(models.Model):
    """Two cases that have to do with each other and stay two. Stored once, the older case first."""

    first = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="links_as_first")
    second = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="links_as_second")

    class Meta:
        verbose_name = _("link between cases")
        verbose_name_plural = _("links between cases")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="case_link_once"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="case_link_older_first"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} - {self.second_id}"


class CaseField(models.Model):
    """A field of a company's own on the case page; its values stand in Case.custom_fields under the slug."""

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        CHOICE = "choice", _("choice")
        CHECKBOX = "checkbox", _("checkbox")

    slug = models.SlugField(_("key"), max_length=40, unique=True)
    label = models.CharField(_("label"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.TEXT)
    choices = models.TextField(_("choices"), blank=True, help_text=_("For a choice: one in each line."))
    help_text = models.CharField(_("help text"), max_length=255, blank=True)
    record_types = models.ManyToManyField(
        "routing.RecordType", blank=True, related_name="+", help_text=_("None: cases of every record type.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("case field")
        verbose_name_plural = _("case fields")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label
