from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.models.assignment_rule import validate_conditions


class Skill(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    users = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="skills", verbose_name=_("reps who have it")
    )

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RoutingFlow(models.Model):
    """Ordered steps; the first one whose conditions hold says where a new case goes, or which rep gets it."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("routing flow")
        verbose_name_plural = _("routing flows")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FlowStep(models.Model):
    class Target(models.TextChoices):
        QUEUE = "queue", _("wait in a queue")
        USER = "user", _("one rep")
        MEMBERS = "members", _("a rep of a queue")
        SKILLS = "skills", _("a rep who has these skills")

    class Method(models.TextChoices):
        ROUND_ROBIN = "round_robin", _("round robin")
        LEAST_LOADED = "least_loaded", _("least loaded")

    flow = models.ForeignKey(RoutingFlow, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    label = models.CharField(_("name"), max_length=80)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True, validators=[validate_conditions])
    target = models.CharField(_("goes to"), max_length=10, choices=Target.choices, default=Target.QUEUE)
    queue = models.ForeignKey(
        "routing.Queue", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("queue")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("rep"),
    )
    skills = models.ManyToManyField(Skill, blank=True, related_name="+", verbose_name=_("skills"))
    method = models.CharField(
        _("choose the rep by"), max_length=12, choices=Method.choices, default=Method.ROUND_ROBIN
    )
    overflow_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("overflow queue"),
        help_text=_(
            "Where a case waits while no rep is free; the first who becomes free gets it. Empty: the queue of the "
            "step, else the fallback queue of the address."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(target__in=["queue", "members"], queue__isnull=False, user__isnull=True)
                    | models.Q(target="user", user__isnull=False, queue__isnull=True)
                    | models.Q(target="skills", user__isnull=True, queue__isnull=True)
                ),
                name="flow_step_has_what_its_target_needs",
                violation_error_message=_("A step names the queue or the rep that it goes to, and nothing else."),
            ),
            models.UniqueConstraint(
                fields=["flow", "label"],
                name="flow_step_label_unique",
                violation_error_message=_("Another step of this flow has this name already."),
            ),
        ]

    def __str__(self) -> str:
        return self.label


# Which fields a target reads; the others stay empty, so that a step never says more than it does.
FIELDS_OF_TARGET: Mapping[str, frozenset[str]] = {
    FlowStep.Target.QUEUE: frozenset({"queue"}),
    FlowStep.Target.USER: frozenset({"user", "overflow_queue"}),
    FlowStep.Target.MEMBERS: frozenset({"queue", "method", "overflow_queue"}),
    FlowStep.Target.SKILLS: frozenset({"skills", "method", "overflow_queue"}),
}


class RepPresence(models.Model):
    """Whether a rep takes new cases, and how many at a time. Only who has such a row is given cases by a flow."""

    class Status(models.TextChoices):
        AVAILABLE = "available", _("available")
        BUSY = "busy", _("busy")
        AWAY = "away", _("away")
        OFFLINE = "offline", _("offline")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="presence")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OFFLINE)
    capacity = models.PositiveSmallIntegerField(
        _("capacity"),
        default=10,
        validators=[MinValueValidator(1)],
        help_text=_("Open cases that await us, at most, before flows give them no more."),
    )
    changed_at = models.DateTimeField(_("since"), auto_now=True)
    last_assigned_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("rep presence")
        verbose_name_plural = _("rep presences")
        ordering = ["user__username"]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_status_display()}"
