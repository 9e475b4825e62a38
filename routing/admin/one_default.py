"""Pages of rows of which one is the default: who marks another one takes the mark from the one before."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from routing import audit
from routing.admin.access import AuditedAdmin, signed_in

__all__ = ["OneDefaultAdmin", "OneDefaultForm"]

MARK = "is_default"


class OneDefaultForm(forms.ModelForm):
    def _get_validation_exclusions(self) -> set[str]:
        # The constraint "one default" holds again once `save_model` took the mark from the other row.
        return {*super()._get_validation_exclusions(), MARK}  # type: ignore[misc]


class OneDefaultAdmin(AuditedAdmin):
    form = OneDefaultForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if obj.is_default:
            for former in self.model._default_manager.filter(is_default=True).exclude(pk=obj.pk):
                before = audit.snapshot(former)
                former.is_default = False
                former.save(update_fields=[MARK])
                differences = audit.changes(before, audit.snapshot(former))
                audit.record(self._action("changed"), former, by=signed_in(request), changes=differences)
                messages.info(request, gettext("“%(name)s” is the default no more.") % {"name": former})
        super().save_model(request, obj, form, change)
