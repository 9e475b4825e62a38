from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.choices import TaskStatus


class CaseTask(models.Model):
    """Something to do for a case, made from a mail when its routing address says so; closed when that is answered."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="tasks")
    subject = models.CharField(_("subject"), max_length=255)
    status = models.CharField(_("status"), max_length=40, choices=TaskStatus.choices, default=TaskStatus.NOT_STARTED)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    email_message = models.ForeignKey(
        "cases.EmailMessage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    due_noted_at = models.DateTimeField(null=True, blank=True, editable=False)  # the history says that it is due
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False, due_noted_at__isnull=True, completed_at__isnull=True),
                name="task_becomes_due",
            )
        ]

    def __str__(self) -> str:
        return self.subject
