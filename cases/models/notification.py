from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """That something happened on a case which concerns one person. Made from CaseEvent rows (cases.notifications),
    one for each event and person; what it is about is read from the event.
    """

    class Kind(models.TextChoices):
        MENTION = "mention", _("Mentioned in a note")
        ASSIGNED = "assigned", _("Case assigned to me")
        IN_QUEUE = "in_queue", _("Case for one of my queues")
        NEW_MAIL = "new_mail", _("New email on my case")
        SEND_FAILED = "send_failed", _("Mail not sent or returned")
        APPROVAL_ASKED = "approval_asked", _("Approval asked for")
        APPROVAL_DECIDED = "approval_decided", _("Decision about my mail")
        SERVICE_NEAR = "service_near", _("Service level nearly over")
        SERVICE_MISSED = "service_missed", _("Service level missed")
        ESCALATED = "escalated", _("Case escalated to my queue")
        TASK_DUE = "task_due", _("Task due")
        NOT_CONTENT = "not_content", _("Customer not content")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    event = models.ForeignKey("cases.CaseEvent", on_delete=models.CASCADE, related_name="notifications")
    # The case of the event once more, so that "what of this case have I not read" is one look into an index.
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("at"))  # of the event
    # False: its reader wants it by mail alone.
    in_app = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True, blank=True)
    # When a mail about it is due, alone or in a digest; null: none, or it is done.
    mail_due_at = models.DateTimeField(null=True, blank=True)
    in_digest = models.BooleanField(default=False)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["event", "user"], name="notification_once_per_event")]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_by_user"),
            models.Index(
                fields=["user", "case"], condition=models.Q(read_at__isnull=True), name="notification_unread"
            ),
            models.Index(
                fields=["mail_due_at"], condition=models.Q(mail_due_at__isnull=False), name="notification_mail_due"
            ),
            models.Index(
                fields=["user", "mailed_at"], condition=models.Q(mailed_at__isnull=False), name="notification_mailed"
            ),
            models.Index(fields=["at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.user_id}"


class NotificationChoice(models.Model):
    """How one person wants to hear of one kind. Without a row the defaults of cases.notifications.choices hold."""

    class Mail(models.TextChoices):
        OFF = "off", _("no mail")
        AT_ONCE = "at_once", _("a mail at once")
        HOURLY = "hourly", _("in a digest each hour")
        DAILY = "daily", _("in a digest each day")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices")
    kind = models.CharField(_("kind"), max_length=20, choices=Notification.Kind.choices)
    in_app = models.BooleanField(_("in the console"), default=True)
    mail = models.CharField(_("by mail"), max_length=10, choices=Mail.choices, default=Mail.OFF)

    class Meta:
        verbose_name = _("choice of notifications")
        verbose_name_plural = _("choices of notifications")
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="notification_choice_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind}"
