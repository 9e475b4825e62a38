"""The page of a routing address with what mail adds to it: the live checklist, a test mail, the answers of DNS."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.first_steps import first_steps_page
from cases.outbound.loop_tests import CannotTest, send_test
from cases.templatetags.setup_admin import proof_context
from routing.admin.access import FIRST_STEPS, can_configure, signed_in
from routing.admin.addresses import RoutingAddressAdmin
from routing.domain_checks import DnsIsOff, check_now
from routing.models import RoutingAddress

__all__ = ["RoutingAddressWithProofAdmin"]


@admin.register(RoutingAddress)
class RoutingAddressWithProofAdmin(RoutingAddressAdmin):
    fieldsets = [
        *RoutingAddressAdmin.fieldsets,
        (
            _("Canary"),
            {
                "description": _("A test mail by a schedule: you hear that mail stops before a customer says so."),
                "fields": ["canary_hours"],
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        views = {"proof": self.proof_view, "test-mail": self.test_mail_view, "check-dns": self.check_dns_view}
        own = [
            path(
                f"<path:object_id>/{page}/",
                self.admin_site.admin_view(view),
                name=f"routing_routingaddress_{page.replace('-', '_')}",
            )
            for page, view in views.items()
        ]
        first = path(
            "first-steps/", self.admin_site.admin_view(self.first_steps_view), name=FIRST_STEPS.partition(":")[2]
        )
        return [first, *own, *super().get_urls()]

    def first_steps_view(self, request: HttpRequest) -> HttpResponse:
        """From an empty instance to the first case (cases.admin.first_steps)."""
        context: dict[str, Any] = self.admin_site.each_context(request)
        return first_steps_page(request, context, save_address=self._save_first)

    def _save_first(self, request: HttpRequest, address: RoutingAddress, form: Any) -> None:
        self.save_model(request, address, form, change=False)
        self.log_addition(request, address, self.construct_change_message(request, form, [], add=True))

    def proof_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The checklist alone: the page asks for it again while something is under way."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        address = self.get_object(request, object_id)
        if address is None or address.is_deleted:
            raise Http404
        context = proof_context(address, now=timezone.now()) | {"may_configure": can_configure(request)}
        return TemplateResponse(request, "admin/cases/address_proof.html", context)

    def test_mail_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test mail to the public address; the page then shows its way."""
        return self._act(request, object_id, self._send_test)

    def check_dns_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask DNS about the domain of the address: some seconds at most."""
        return self._act(request, object_id, self._check_dns)

    def _send_test(self, request: HttpRequest, address: RoutingAddress) -> None:
        try:
            send_test(address, by=signed_in(request), now=timezone.now())
        except CannotTest as refusal:
            messages.warning(request, str(refusal))

    def _check_dns(self, request: HttpRequest, address: RoutingAddress) -> None:
        try:
            check_now(address, now=timezone.now())
        except DnsIsOff:
            messages.warning(request, gettext("E2C_DNS is off: nothing was asked."))
