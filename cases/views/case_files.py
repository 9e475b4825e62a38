"""All files of a case: /cases/<number>/files/."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cases.downloads import SHOWN_INLINE
from cases.models import Attachment
from cases.selectors.conversation import find_visible_case
from cases.selectors.cursor import Cursor
from cases.selectors.files import files_of, is_minor
from cases.views.panes import render_pane

MOST_PREVIEWED = 4_000_000  # bytes; the browser scales the picture itself down
# Types in the words of people, by the beginning of the media type; the first that fits.
KINDS: tuple[tuple[str, str | Promise], ...] = (
    ("image/", _("Picture")),
    ("audio/", _("Sound")),
    ("video/", _("Film")),
    ("application/pdf", _("PDF")),
    ("text/calendar", _("Calendar")),
    ("text/csv", _("Table")),
    ("text/html", _("Web page")),
    ("text/", _("Text")),
    ("message/rfc822", _("Mail")),
    ("application/zip", _("Archive")),
    ("application/gzip", _("Archive")),
    ("application/x-7z", _("Archive")),
    ("application/vnd.ms-excel", _("Table")),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml", _("Table")),
    ("application/vnd.oasis.opendocument.spreadsheet", _("Table")),
    ("application/msword", _("Document")),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml", _("Document")),
    ("application/vnd.oasis.opendocument.text", _("Document")),
    ("application/vnd.ms-powerpoint", _("Slides")),
    ("application/vnd.openxmlformats-officedocument.presentationml", _("Slides")),
    ("application/pgp-signature", _("Signature")),
    ("application/pkcs7-signature", _("Signature")),
)


@dataclass(frozen=True, slots=True)
class ShownFile:
    file: Attachment
    kind: str | Promise
    has_preview: bool


@require_safe
@login_required
def case_files(request: HttpRequest, number: int) -> HttpResponse:
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    before = Cursor.read(request.GET.get("before", ""))
    page = files_of(case, reader_id=request.user.pk, before=before)
    context = {
        "case": case,
        "files": [_shown(file) for file in page.files if not is_minor(file, file.email_message)],
        "minor_files": [_shown(file) for file in page.files if is_minor(file, file.email_message)],
        "older": page.older,
        "is_first_page": before is None,
        "tab": "files",
    }
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/case/files.html", context, pane="conversation", title=title)


def kind_of(content_type: str) -> str | Promise:
    return next((words for start, words in KINDS if content_type.startswith(start)), _("File"))


def _shown(file: Attachment) -> ShownFile:
    # What the bytes are, never what the mail says; what browsers could run is not among these.
    has_preview = file.content_type in SHOWN_INLINE and file.blob.size <= MOST_PREVIEWED
    return ShownFile(file, kind_of(file.content_type), has_preview)
