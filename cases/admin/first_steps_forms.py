"""The small forms of the first steps. Everything else about these rows stands on their own pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from cases.selectors.people import reps
from routing.admin.address_form import RoutingAddressForm
from routing.models import AssignmentRule, Queue, RecordType, RoutingAddress, RoutingFlow

CHOICES = (
    *("case_origin", "case_priority", "case_record_type", "strategy"),
    *("owner_queue", "owner_user", "assignment_rule", "flow", "fallback_queue"),
)


class QueueForm(forms.ModelForm):
    class Meta:
        model = Queue
        fields = ["name"]
        labels = {"name": _("Name of the queue")}
        widgets = {"name": UnfoldAdminTextInputWidget(attrs={"placeholder": _("Support")})}


class RecordTypeForm(forms.ModelForm):
    class Meta:
        model = RecordType
        fields = ["name"]
        labels = {"name": _("Name of the record type")}
        widgets = {"name": UnfoldAdminTextInputWidget(attrs={"placeholder": _("Support")})}


class RepForm(forms.Form):
    user = forms.ModelChoiceField(
        queryset=User.objects.none(), label=_("Person"), widget=UnfoldAdminSelectWidget, empty_label=_("– choose –")
    )
    may_reply = forms.BooleanField(
        required=False,
        initial=True,
        label=_("may reply to cases"),
        help_text=_("Puts them into the group “Reps”, which holds that permission."),
        widget=UnfoldBooleanWidget,
    )

    def __init__(self, *args: Any, gives_rights: bool, **kwargs: Any) -> None:
        """`gives_rights`: whether whoever asks may give permissions to others; without it the question is not put."""
        super().__init__(*args, **kwargs)
        self.fields["user"].queryset = User.objects.filter(is_active=True).order_by("username")  # type: ignore[attr-defined]
        if not gives_rights:
            del self.fields["may_reply"]


class FirstAddressForm(RoutingAddressForm):
    """What a routing address cannot do without; its own page has the rest."""

    permission_sets_to_grant = None  # type: ignore[assignment]  # removes the field

    class Meta:
        model = RoutingAddress
        fields = [
            "email_address",
            "routing_name",
            "case_origin",
            "case_priority",
            "case_record_type",
            "controlled_by_permission_set",
            "strategy",
            "owner_queue",
            "owner_user",
            "assignment_rule",
            "flow",
            "fallback_queue",
        ]
        widgets = {
            "email_address": UnfoldAdminTextInputWidget(
                attrs={"placeholder": "support@company.com", "autocomplete": "off", "inputmode": "email"}
            ),
            "routing_name": UnfoldAdminTextInputWidget(attrs={"placeholder": _("Support")}),
            "controlled_by_permission_set": UnfoldBooleanWidget,
        } | dict.fromkeys(CHOICES, UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, queue: Queue | None = None, trial: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner_queue"].initial = queue.pk if queue is not None else None
        people: Any = self.fields["owner_user"]
        people.queryset = reps().order_by("username")
        self.fields["owner_queue"].help_text = _("A queue or a user. Neither: the default case owner.")
        self.fields["owner_user"].help_text = ""
        if trial:  # the name is the address: RoutingAddress.clean writes it
            del self.fields["routing_name"]
        if not AssignmentRule.objects.exists():
            self.fields["assignment_rule"].help_text = _("There is none yet: make one first.")
        if not RoutingFlow.objects.exists():
            self.fields["flow"].help_text = _("There is none yet: make one first.")
