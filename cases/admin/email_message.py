"""Mails on cases and their files, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from cases.admin.case import OfVisibleCases, case_link
from cases.admin.history import HistoryAdmin, is_key, short_time
from cases.file_names import safe_file_name
from cases.models import Attachment, EmailMessage
from cases.selectors.visible import visible_cases


@admin.register(EmailMessage)
class EmailMessageAdmin(OfVisibleCases):
    list_display = ["when", "on_case", "incoming", "status", "sender", "about"]
    search_fields = ["from_address"]
    search_help_text = _("The sender's whole address, or a case number")
    fields = [
        "on_case",
        "incoming",
        "status",
        "sender",
        "about",
        "beginning",
        "received_at",
        "message_date",
        "thread_basis",
        "automatic_kind",
        "spf",
        "dkim",
        "dmarc",
        "authenticated_by",
        "flags",
        "defects",
        "message_identifier",
        "in_reply_to",
    ]
    readonly_fields = ["on_case", "sender", "about", "beginning"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmailMessage]:
        return (
            super().get_queryset(request).defer("text_body", "html_body", "reply_text", "headers", "case__description")
        )

    def found(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        return super().found(rows, term) if is_key(term) else rows.filter(from_address=term.lower())

    @display(description=_("received"))
    def when(self, message: EmailMessage) -> SafeString | str:
        return short_time(message.received_at)

    @display(description=_("from"))
    def sender(self, message: EmailMessage) -> SafeString:
        return format_html("<bdi>{}</bdi> <bdi>{}</bdi>", message.from_name, message.from_address)

    @display(description=_("subject"))
    def about(self, message: EmailMessage) -> SafeString:
        return format_html('<bdi class="e2c-cut">{}</bdi>', message.subject)

    @display(description=_("beginning"))
    def beginning(self, message: EmailMessage) -> SafeString:
        return format_html("<bdi>{}</bdi>", message.snippet)


@admin.register(Attachment)
class AttachmentAdmin(HistoryAdmin):
    list_display = ["name", "on_case", "content_type", "size", "is_repeated"]
    list_select_related = ["blob", "email_message__case"]
    search_help_text = _("The number of the attachment")
    search_fields = ["id"]
    fields = ["name", "on_case", "declared_type", "content_type", "size", "hash_of_content", "inline", "is_repeated"]
    readonly_fields = ["name", "on_case", "size", "hash_of_content"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attachment]:
        files = (
            super()
            .get_queryset(request)
            .select_related("blob", "email_message__case")
            .only(
                *("file_name", "declared_type", "content_type", "inline", "is_repeated", "blob__size"),
                *("email_message__case__subject",),
            )
        )
        if request.user.is_superuser:
            return files
        return files.filter(email_message__case__in=visible_cases(request.user))

    @display(description=_("file"))
    def name(self, file: Attachment) -> SafeString:
        url = reverse(
            "attachment",
            kwargs={
                "number": file.email_message.case.number,
                "attachment_id": file.pk,
                "name": safe_file_name(file.file_name, f"attachment-{file.pk}"),
            },
        )
        return format_html('<a href="{}" download><bdi class="e2c-cut">{}</bdi></a>', url, file.file_name or "–")

    @display(description=_("case"))
    def on_case(self, file: Attachment) -> SafeString | str:
        return case_link(file.email_message.case)

    @display(description=_("bytes"))
    def size(self, file: Attachment) -> str:
        return f"{file.blob.size:,}"

    @display(description="SHA-256")
    def hash_of_content(self, file: Attachment) -> str:
        return file.blob_id
