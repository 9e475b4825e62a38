"""Email templates and quick texts: written here, with a preview of what a customer would get."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from cases.admin.history import is_key
from cases.models import Case
from cases.outbound.filled_templates import FilledTemplate, clean_html, fill_template
from cases.outbound.merge_values import merge_values, sample_values
from cases.selectors.visible import visible_cases
from routing.admin.access import AuditedAdmin, can_configure, signed_in
from routing.merge_fields import FIELDS
from routing.models import EmailTemplate, QuickText, RecordType, RoutingAddress

MOST_USES = 20  # places that a page names


class EmailTemplateForm(forms.ModelForm):
    class Meta:
        model = EmailTemplate
        fields = ["name", "subject", "language", "is_active", "html_body", "text_body"]

        widgets = {
            "html_body": UnfoldAdminTextareaWidget(attrs={"rows": 9}),
            "text_body": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }
        help_texts = {"html_body": _("Plain words are enough: blank lines make paragraphs. HTML is cleaned.")}

    def clean_html_body(self) -> str:
        return clean_html(self.cleaned_data["html_body"])


class PreviewedAdmin(AuditedAdmin):
    """A page with the list of merge fields and a live preview. `preview/` answers a POST of the form with the preview
    alone; it stores nothing.
    """

    change_form_after_template = "admin/cases/template_preview.html"

    class Media:
        js = ["cases/template_preview.js"]

    def as_template(self, values: Any) -> EmailTemplate:
        """What the form, or the row, holds as a template."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        preview = path(
            "preview/",
            self.admin_site.admin_view(self.preview_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_preview",
        )
        return [preview, *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not can_configure(request):
            raise PermissionDenied
        return render(request, "admin/cases/template_preview_body.html", self.preview(request, request.POST))

    def preview(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        """The template against a case that the person may see, or against a sample. One query more for a case."""
        asked = str(form.get("preview_case", "")).strip()
        case = _visible_case(request, asked) if asked else None
        filled: FilledTemplate = fill_template(self.as_template(form), _values_for(request, case))
        return {"filled": filled, "preview_case": case, "case_not_found": bool(asked) and case is None}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        values = form.data if form.is_bound else {name: form[name].value() or "" for name in form.fields}
        if not form.is_bound and context.get("original") is not None and not form.fields:
            values = vars(context["original"])  # a read-only page has no form
        context |= self.preview(request, values)
        context |= {
            "merge_fields": FIELDS,
            "preview_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_preview"),
            "may_preview": can_configure(request),
        }
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response


def _visible_case(request: HttpRequest, number: str) -> Case | None:
    if not is_key(number):
        return None
    visible = visible_cases(request.user).with_number(int(number))
    return visible.select_related("contact", "routing_address").first()


def _values_for(request: HttpRequest, case: Case | None) -> dict[str, str]:
    person = signed_in(request)
    if case is None:
        return sample_values(author=person)
    return merge_values(case, author=person, send_from=case.routing_address)


@admin.register(EmailTemplate)
class EmailTemplateAdmin(PreviewedAdmin):
    empty_words = _("A template is a whole text that reps start from, and that automatic answers are made of.")
    form = EmailTemplateForm
    list_display = ["name", "about", "language", "state"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    ordering = ["name"]
    change_form_outer_before_template = "admin/cases/template_state.html"
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A mail that reps choose in the composer, or that an address answers with by itself."
                ),
                "fields": ["name", ("language", "is_active"), "subject", "html_body", "text_body"],
            },
        )
    ]

    def as_template(self, values: Any) -> EmailTemplate:
        names = ("subject", "html_body", "text_body")
        texts = {name: str(values.get(name, "") or "") for name in names}
        return EmailTemplate(**texts | {"html_body": clean_html(texts["html_body"])})

    @display(description=_("subject"))
    def about(self, template: EmailTemplate) -> str:
        return template.subject or str(_("that of the mail answered"))

    @display(description=_("state"), label={"active": "success", "inactive": "default"})
    def state(self, row: EmailTemplate) -> tuple[str, Any]:
        return ("active", _("Active")) if row.is_active else ("inactive", _("Switched off"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if template := context.get("original"):
            context["answering_addresses"] = RoutingAddress.objects.not_deleted().filter(
                auto_response_template=template
            )[:MOST_USES]
            context["asking_addresses"] = RoutingAddress.objects.not_deleted().filter(satisfaction_template=template)[
                :MOST_USES
            ]
            context["record_types"] = RecordType.objects.filter(default_template=template)[:MOST_USES]
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(QuickText)
class QuickTextAdmin(PreviewedAdmin):
    empty_words = _("A quick text is a sentence or two that reps put into what they write, by typing a shortcut.")
    list_display = ["code", "name", "beginning", "state"]
    list_display_links = ["code", "name"]
    list_filter = ["is_active"]
    search_fields = ["shortcut", "name"]
    ordering = ["shortcut"]
    fieldsets = [
        (
            None,
            {
                "description": _("A few words that reps put into a mail by typing “;” and the shortcut."),
                "fields": ["shortcut", "name", "body", "is_active"],
            },
        )
    ]

    def as_template(self, values: Any) -> EmailTemplate:
        return EmailTemplate(text_body=str(values.get("body", "") or ""))

    @display(description=_("shortcut"))
    def code(self, row: QuickText) -> str:
        return f";{row.shortcut}"

    @display(description=_("text"))
    def beginning(self, row: QuickText) -> str:
        return row.body if len(row.body) <= 80 else row.body[:79] + "…"

    @display(description=_("state"), label={"active": "success", "inactive": "default"})
    def state(self, row: QuickText) -> tuple[str, Any]:
        return ("active", _("Active")) if row.is_active else ("inactive", _("Switched off"))
