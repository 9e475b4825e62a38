from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseVisit(models.Model):
    """What a user has seen of a case, and whether he or she is looking at it or writing on it at this moment."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="case_visits")
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="visits")
    seen_at = models.DateTimeField()  # unread: the case's last_inbound_at is later
    viewing_at = models.DateTimeField(null=True, blank=True)
    replying_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="case_visit_once")]

    def __str__(self) -> str:
        return f"{self.user} on {self.case_id}"


class SavedView(models.Model):
    """A list that somebody composed of filters and sort order, kept under a name, for himself or for all."""

    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    is_shared = models.BooleanField(_("for everybody"), default=False)
    query = models.TextField(_("filters"))  # as in the URL of the list
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="saved_view_name_once",
                violation_error_message=_("You have a view with this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
