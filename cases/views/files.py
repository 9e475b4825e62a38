"""Attachments, pictures inside mail, and mail as received."""

from __future__ import annotations

from typing import BinaryIO

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from cases.blobs import open_blob
from cases.downloads import SHOWN_INLINE, download, open_raw_body, picture
from cases.file_names import safe_file_name
from cases.models import Attachment
from cases.selectors.conversation import find_mail_with_request, is_raw_for_reps, visible_messages


@require_safe
@login_required
def attachment(request: HttpRequest, number: int, attachment_id: int, name: str) -> HttpResponseBase:
    """`name` is only for people who look at the link; the header says the real one."""
    found = get_object_or_404(
        Attachment.objects.select_related("blob"),
        pk=attachment_id,
        email_message__in=visible_messages(request.user, number),
    )
    return download(_opened(found), file_name=safe_file_name(found.file_name, f"attachment-{found.pk}"))


@require_safe
@login_required
def inline_image(request: HttpRequest, number: int, message_id: int, attachment_id: int) -> HttpResponseBase:
    """A picture that the HTML of this mail shows by its content id."""
    found = get_object_or_404(
        Attachment.objects.select_related("blob"),
        pk=attachment_id,
        email_message_id=message_id,
        email_message__in=visible_messages(request.user, number),
        content_type__in=SHOWN_INLINE,
    )
    return picture(_opened(found), content_type=found.content_type)


@require_safe
@login_required
def message_raw(request: HttpRequest, number: int, message_id: int) -> HttpResponseBase:
    """The request that brought the mail, byte for byte: when nothing in it is for other eyes (is_raw_for_reps)."""
    message = find_mail_with_request(request.user, number, message_id)
    if message is None or not is_raw_for_reps(message):
        raise Http404
    return download(
        open_raw_body(message.inbound_email.raw),
        file_name=f"case-{number:08d}-mail-{message_id}.txt",
        content_type="text/plain; charset=utf-8",
    )


def _opened(found: Attachment) -> BinaryIO:
    try:
        return open_blob(found.blob)
    except FileNotFoundError as error:
        raise Http404 from error
