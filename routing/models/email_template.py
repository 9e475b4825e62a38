from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


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
    language = models.CharField(_("language"), max_length=10, blank=True)
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
