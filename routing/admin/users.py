"""Users: names and access. Nobody gains rights here that a superuser did not give."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from routing.admin.access import AuditedAdmin, can_configure, record_list_change
from routing.models import EmailToCaseSettings
from routing.permission_sets import SEND_CODENAME, explain_addresses

admin.site.unregister(User)

# What only a superuser may give: each of them is a way to any permission.
RIGHTS = ["is_staff", "is_superuser", "groups", "user_permissions"]


class UserForm(UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups, permissions = self.fields.get("groups"), self.fields.get("user_permissions")
        if isinstance(groups, forms.ModelMultipleChoiceField):
            groups.queryset = Group.objects.filter(permission_set__isnull=True)
        if isinstance(permissions, forms.ModelMultipleChoiceField) and permissions.queryset is not None:
            permissions.queryset = permissions.queryset.exclude(codename=SEND_CODENAME)

    def clean_is_active(self) -> bool:
        """Whoever owns what nobody else owns cannot leave: new cases would have no owner at all."""
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and EmailToCaseSettings.objects.filter(default_case_owner_user=self.instance.pk).exists():
            raise forms.ValidationError(
                _("This user is the default case owner. Choose another one in the Email-to-Case settings first.")
            )
        return is_active

    def clean_groups(self) -> QuerySet[Group]:
        """The roles chosen, and the groups of permission sets as they are: those have their own page."""
        kept = Q(permission_set__isnull=False, user=self.instance) if self.instance.pk else Q(pk__in=[])
        chosen = [group.pk for group in self.cleaned_data["groups"]]
        return Group.objects.filter(Q(pk__in=chosen) | kept).distinct()


@admin.register(User)
class UserAdmin(DjangoUserAdmin, AuditedAdmin):
    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    readonly_fields = ["last_login", "date_joined", "sends_from"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (
            _("Sending"),
            {
                "description": _("From which routing addresses this user may send, and why. Permission sets decide."),
                "fields": ["sends_from"],
            },
        ),
        (
            _("Access"),
            {
                "description": _("Roles come from groups. The groups of permission sets are not listed here."),
                "fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"],
            },
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Whoever configures chooses owners and members from the users.
        return can_configure(request) or ModelAdmin.has_view_permission(self, request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ModelAdmin.has_change_permission(self, request, obj) and _may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return ModelAdmin.has_delete_permission(self, request, obj) and _may_manage(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, *([] if request.user.is_superuser else RIGHTS)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        # A read-only page shows stored fields as they are: not the password's hash.
        return [
            (title, options | {"fields": [name for name in options["fields"] if name != "password"]})
            for title, options in fieldsets
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if request.resolver_match and request.resolver_match.url_name == "autocomplete":
            found = found.filter(is_active=True)  # owners and members are people who can act
        return found, may_repeat

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied  # whoever sets a password can act as that user
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        user = form.instance
        before = _rights_of(user)
        super().save_related(request, form, formsets, change)
        after = _rights_of(user)
        if before != after:
            record_list_change(self._action("changed"), request, user, "rights", before, after)

    @admin.display(description=_("may send from"))
    def sends_from(self, user: User) -> SafeString | str:
        if not user.pk:
            return "-"
        lines = (
            (
                "e2c-yes" if answer.allowed else "e2c-no",
                _("yes") if answer.allowed else _("no"),
                address.email_address,
                answer.because,
            )
            for address, answer in explain_addresses(user)
        )
        listed = format_html_join("", '<div class="e2c-sender"><span class="{}">{}</span> <b>{}</b> {}</div>', lines)
        return format_html(
            '{}<p><a class="e2c-link" href="{}">{}</a></p>',
            listed or "-",
            reverse("admin:cases_senddecision_of_user", args=[user.pk]),
            _("With the last refusals"),
        )


def _may_manage(request: HttpRequest, user: models.Model | None) -> bool:
    """Superusers manage everybody; others only people who cannot enter the back office."""
    if request.user.is_superuser or not isinstance(user, User):
        return True
    return not (user.is_staff or user.is_superuser)


def _rights_of(user: User) -> list[str]:
    groups = [f"group {name}" for name in user.groups.values_list("name", flat=True)]
    return sorted(
        groups + [f"permission {codename}" for codename in user.user_permissions.values_list("codename", flat=True)]
    )
