"""Routing addresses: the list, and the page with the state of an address above its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from routing.admin.access import CAME_FROM_STEP, ConfigurationAdmin, can_configure, first_steps_url, signed_in
from routing.admin.address_fieldsets import CONDITIONAL_FIELDS, FIELDSETS
from routing.admin.address_filter import StateFilter
from routing.admin.address_form import RoutingAddressForm
from routing.admin.address_state import state_of
from routing.breaker import resume_auto_response
from routing.deletion import delete_routing_address
from routing.models import RoutingAddress
from routing.permission_sets import addresses_without_senders
from routing.registration import save_routing_address
from routing.verification import VerificationRefused, send_verification


class RoutingAddressAdmin(ConfigurationAdmin):
    empty_words = _(
        "A routing address is one that your customers write to: its mail becomes cases. The first steps lead "
        "through the first one."
    )
    form = RoutingAddressForm
    list_display = ["name_and_email", "status", "owner", "controlled", "last_mail_at"]
    list_display_links = ["name_and_email"]
    list_filter = [
        StateFilter,
        ("case_record_type", RelatedDropdownFilter),
        ("owner_queue", RelatedDropdownFilter),
        ("case_priority", ChoicesDropdownFilter),
    ]
    list_select_related = ["owner_user", "owner_queue", "assignment_rule", "flow"]
    list_per_page = 50
    search_fields = ["routing_name", "email_address", "services_token"]
    search_help_text = _("Name, email address or services address")
    ordering = ["routing_name", "id"]
    autocomplete_fields = ["owner_user", "owner_queue", "assignment_rule", "flow", "fallback_queue"]
    actions = ["send_verification_mails"]
    change_form_outer_before_template = "routing/admin/address_state.html"
    change_form_outer_after_template = "routing/admin/dry_run_button.html"
    delete_confirmation_template = "routing/admin/delete_address.html"
    delete_selected_confirmation_template = "routing/admin/delete_addresses.html"
    fieldsets = FIELDSETS
    conditional_fields = CONDITIONAL_FIELDS

    # --- permissions and fields ---

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_deleted)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_deleted)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # In a trial instance the name is the address: RoutingAddress.clean writes it.
        return ["routing_name"] if settings.E2C_TRIAL else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) or (obj is None and can_configure(request)):
            return fieldsets
        # Read-only pages show stored fields; the picker is none. The state above the form says who can send.
        return [
            (title, options | {"fields": [name for name in options["fields"] if name != "permission_sets_to_grant"]})
            for title, options in fieldsets
        ]

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingAddress]:
        without = addresses_without_senders().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).annotate(has_no_sender=Exists(without))

    @display(description=_("routing address"), header=True, ordering="routing_name")
    def name_and_email(self, address: RoutingAddress) -> list[str]:
        return [address.routing_name, address.email_address]

    @display(
        description=_("status"),
        label={"verified": "success", "unverified": "warning", "inactive": "default", "deleted": "danger"},
    )
    def status(self, address: RoutingAddress) -> tuple[str, Any]:
        if address.is_deleted:
            return "deleted", _("Deleted")
        if not address.is_active:
            return "inactive", _("Switched off")
        return ("verified", _("Verified")) if address.is_verified else ("unverified", _("Not verified"))

    @display(description=_("routing"), empty_value=_("default"))
    def owner(self, address: RoutingAddress) -> Any:
        return address.assignment_rule or address.flow or address.owner_user or address.owner_queue

    @display(
        description=_("sending"),
        label={"open": "default", "closed": "default", "controlled": "info", "nobody": "warning"},
    )
    def controlled(self, address: RoutingAddress) -> tuple[str, Any]:
        if address.is_deleted or not address.is_active or not address.is_verified:
            return "closed", _("Nobody")
        if not address.controlled_by_permission_set:
            return "open", _("Every rep")
        if address.has_no_sender:  # type: ignore[attr-defined]
            return "nobody", _("Nobody can send")
        return "controlled", _("Permission set")

    @admin.action(description=_("Send verification mail"), permissions=["change"])
    def send_verification_mails(self, request: HttpRequest, queryset: QuerySet[RoutingAddress]) -> None:
        for address in queryset[:20]:
            self._send_verification(request, address)

    # --- saving ---

    def save_model(self, request: HttpRequest, obj: RoutingAddress, form: RoutingAddressForm, change: bool) -> None:
        person = signed_in(request)
        is_due = save_routing_address(
            obj, by=person, permission_sets_to_grant=form.cleaned_data.get("permission_sets_to_grant")
        )
        if is_due:
            # After the commit: the mail service is slow, and a rolled back address must not be mailed.
            transaction.on_commit(lambda: self._send_verification(request, obj))
        if obj.controlled_by_permission_set and addresses_without_senders().filter(pk=obj.pk).exists():
            messages.warning(
                request,
                gettext(
                    "The address is controlled by permission set, and nobody holds a grant: nobody can send from it. "
                    "Choose a permission set with active members."
                ),
            )

    def _send_verification(self, request: HttpRequest, address: RoutingAddress) -> None:
        try:
            mail = send_verification(address, by=signed_in(request))
        except VerificationRefused as refusal:
            messages.warning(request, f"{address.email_address}: {refusal}")
            return
        if mail.state == mail.State.FAILED:
            messages.error(
                request,
                gettext("The verification mail to %(email)s could not be sent: %(why)s")
                % {"email": mail.email_address, "why": mail.detail},
            )
        else:
            messages.success(
                request, gettext("A verification mail is on its way to %(email)s.") % {"email": mail.email_address}
            )

    # --- deleting: the row stays ---

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        addresses = list(objs)
        lacking = {str(self.opts.verbose_name) for each in addresses if not self.has_delete_permission(request, each)}
        return [str(each) for each in addresses], {str(self.opts.verbose_name_plural): len(addresses)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: RoutingAddress) -> None:
        delete_routing_address(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RoutingAddress]) -> None:
        for address in queryset:
            delete_routing_address(address, by=signed_in(request))

    # --- the page ---

    def get_urls(self) -> list[URLPattern]:
        verify = path(
            "<path:object_id>/verify/",
            self.admin_site.admin_view(self.verify_view),
            name="routing_routingaddress_verify",
        )
        resume = path(
            "<path:object_id>/resume-answers/",
            self.admin_site.admin_view(self.resume_view),
            name="routing_routingaddress_resume",
        )
        return [verify, resume, *super().get_urls()]

    def verify_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the verification mail (again). It never verifies by itself."""
        return self._act(request, object_id, self._send_verification)

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let an address answer by itself again after its breaker stopped it."""
        return self._act(request, object_id, self._resume_answers)

    def _act(
        self, request: HttpRequest, object_id: str, act: Callable[[HttpRequest, RoutingAddress], None]
    ) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not can_configure(request):
            raise PermissionDenied
        key = int(object_id) if object_id.isdecimal() and len(object_id) < 19 else 0
        address = get_object_or_404(RoutingAddress.objects.not_deleted(), pk=key)
        act(request, address)
        if step := request.GET.get(CAME_FROM_STEP):
            return HttpResponseRedirect(first_steps_url(step, address=address.pk))
        return HttpResponseRedirect(reverse("admin:routing_routingaddress_change", args=[address.pk]))

    def _resume_answers(self, request: HttpRequest, address: RoutingAddress) -> None:
        if resume_auto_response(address, by=signed_in(request)):
            messages.success(request, gettext("The address answers by itself again."))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        address = context.get("original")
        if address is not None:
            context["address_state"] = state_of(address)
            context["may_configure"] = can_configure(request) and not address.is_deleted
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response
