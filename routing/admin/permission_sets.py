"""Permission sets: their members with an end, and the addresses they may send from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from routing import permission_sets
from routing.admin.access import ConfigurationAdmin, ConfigurationInline, signed_in
from routing.models import PermissionSet, PermissionSetMember, RoutingAddress


class PermissionSetForm(forms.ModelForm):
    addresses = forms.ModelMultipleChoiceField(
        queryset=RoutingAddress.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label=_("Routing addresses"),
        help_text=_("Members may send from these, once they are verified."),
    )

    class Meta:
        model = PermissionSet
        fields = ["label", "description", "is_active", "requires_approval"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("addresses")
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = RoutingAddress.objects.not_deleted()
            if not field.queryset.exists():
                field.help_text = _("There is none yet. Add the address first, then choose it here.")
            if self.instance.pk:
                field.initial = list(permission_sets.addresses_granted_by(self.instance))


class MemberInline(ConfigurationInline):
    model = PermissionSetMember
    autocomplete_fields = ["user"]
    ordering = ["user__username"]
    fields = ["user", "expires_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PermissionSetMember]:
        return super().get_queryset(request).select_related("user", "permission_set")


@admin.register(PermissionSet)
class PermissionSetAdmin(ConfigurationAdmin):
    empty_words = _(
        "A permission set says who may send from addresses that are controlled by permission set. Without one "
        "every rep may send from the others."
    )
    form = PermissionSetForm
    inlines = [MemberInline]
    list_display = ["label", "state", "member_count", "address_count", "description"]
    search_fields = ["label", "description"]
    ordering = ["label"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Who may send from which addresses, when an address is controlled by permission set."
                ),
                "fields": ["label", "description", "is_active", "requires_approval", "addresses"],
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PermissionSet]:
        granted = Q(group__routingaddressgrant__permission__codename=permission_sets.SEND_CODENAME)
        return (
            super()
            .get_queryset(request)
            .annotate(
                members_now=Count("memberships", distinct=True),
                addresses_now=Count("group__routingaddressgrant__content_object", distinct=True, filter=granted),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: PermissionSet | None = None) -> Any:
        if self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ["label", "description", "is_active", "requires_approval", "granted"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: PermissionSet | None = None) -> list[str]:
        return [] if self.has_change_permission(request, obj) else ["granted"]

    @admin.display(description=_("routing addresses"))
    def granted(self, permission_set: PermissionSet) -> str:
        return ", ".join(each.email_address for each in permission_sets.addresses_granted_by(permission_set)) or "-"

    @display(description=_("state"), label={"active": "success", "inactive": "default"})
    def state(self, permission_set: PermissionSet) -> tuple[str, Any]:
        return ("active", _("Active")) if permission_set.is_active else ("inactive", _("Not active"))

    @admin.display(description=_("members"), ordering="members_now")
    def member_count(self, permission_set: PermissionSet) -> int:
        return permission_set.members_now  # type: ignore[attr-defined]

    @admin.display(description=_("addresses"), ordering="addresses_now")
    def address_count(self, permission_set: PermissionSet) -> int:
        return permission_set.addresses_now  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: PermissionSet, form: PermissionSetForm, change: bool) -> None:
        person = signed_in(request)
        if change:
            permission_sets.change_permission_set(obj, by=person)
        else:
            made = permission_sets.create_permission_set(
                obj.label,
                description=obj.description,
                is_active=obj.is_active,
                requires_approval=obj.requires_approval,
                by=person,
            )
            obj.pk, obj.group, obj._state.adding = made.pk, made.group, False
        if "addresses" in form.cleaned_data:
            permission_sets.set_addresses_of(obj, form.cleaned_data["addresses"], by=person)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        person, permission_set = signed_in(request), form.instance
        formset.save(commit=False)  # sorts the rows into new, changed and deleted; writing is the use cases' part
        for member in formset.deleted_objects:
            permission_sets.remove_member(permission_set, member.user, by=person)
        for member, fields in formset.changed_objects:
            if "user" in fields:
                former = PermissionSetMember.objects.select_related("user").get(pk=member.pk).user
                permission_sets.remove_member(permission_set, former, by=person)
            permission_sets.add_member(permission_set, member.user, by=person, expires_at=member.expires_at)
        for member in formset.new_objects:
            permission_sets.add_member(permission_set, member.user, by=person, expires_at=member.expires_at)

    def delete_model(self, request: HttpRequest, obj: PermissionSet) -> None:
        permission_sets.delete_permission_set(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PermissionSet]) -> None:
        for permission_set in PermissionSet.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))):
            permission_sets.delete_permission_set(permission_set, by=signed_in(request))
