from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from routing.merge_fields import FIELDS, unknown_fields


def refuse_unknown_fields(row: models.Model, names: dict[str, bool]) -> None:
    """Raises ValidationError for merge fields that do not exist. `names`: columns to look at, True for HTML."""
    errors = {}
    for name, is_html in names.items():
        if unknown := unknown_fields(getattr(row, name), html=is_html):
            errors[name] = gettext("“%(unknown)s” is no merge field. Those that exist: %(known)s.") % {
                "unknown": "”, “".join(unknown),
                "known": ", ".join(FIELDS),
            }
    if errors:
        raise ValidationError(errors)


class EmailTemplate(models.Model):
    """A prepared mail for reps and automatic answers. Its merge fields are words in braces, {{ case.number }}, filled
    in from a fixed list: nothing in a template is code.
    """

    name = models.CharField(_("name"), max_length=120)
    subject = models.CharField(
        _("subject"),
        max_length=250,
        blank=True,
        help_text=_("Empty: the subject of the case or of the mail answered."),
    )
    html_body = models.TextField(_("text"), blank=True)
    text_body = models.TextField(_("plain text"), blank=True, help_text=_("Empty: made from the formatted text."))
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Shown to reps who choose a template. Empty: any."),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switched off, it is not offered; where it is set it is passed over.")
    )

    class Meta:
        verbose_name = _("email template")
        verbose_name_plural = _("email templates")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="email_template_name_unique",
                violation_error_message=_("Another template has this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        refuse_unknown_fields(self, {"subject": False, "html_body": True, "text_body": False})
        if not (self.html_body.strip() or self.text_body.strip()):
            raise ValidationError({"html_body": _("Write a text.")})


class QuickText(models.Model):
    """A few words that reps write often, put into a mail by its shortcut."""

    shortcut = models.SlugField(
        _("shortcut"), max_length=40, help_text=_("Typed after “;” in the composer, such as ;thanks.")
    )
    name = models.CharField(_("name"), max_length=120)
    body = models.TextField(_("text"), help_text=_("Plain text; the merge fields of templates work here too."))
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("quick text")
        verbose_name_plural = _("quick texts")
        ordering = ["shortcut"]
        constraints = [
            models.UniqueConstraint(
                Lower("shortcut"),
                name="quick_text_shortcut_unique",
                violation_error_message=_("Another quick text has this shortcut already."),
            )
        ]

    def __str__(self) -> str:
        return f";{self.shortcut}"

    def clean(self) -> None:
        refuse_unknown_fields(self, {"body": False})
