"""Connections: their state, a test, and the way to the provider's page and back."""

from __future__ import annotations

import secrets
import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import display

from routing import audit
from routing.admin.access import ConfigurationAdmin, can_configure, signed_in
from routing.admin.connection_form import SECRET_FIELDS, ConnectionForm
from routing.admin.connection_state import return_url, state_of
from routing.connection_changes import save_connection
from routing.connection_trial import try_connection
from routing.models import Connection
from routing.oauth import CannotConnect, authorization_url, finish_connecting, new_verifier

SESSION_KEY = "e2c_connecting"
LIFETIME = 15 * 60  # seconds between pressing Connect and coming back

STATE_COLOURS = {
    Connection.State.WORKS: "success",
    Connection.State.BROKEN: "danger",
    Connection.State.NEEDS_CONNECTING: "warning",
    Connection.State.UNTESTED: "default",
}
OF_SMTP, OF_API = "kind == 'smtp'", "kind == 'anymail'"
OF_OAUTH = "kind == 'gmail' || kind == 'microsoft365'"


class ConnectionAdmin(ConfigurationAdmin):
    empty_words = _(
        "A connection is a mail service of its own for an address. Without one mail leaves through the service of "
        "E2C_EMAIL_URL."
    )
    form = ConnectionForm
    list_display = ["name", "state_label", "kind", "account", "state_at"]
    search_fields = ["name", "account"]
    ordering = ["name"]
    change_form_outer_before_template = "routing/admin/connection_state.html"
    conditional_fields = {
        "host": OF_SMTP,
        "port": OF_SMTP,
        "security": OF_SMTP,
        "username": OF_SMTP,
        "password": OF_SMTP,
        "esp": OF_API,
        "api_url": OF_API,
        "api_key": OF_API,
        "second_key": OF_API,
        "client_id": OF_OAUTH,
        "client_secret": OF_OAUTH,
        "tenant": "kind == 'microsoft365'",
    }
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "The mail service that one routing address sends through. Addresses without a connection send "
                    "through the service of E2C_EMAIL_URL."
                ),
                "fields": ["name", "account", "kind"],
            },
        ),
        (
            _("Login"),
            {
                "description": _(
                    "Secrets are stored encrypted and never shown again. Whoever sends them to another server has to "
                    "enter them again."
                ),
                "fields": [
                    "host",
                    "port",
                    "security",
                    "username",
                    "password",
                    "esp",
                    "api_key",
                    "second_key",
                    "api_url",
                    "client_id",
                    "client_secret",
                    "tenant",
                ],
            },
        ),
    ]

    @display(description=_("state"), label=STATE_COLOURS, ordering="state")
    def state_label(self, connection: Connection) -> tuple[str, str]:
        return connection.state, connection.get_state_display()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "api_url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if can_configure(request):
            return fieldsets
        # Read-only pages show stored fields; secrets are none.
        return [
            (title, options | {"fields": [name for name in options["fields"] if name not in SECRET_FIELDS]})
            for title, options in fieldsets
        ]

    # --- saving ---

    @method_decorator(sensitive_post_parameters(*SECRET_FIELDS))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Connection, form: ConnectionForm, change: bool) -> None:
        dropped = save_connection(obj, by=signed_in(request), secrets=form.entered_secrets())
        if dropped and not form.entered_secrets():
            messages.warning(
                request,
                gettext("Its stored secrets were for another server or account: enter them again, or connect again."),
            )

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            audit.record("connection-deleted", row, by=signed_in(request))
        return super().log_deletions(request, queryset)

    # --- the page and its buttons ---

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("connected/", view(self.connected_view), name="routing_connection_connected"),
            path("<path:object_id>/test/", view(self.test_view), name="routing_connection_test"),
            path("<path:object_id>/connect/", view(self.connect_view), name="routing_connection_connect"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        connection = context.get("original")
        if connection is not None:
            context |= {"connection_state": state_of(connection), "may_configure": can_configure(request)}
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Connect and log in, send nothing."""
        connection = self.posted_connection(request, object_id)
        if isinstance(connection, HttpResponse):
            return connection
        result = try_connection(connection, by=signed_in(request))
        (messages.success if result.works else messages.error)(request, str(result))
        if result.works:
            self.mended(request, connection)
        return self.back_to(connection)

    def connect_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that leads to the provider. A redirect after a POST is what our form-action policy forbids."""
        connection = self.posted_connection(request, object_id)
        if isinstance(connection, HttpResponse):
            return connection
        if not connection.uses_oauth or not connection.client_id:
            messages.error(request, gettext("Save it with a client id first."))
            return self.back_to(connection)
        state, verifier = secrets.token_urlsafe(32), new_verifier()
        request.session[SESSION_KEY] = {
            "state": state,
            "verifier": verifier,
            "connection": connection.pk,
            "until": time.time() + LIFETIME,
        }
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": gettext("Connect %(account)s") % {"account": connection.account},
            "connection": connection,
            "provider": connection.get_kind_display(),
            "provider_url": authorization_url(connection, redirect_uri=return_url(), state=state, verifier=verifier),
        }
        return TemplateResponse(request, "routing/admin/connect.html", context)

    def connected_view(self, request: HttpRequest) -> HttpResponse:
        """Where the provider leads the browser back to. What makes it safe to change something on a GET is the state:
        it is in this session alone, for one connection, and works once (RFC 6749 section 10.12).
        """
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not can_configure(request):
            raise PermissionDenied
        begun = request.session.pop(SESSION_KEY, None) or {}
        known = str(begun.get("state", ""))
        given = request.GET.get("state", "")
        if not known or not constant_time_compare(known, given) or time.time() > begun["until"]:
            messages.error(request, gettext("This way back was used before, is too old, or was not begun here."))
            return HttpResponseRedirect(reverse("admin:routing_connection_changelist"))
        connection = get_object_or_404(Connection, pk=begun["connection"])
        if not request.GET.get("code"):
            why = " ".join(request.GET.get("error_description", request.GET.get("error", "")).split())[:300]
            messages.error(request, gettext("The provider connected nothing: %(why)s") % {"why": why or "?"})
            return self.back_to(connection)
        try:
            person = finish_connecting(
                connection,
                code=request.GET["code"],
                verifier=begun["verifier"],
                redirect_uri=return_url(),
                by=signed_in(request),
            )
        except CannotConnect as error:
            messages.error(request, str(error))
            return self.back_to(connection)
        messages.success(request, gettext("Connected as %(person)s. Test it now.") % {"person": person})
        self.mended(request, connection)
        return self.back_to(connection)

    def mended(self, request: HttpRequest, connection: Connection) -> None:
        """Called when it works again. The application that has the outgoing mail lets it go."""

    def posted_connection(self, request: HttpRequest, object_id: str) -> Connection | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not can_configure(request):
            raise PermissionDenied
        key = int(object_id) if object_id.isdecimal() and len(object_id) < 19 else 0
        return get_object_or_404(Connection, pk=key)

    def back_to(self, connection: Connection) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:routing_connection_change", args=[connection.pk]))
