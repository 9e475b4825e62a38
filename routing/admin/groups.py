"""Django's groups are roles here. Those of permission sets are shown, and changed on the permission set's page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from routing.admin.access import AuditedAdmin, record_list_change
from routing.permission_sets import SEND_CODENAME

admin.site.unregister(Group)


def belongs_to_permission_set(group: models.Model | None) -> bool:
    return isinstance(group, Group) and hasattr(group, "permission_set")


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, AuditedAdmin):
    """Only superusers change roles: a role is a way to any permission."""

    list_display = ["name", "kind"]
    list_select_related = ["permission_set"]
    search_fields = ["name"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ModelAdmin.has_view_permission(self, request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return ModelAdmin.has_module_permission(self, request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) and not belongs_to_permission_set(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) and not belongs_to_permission_set(obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).select_related("permission_set")

    @admin.display(description=_("kind"))
    def kind(self, group: Group) -> Any:
        return _("permission set") if belongs_to_permission_set(group) else _("role")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field is not None and field.queryset is not None:
            # Holding it for all addresses never counts (routing.permission_sets): do not offer it.
            field.queryset = field.queryset.exclude(codename=SEND_CODENAME)
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = _permissions_of(form.instance)
        super().save_related(request, form, formsets, change)
        after = _permissions_of(form.instance)
        if before != after:
            record_list_change(self._action("changed"), request, form.instance, "permissions", before, after)


def _permissions_of(group: Group) -> list[str]:
    return sorted(
        f"{app}.{codename}" for app, codename in group.permissions.values_list("content_type__app_label", "codename")
    )
