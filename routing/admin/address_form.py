"""The form of a routing address: its own fields, and the permission sets that may send from it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from routing import permission_sets
from routing.addresses import normalise_address
from routing.choices import Strategy
from routing.models import PermissionSet, RoutingAddress


class RoutingAddressForm(forms.ModelForm):
    permission_sets_to_grant = forms.ModelMultipleChoiceField(
        queryset=PermissionSet.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label=_("Permission sets"),
        help_text=_("Members of these may send from this address while it is controlled by permission set."),
    )

    class Meta:
        model = RoutingAddress
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets name the fields; verification fields are not editable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("permission_sets_to_grant")
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = PermissionSet.objects.all()
            if not field.queryset.exists():
                field.help_text = _(
                    "There is none yet. Make one under Permission sets, with this address and members."
                )
            if self.instance.pk:
                field.initial = list(permission_sets.permission_sets_granting(self.instance))
        for name in ("signature", "accept_email_from", "block_email_from", "unwrap_forwards_from"):
            if name in self.fields:
                self.fields[name].widget.attrs["rows"] = 3
        if "fallback_queue" in self.fields:
            self.fields["fallback_queue"].help_text = _("Gets every case for which nobody is named, or routing fails.")

    def clean(self) -> dict[str, Any]:
        """The strategy says which fields count: the others are cleared, and what it needs is asked for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        strategy = cleaned.get("strategy")
        needed = {Strategy.RULES: ["assignment_rule"], Strategy.FLOW: ["flow", "fallback_queue"]}
        if strategy not in Strategy.values:
            return cleaned
        for name in ("assignment_rule", "flow", "fallback_queue"):
            is_used = name in needed.get(strategy, []) or (name == "fallback_queue" and strategy != Strategy.OWNER)
            if not is_used and name not in self.errors:
                cleaned[name] = None
        for name in needed.get(strategy, []):
            if name not in self.errors and cleaned.get(name) is None:
                self.add_error(name, _("Needed for “%(strategy)s”.") % {"strategy": Strategy(strategy).label})
        return cleaned

    def clean_email_address(self) -> str:
        """One address, not in use. The constraint says the same, but Django skips it on forms without `deleted_at`."""
        typed: str = self.cleaned_data["email_address"]
        email_address = normalise_address(typed)
        if email_address is None:
            return typed  # RoutingAddress.clean refuses it with a sentence
        others = RoutingAddress.objects.not_deleted().exclude(pk=self.instance.pk)
        if others.filter(email_address__iexact=email_address).exists():
            raise forms.ValidationError(_("Another routing address already uses this email address."))
        return email_address
