"""Business hours: one line for each day, instead of the JSON that is stored."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from routing.admin.one_default import OneDefaultAdmin, OneDefaultForm
from routing.business_hours import DAYS, read_week
from routing.models import BusinessHours

DAY_LABELS = {
    "monday": _("Monday"),
    "tuesday": _("Tuesday"),
    "wednesday": _("Wednesday"),
    "thursday": _("Thursday"),
    "friday": _("Friday"),
    "saturday": _("Saturday"),
    "sunday": _("Sunday"),
}


class BusinessHoursForm(OneDefaultForm):
    time_zone = forms.ChoiceField(label=_("Time zone"), widget=UnfoldAdminSelectWidget)
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (
        forms.CharField(label=label, required=False, max_length=120, widget=UnfoldAdminTextInputWidget)
        for label in DAY_LABELS.values()
    )

    class Meta:
        model = BusinessHours
        fields = ["name", "time_zone", "is_default", "holidays"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields.get("time_zone")
        if isinstance(zone, forms.ChoiceField):
            zone.choices = [(name, name) for name in sorted(available_timezones())]
            zone.initial = settings.TIME_ZONE
        if "is_default" in self.fields and self.instance.pk is None:
            self.fields["is_default"].initial = not BusinessHours.objects.filter(is_default=True).exists()
        if "holidays" in self.fields:
            self.fields["holidays"].widget.attrs["rows"] = 4
        for day in DAYS:
            if day in self.fields:
                self.fields[day].initial = ", ".join(self.instance.week.get(day, []))
                self.fields[day].widget.attrs["placeholder"] = _("closed")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        week = {}
        for day in DAYS:
            if openings := [each.strip() for each in (cleaned.get(day) or "").split(",") if each.strip()]:
                week[day] = openings
                try:
                    read_week({day: openings})
                except ValueError as error:
                    self.add_error(day, ValidationError(str(error)))
        self.instance.week = week
        return cleaned


@admin.register(BusinessHours)
class BusinessHoursAdmin(OneDefaultAdmin):
    empty_words = _("Without business hours the clocks of service levels run day and night.")
    form = BusinessHoursForm
    list_display = ["name", "now", "time_zone", "is_default"]
    search_fields = ["name"]
    ordering = ["name"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "When somebody is there. The default ones answer the condition “within business hours” of rules "
                    "and flows; clocks of service levels run by them."
                ),
                "fields": ["name", "time_zone", "is_default"],
            },
        ),
        (
            _("Week"),
            {
                "description": _("Openings of each day: 09:00-12:00, 13:00-17:30. An empty day is closed."),
                "fields": list(DAYS),
            },
        ),
        (_("Closed all day"), {"fields": ["holidays"]}),
    ]

    @display(description=_("now"), label={"open": "success", "closed": "default", "unreadable": "danger"})
    def now(self, hours: BusinessHours) -> tuple[str, Any]:
        try:
            is_open = hours.schedule.is_open(timezone.now())
        except ValueError:
            return "unreadable", _("cannot be read")
        return ("open", _("open")) if is_open else ("closed", _("closed"))
