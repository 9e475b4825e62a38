from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Queue(models.Model):
    """A group of reps that owns cases until one of them takes one."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    email = models.EmailField(_("queue email"), blank=True, help_text=_("Where notices to the queue go, if set."))
    notify_members = models.BooleanField(
        _("send email to members"), default=False, help_text=_("Tell every member when a case enters the queue.")
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="routing.QueueMember", related_name="case_queues", verbose_name=_("members")
    )

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class QueueMember(models.Model):
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="queue_memberships")

    class Meta:
        verbose_name = _("queue member")
        verbose_name_plural = _("queue members")
        constraints = [models.UniqueConstraint(fields=["queue", "user"], name="queue_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.queue}"
