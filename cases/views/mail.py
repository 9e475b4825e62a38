"""One mail at its own URLs: its HTML for the frame, its text, its headers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.downloads import SHOWN_INLINE, plain_text
from cases.inbound.analysis.parts import new_part_of_html
from cases.mail_html import FRAME_POLICY, FRAME_POLICY_WITH_IMAGES, Fold, safe_html
from cases.models import Attachment, EmailMessage
from cases.selectors.conversation import visible_messages

SHOWN_WHOLE = frozenset({"bounce", "challenge", "feedback_report", "read_receipt"})


@require_safe
@login_required
def message_html(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """The page inside the frame. `?images=1`: the reader asked for pictures from other hosts, this time."""
    message = get_object_or_404(
        visible_messages(request.user, number).only("html_body", "automatic_kind", "forwarded_original", "case_id"),
        pk=message_id,
    )
    if not message.html_body:
        raise Http404
    wants_images = request.GET.get("images") == "1"
    cleaned = safe_html(
        message.html_body,
        inline_urls=inline_urls_of(message, number),
        allow_remote_images=wants_images,
        fold=fold_of(message),
    )
    response = render(
        request,
        "cases/message_frame.html",
        {
            "cleaned": cleaned,
            "wants_images": wants_images,
            "may_load": cleaned.remote_images - cleaned.images_refused,
            "number": number,
            "message": message,
        },
    )
    response.headers["Content-Security-Policy"] = FRAME_POLICY_WITH_IMAGES if wants_images else FRAME_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-DNS-Prefetch-Control"] = "off"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def fold_of(message: EmailMessage) -> Fold | None:
    """What stands folded below the new words. Of a forward, and of what a machine returns, the quote is the matter."""
    if message.forwarded_original is not None or message.automatic_kind in SHOWN_WHOLE:
        return None
    part = new_part_of_html(message.html_body)
    return Fold(
        part.text,
        part.letters_above,
        part.letters_below,
        label=_("Earlier mail") if part.quote_follows else _("Signature"),
        quote_label=_("Earlier mail"),
    )


def inline_urls_of(message: EmailMessage, number: int) -> dict[str, str]:
    """URLs of the pictures of this very mail by content id; of two with one id the first counts."""
    pictures = (
        Attachment.objects.filter(email_message=message, content_type__in=SHOWN_INLINE)
        .exclude(content_id="")
        .order_by("-position")
        .values_list("content_id", "pk")
    )
    return {
        content_id: reverse("inline_image", kwargs={"number": number, "message_id": message.pk, "attachment_id": key})
        for content_id, key in pictures
    }


@require_safe
@login_required
def message_text(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """The whole text of a mail, however long."""
    message = get_object_or_404(visible_messages(request.user, number).only("text_body"), pk=message_id)
    return plain_text(message.text_body)


@require_safe
@login_required
def message_headers(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    message = get_object_or_404(visible_messages(request.user, number).only("headers"), pk=message_id)
    if message.headers is None:
        raise Http404
    return plain_text("\n".join(f"{name}: {value}" for name, value in message.headers))
