from django.db import models
from django.utils.translation import gettext_lazy as _


class PendingRouting(models.Model):
    """A case that waits in a queue for the next free rep of a flow's step. Whoever takes it first ends the waiting:
    the row counts only while the case has the routing_version it had.
    """

    case = models.OneToOneField("cases.Case", on_delete=models.CASCADE, related_name="pending_routing")
    step = models.ForeignKey("routing.FlowStep", on_delete=models.CASCADE, related_name="+")
    routing_version = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("waiting case")
        verbose_name_plural = _("waiting cases")
        ordering = ["since", "id"]

    def __str__(self) -> str:
        return f"{self.case.number_text} waits for {self.step}"  # its subject is for those who may see it
