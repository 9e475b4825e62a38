from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.claimable import Claimable


class HookRun(Claimable):
    """One event that one piece of site code has to hear. Written with the event, so that it cannot get lost."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    event = models.ForeignKey("cases.CaseEvent", on_delete=models.CASCADE, related_name="hook_runs")
    hook = models.CharField(_("hook"), max_length=255)  # dotted path
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("hook run")
        verbose_name_plural = _("hook runs")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["event", "hook"], name="hook_hears_an_event_once")]
        indexes = [
            models.Index(
                fields=["lease_until", "id"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="hook_run_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.hook}: {self.get_state_display()}"
