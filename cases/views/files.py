"""Bytes of strangers: attachments, pictures inside mail, mail as received. Nothing of it ever runs in our pages."""

from __future__ import annotations

from typing import BinaryIO

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from cases import blobs
from cases.file_names import safe_file_name
from cases.models import Attachment
from cases.selectors import visible_messages

# What browsers show as a picture and cannot run; SVG is a document with scripts.
SHOWN_INLINE = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'; sandbox"
PICTURE_ALONE = "default-src 'none'; frame-ancestors 'self'; sandbox"


def download(content: BinaryIO, *, file_name: str, content_type: str) -> FileResponse:
    """A response that browsers save: never shown, never sniffed, never run."""
    response = FileResponse(content, as_attachment=True, filename=file_name, content_type=content_type)
    return locked_down(response, policy=NOTHING_RUNS)


def locked_down(response: FileResponse, *, policy: str) -> FileResponse:
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@require_safe
@login_required
def attachment(request: HttpRequest, number: int, attachment_id: int, name: str) -> HttpResponseBase:
    """`name` is only for people who look at the link; the header says the real one."""
    found = get_object_or_404(
        Attachment.objects.select_related("blob"),
        pk=attachment_id,
        email_message__in=visible_messages(request.user, number),
    )
    file_name = safe_file_name(found.file_name, f"attachment-{found.pk}")
    return download(_opened(found), file_name=file_name, content_type="application/octet-stream")


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
    response = locked_down(FileResponse(_opened(found), content_type=found.content_type), policy=PICTURE_ALONE)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@require_safe
@login_required
def message_raw(request: HttpRequest, number: int, message_id: int) -> HttpResponseBase:
    """The request that brought the mail, byte for byte."""
    message = get_object_or_404(
        visible_messages(request.user, number).select_related("inbound_email__raw__blob").only("inbound_email"),
        pk=message_id,
        inbound_email__isnull=False,
    )
    content = blobs.open_raw_body(message.inbound_email.raw)
    return download(
        content, file_name=f"case-{number:08d}-mail-{message_id}.txt", content_type="text/plain; charset=utf-8"
    )


def _opened(found: Attachment) -> BinaryIO:
    try:
        return blobs.open_blob(found.blob)
    except FileNotFoundError as error:
        raise Http404 from error
