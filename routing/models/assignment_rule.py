from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.conditions import BadConditions, read_conditions


def validate_conditions(stored: Any) -> None:
    try:
        read_conditions(stored)
    except BadConditions as error:
        raise ValidationError(str(error)) from error


class AssignmentRule(models.Model):
    """Ordered entries; the first one whose conditions hold names the owner of a new case."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("assignment rule")
        verbose_name_plural = _("assignment rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RuleEntry(models.Model):
    rule = models.ForeignKey(AssignmentRule, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    label = models.CharField(_("name"), max_length=80)
    conditions = models.JSONField(_("conditions"), default=dict, blank=True, validators=[validate_conditions])
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("owner (user)"),
    )
    owner_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("owner (queue)"),
    )
    notice_template = models.ForeignKey(
        "routing.EmailTemplate",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("notice"),
        help_text=_("Sent to the new owner. Empty: no notice."),
    )
    notice_cc = models.TextField(
        _("copies of the notice"), blank=True, help_text=_("Addresses, one in each line, that get the notice too.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("rule entry")
        verbose_name_plural = _("rule entries")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(owner_user__isnull=True, owner_queue__isnull=False)
                | models.Q(owner_user__isnull=False, owner_queue__isnull=True),
                name="rule_entry_one_owner",
                violation_error_message=_("An entry names one owner: a user or a queue."),
            ),
            models.UniqueConstraint(
                fields=["rule", "label"],
                name="rule_entry_label_unique",
                violation_error_message=_("Another entry of this rule has this name already."),
            ),
        ]

    def __str__(self) -> str:
        return self.label
