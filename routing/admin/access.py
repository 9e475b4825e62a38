"""Who may open and change the pages of the back office, and the audit line that every change through them leaves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline

from routing import audit

CUSTOMIZE_APPLICATION = "routing.customize_application"
FIRST_STEPS = "admin:routing_routingaddress_first_steps"
CAME_FROM_STEP = "first_steps"


def can_configure(request: HttpRequest) -> bool:
    """Staff who may customize the application. Superusers may configure; to send they need a grant."""
    user = request.user
    return bool(user.is_active and user.is_staff and user.has_perm(CUSTOMIZE_APPLICATION))


def signed_in(request: HttpRequest) -> User:
    """The person at the page, for the audit log. Admin pages are never shown to anybody else."""
    if not isinstance(request.user, User):
        raise TypeError("An admin page was called without a signed-in user.")
    return request.user


class ConfigurationPermissions:
    """Adding, changing and deleting needs Customize Application; Django's view permission opens pages read-only."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can_configure(request) or bool(super().has_view_permission(request, obj))  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can_configure(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can_configure(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can_configure(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_configure(request) or bool(super().has_module_permission(request))  # type: ignore[misc]


class LeadsBack:
    """Saved pages that the first steps opened (`?first_steps=STEP`) lead back to that step."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if (step := request.GET.get(CAME_FROM_STEP)) and can_configure(request):
            context["first_steps_back"] = first_steps_url(step)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return _led_back(request, super().response_add(request, obj, *args, **kwargs))  # type: ignore[misc]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return _led_back(request, super().response_change(request, obj))  # type: ignore[misc]


def first_steps_url(step: str, *, address: int | None = None) -> str:
    """The page of the first steps at this step; "" = at the next one that is to do."""
    return f"{reverse(FIRST_STEPS)}?{urlencode({'step': step} | ({'address': address} if address else {}))}"


def _led_back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    step = request.GET.get(CAME_FROM_STEP, "")
    if not step or not isinstance(response, HttpResponseRedirect) or not can_configure(request):
        return response
    if "_continue" in request.POST or "_addanother" in request.POST:
        # A page that goes on, such as that of a new user after its password, still leads back when it is done.
        if CAME_FROM_STEP in response.url:
            return response
        mark = "&" if "?" in response.url else "?"
        return HttpResponseRedirect(f"{response.url}{mark}{urlencode({CAME_FROM_STEP: step})}")
    return HttpResponseRedirect(first_steps_url(step))


class PlainPickers:
    """Pickers without the pencil and the plus beside them: those lead away from a half-filled form."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class ConfigurationInline(ConfigurationPermissions, PlainPickers, TabularInline):
    extra = 0
    per_page = 20  # each row's picker looks up its own choice: a page of them stays cheap


class ConfigurationAdmin(ConfigurationPermissions, PlainPickers, LeadsBack, ModelAdmin):
    """A page of the configuration whose changes a use case records."""

    compressed_fields = True
    warn_unsaved_form = True


class AuditedAdmin(ConfigurationAdmin):
    """A page whose rows are saved as they are: the audit line is written here, with each value before and after."""

    def more_values(self, row: Any) -> dict[str, str]:
        """What a row holds beside its own columns, as it is stored now."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        before = audit.stored_snapshot(obj) | (self.more_values(obj) if change else {})
        request._audit_before = before  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, obj, "created")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, obj, "changed", also=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            audit.record(self._action("deleted"), row, by=signed_in(request))
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, row: models.Model, verb: str, also: Any = None) -> None:
        if not hasattr(request, "_audit_before"):
            # A page that is no form of ours, such as setting a password: what was changed, never the value.
            audit.record(self._action(verb), row, by=signed_in(request), changed=also)
        elif changed := audit.changes(request._audit_before, audit.snapshot(row) | self.more_values(row)):
            audit.record(self._action(verb), row, by=signed_in(request), changes=changed)

    def _action(self, verb: str) -> str:
        return f"{self.opts.verbose_name}-{verb}".replace(" ", "-").lower()


def record_list_change(
    action: str, request: HttpRequest, row: models.Model, name: str, before: list[str], after: list[str]
) -> None:
    """The audit line of a list of names that changed: what came and what went."""
    came, went = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    audit.record(action, row, by=signed_in(request), list=name, added=came, removed=went)
