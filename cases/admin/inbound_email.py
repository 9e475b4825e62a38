"""Inbound mail: state, reason, trail, the bytes as received, and another try."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from cases.admin.dry_run import dry_run_page
from cases.admin.history import HistoryAdmin, is_key, isolated, short_time
from cases.admin.mail_lab import mail_lab_page
from cases.downloads import download, open_raw_body, plain_text
from cases.inbound.retry import RETRYABLE, CannotRetry, discard_inbound_email, retry_inbound_email
from cases.models import InboundEmail
from cases.reasons import Reason
from routing.admin.access import can_configure, signed_in

SHOWN_AS_TEXT = 262_144  # bytes of the raw request on a page
STATE_COLOURS = {
    InboundEmail.State.CASE: "success",
    InboundEmail.State.APPENDED: "success",
    InboundEmail.State.HELD: "warning",
    InboundEmail.State.QUARANTINED: "danger",
    InboundEmail.State.REJECTED: "info",
}


def reason_in_words(slug: str) -> str:
    return str(Reason(slug).label) if slug in Reason.values else slug


@admin.register(InboundEmail)
class InboundEmailAdmin(HistoryAdmin):
    empty_words = _(
        "Every mail that a provider or mail server brings stands here, whatever becomes of it. The mail lab tries one."
    )
    list_display = ["received", "state_label", "why", "sender", "about", "routing_address", "provider"]
    list_display_links = ["received"]
    list_filter = [("state", ChoicesDropdownFilter), ("received_at", RangeDateTimeFilter)]
    list_select_related = ["routing_address"]
    search_fields = ["from_address"]
    search_help_text = _("The sender's whole address, or the number of the inbound mail")
    change_form_outer_before_template = "admin/cases/inboundemail/state.html"
    fieldsets = [
        (
            _("The mail"),
            {"fields": ["sender", "about", "routing_address", "envelope", "also_received"]},
        ),
        (
            _("The request that brought it"),
            {
                "description": _("Stored before anything looked at it. Passwords and cookies are not kept."),
                "fields": ["received_at", "provider", "request_line", "remote_address", "size", "request_headers"],
            },
        ),
        (
            _("Work on it"),
            {"fields": ["attempts", "settled_at", "waved_through", "waved_through_by", "last_error"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEmail]:
        rows = super().get_queryset(request)
        if request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist"):
            return rows.defer("trail", "headers", "query", "last_error", "envelope_recipients", "also_received_by")
        return rows.select_related("routing_address", "raw", "waved_through_by", "duplicate_of__case").defer(
            "raw__content"
        )

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return rows.filter(pk=int(term)) if is_key(term) else rows.filter(from_address=term.lower())

    # Columns and facts -----------------------------------------------------------------------------------------------
    @display(description=_("received"))
    def received(self, inbound: InboundEmail) -> Any:
        return short_time(inbound.received_at)

    @display(description=_("state"), label=STATE_COLOURS)
    def state_label(self, inbound: InboundEmail) -> tuple[str, str]:
        return inbound.state, inbound.get_state_display()

    @display(description=_("why"))
    def why(self, inbound: InboundEmail) -> SafeString | str:
        words = reason_in_words(inbound.reason)
        return format_html('<span class="e2c-cut e2c-narrow" title="{}">{}</span>', words, words) if words else ""

    @display(description=_("from"))
    def sender(self, inbound: InboundEmail) -> SafeString:
        return isolated(inbound.from_address or "–")

    @display(description=_("subject"))
    def about(self, inbound: InboundEmail) -> SafeString:
        return format_html('<bdi class="e2c-cut">{}</bdi>', inbound.subject or "–")

    @display(description=_("envelope"))
    def envelope(self, inbound: InboundEmail) -> SafeString:
        return format_html(
            "<bdi>{}</bdi> → <bdi>{}</bdi>",
            inbound.envelope_sender or "–",
            ", ".join(inbound.envelope_recipients) or "–",
        )

    @display(description=_("also received by"))
    def also_received(self, inbound: InboundEmail) -> str:
        return ", ".join(inbound.also_received_by) or "–"

    @display(description=_("request"))
    def request_line(self, inbound: InboundEmail) -> SafeString:
        return isolated(f"{inbound.method} {inbound.path}".strip() or "–")

    @display(description=_("size"))
    def size(self, inbound: InboundEmail) -> str:
        return gettext("%(bytes)s bytes, SHA-256 %(sha256)s") % {
            "bytes": f"{inbound.raw.size:,}",
            "sha256": inbound.raw.sha256,
        }

    @display(description=_("headers of the request"))
    def request_headers(self, inbound: InboundEmail) -> SafeString:
        return format_html('<pre class="e2c-pre">{}</pre>', json.dumps(inbound.headers, indent=1, ensure_ascii=False))

    # Pages -----------------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Callable[..., HttpResponseBase]]] = [
            ("download", self.download_view),
            ("raw", self.raw_view),
            ("retry", self.retry_view),
            ("wave-through", self.wave_through_view),
            ("discard", self.discard_view),
        ]
        own = [
            path(
                f"<int:inbound_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"cases_inboundemail_{name.replace('-', '_')}",
            )
            for name, view in pages
        ]
        dry_run = path(
            "dry-run/<slug:model_name>/<slug:object_id>/",
            self.admin_site.admin_view(self.dry_run_view),
            name="cases_inboundemail_dry_run",
        )
        lab = path("lab/", self.admin_site.admin_view(self.lab_view), name="cases_inboundemail_lab")
        return [lab, dry_run, *own, *super().get_urls()]

    def lab_view(self, request: HttpRequest) -> HttpResponse:
        """What would become of a mail if a provider posted it now (cases.admin.mail_lab)."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        context: dict[str, Any] = self.admin_site.each_context(request)
        return mail_lab_page(request, context)

    def dry_run_view(self, request: HttpRequest, model_name: str, object_id: str) -> HttpResponse:
        """What would change if the posted form of the configuration were saved (cases.admin.dry_run)."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = self.admin_site.each_context(request)
        return dry_run_page(request, context, model_name, object_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        inbound = self.get_object(request, object_id)
        message = getattr(inbound, "email_message", None)
        duplicate_of = inbound.duplicate_of if inbound is not None else None
        context = {
            "reason_words": reason_in_words(inbound.reason) if inbound is not None else "",
            "on_case": message.case if message is not None else duplicate_of.case if duplicate_of else None,
            "may_act": self.may_act(request) and inbound is not None and inbound.state in RETRYABLE,
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def may_act(self, request: HttpRequest) -> bool:
        return can_configure(request) or request.user.has_perm("cases.retry_inboundemail")

    def _readable(self, request: HttpRequest, inbound_id: int) -> InboundEmail:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(InboundEmail.objects.select_related("raw__blob"), pk=inbound_id)

    def download_view(self, request: HttpRequest, inbound_id: int) -> HttpResponseBase:
        """The exact bytes of the request: their SHA-256 is the one on the page."""
        inbound = self._readable(request, inbound_id)
        return download(_opened(inbound), file_name=f"inbound-{inbound.pk}.txt")

    def raw_view(self, request: HttpRequest, inbound_id: int) -> HttpResponseBase:
        with _opened(self._readable(request, inbound_id)) as content:
            beginning = content.read(SHOWN_AS_TEXT + 1)
        text = beginning[:SHOWN_AS_TEXT].decode("utf-8", "replace")
        if len(beginning) > SHOWN_AS_TEXT:
            text += "\n\n" + gettext("[The rest is in the download.]")
        return plain_text(text)

    def retry_view(self, request: HttpRequest, inbound_id: int) -> HttpResponseBase:
        return self._act(
            request,
            inbound_id,
            lambda: retry_inbound_email(inbound_id=inbound_id, by=signed_in(request), wave_through=False),
            gettext("The mail is tried again. Reload in a moment to see what became of it."),
        )

    def wave_through_view(self, request: HttpRequest, inbound_id: int) -> HttpResponseBase:
        return self._act(
            request,
            inbound_id,
            lambda: retry_inbound_email(inbound_id=inbound_id, by=signed_in(request), wave_through=True),
            gettext("The mail is tried again without the check that stopped it."),
        )

    def discard_view(self, request: HttpRequest, inbound_id: int) -> HttpResponseBase:
        reason = request.POST.get("reason", "").strip()
        if request.method == "POST" and not reason:
            messages.error(request, gettext("Say why this mail is discarded: others will ask."))
            return redirect(self._page_of(inbound_id))
        return self._act(
            request,
            inbound_id,
            lambda: discard_inbound_email(inbound_id=inbound_id, by=signed_in(request), reason=reason[:300]),
            gettext("The mail is discarded. Its bytes and this record stay."),
        )

    def _act(
        self, request: HttpRequest, inbound_id: int, act: Callable[[], InboundEmail], done: str
    ) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_view_permission(request) and self.may_act(request)):
            raise PermissionDenied
        try:
            act()
        except InboundEmail.DoesNotExist as error:
            raise Http404 from error
        except CannotRetry as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        return redirect(self._page_of(inbound_id))

    def _page_of(self, inbound_id: int) -> str:
        return reverse("admin:cases_inboundemail_change", args=[inbound_id])


def _opened(inbound: InboundEmail) -> Any:
    try:
        return open_raw_body(inbound.raw)
    except FileNotFoundError as error:
        raise Http404(gettext("The storage does not have these bytes.")) from error
