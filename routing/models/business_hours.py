from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.business_hours import Schedule, read_week


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("There is no time zone of this name; write it as Europe/Berlin."))


def validate_week(week: object) -> None:
    try:
        read_week(week)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValidationError(str(error)) from error


def validate_holidays(text: str) -> None:
    for line in text.split():
        try:
            date.fromisoformat(line)
        except ValueError:
            raise ValidationError(_("“%(line)s” is no day such as 2030-12-25."), params={"line": line}) from None


def default_week() -> dict[str, list[str]]:
    return {day: ["09:00-17:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}


class BusinessHours(models.Model):
    """When somebody is there. Used by conditions of rules and by the clocks of service levels."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    week = models.JSONField(
        _("week"),
        default=default_week,
        blank=True,
        validators=[validate_week],
        help_text=_("Openings of each day, such as 09:00-12:00; a day that is left out is closed."),
    )
    holidays = models.TextField(
        _("holidays"), blank=True, validators=[validate_holidays], help_text=_("One day in each line: 2030-12-25.")
    )
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="business_hours_one_default",
                violation_error_message=_("Other business hours are the default already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> Schedule:
        """Raises ValueError when the stored week cannot be read."""
        return Schedule(
            zone=ZoneInfo(self.time_zone),
            week=read_week(self.week),
            holidays=frozenset(date.fromisoformat(line) for line in self.holidays.split()),
        )
