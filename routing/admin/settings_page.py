"""The Email-to-Case page: one row, so the list is the page itself."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from routing.admin.access import AuditedAdmin
from routing.models import EmailToCaseSettings


class EmailToCaseSettingsAdmin(AuditedAdmin):
    autocomplete_fields = ["default_case_owner_user", "default_case_owner_queue", "automated_case_user"]
    change_form_outer_after_template = "routing/admin/dry_run_button.html"
    fieldsets = [
        (
            _("Email-to-Case"),
            {
                "description": _("The main switch, and who owns a case when its address names nobody."),
                "fields": [
                    "enabled",
                    "default_case_owner_user",
                    "default_case_owner_queue",
                    "automated_case_user",
                    "notify_case_owner_on_new_email",
                ],
            },
        ),
        (
            _("Threads"),
            {
                "description": _("How an answer finds its case. A case number alone is never a proof."),
                "fields": ["token_in_subject", "token_in_body", "use_headers_for_threading"],
            },
        ),
        (
            _("Writing"),
            {
                "description": _("What replies of reps look like. The address they start with: Email action."),
                "fields": ["html_email", "signature_before_thread", "reply_with_new_content_only"],
            },
        ),
        (
            _("Limits and refusals"),
            {
                "description": _("What happens to mail that may not open a case. None of these loses a mail."),
                "fields": [
                    "unauthorized_sender_action",
                    "over_limit_action",
                    "daily_limit",
                    "sender_hourly_limit",
                    "hold_spam",
                    "hold_bulk",
                    "hold_dmarc_failures",
                ],
            },
        ),
        (
            _("Automatic mail"),
            {
                "description": _("How many notices and automatic answers may leave, whatever happens."),
                "fields": ["automatic_mail_daily_budget", "automatic_mail_recipient_budget"],
            },
        ),
        (
            _("Attachments"),
            {
                "description": _("How the files of a mail are kept and shown."),
                "fields": ["dedupe_attachments", "max_attachments"],
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not EmailToCaseSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = EmailToCaseSettings.objects.first()
        if row is not None:
            return HttpResponseRedirect(reverse("admin:routing_emailtocasesettings_change", args=[row.pk]))
        if self.has_add_permission(request):
            return HttpResponseRedirect(reverse("admin:routing_emailtocasesettings_add"))
        raise PermissionDenied

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        obj.pk = 1  # the only key that its constraint allows
        super().save_model(request, obj, form, change)
