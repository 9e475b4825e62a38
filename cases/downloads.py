"""Responses that carry bytes of strangers: browsers save them or show a plain picture or text; none of them runs."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO, TypeVar

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from cases.blobs import open_blob
from cases.mail_html.text import clean_text
from cases.models import RawBody

# What browsers show as a picture and cannot run; SVG is a document with scripts.
SHOWN_INLINE = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'; sandbox"
PICTURE_IN_MAIL = "default-src 'none'; frame-ancestors 'self'; sandbox"

ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)


def open_raw_body(raw: RawBody) -> BinaryIO:
    """The exact bytes of a request, to be closed by the caller. Raises OSError when the storage does not give them."""
    return BytesIO(bytes(raw.content or b"")) if raw.blob is None else open_blob(raw.blob)


def download(content: BinaryIO, *, file_name: str, content_type: str = "application/octet-stream") -> FileResponse:
    """A file to save: never shown, never sniffed, never run."""
    return locked_down(FileResponse(content, as_attachment=True, filename=file_name, content_type=content_type))


def picture(content: BinaryIO, *, content_type: str) -> FileResponse:
    """A picture for the frame of its mail; `content_type` is one of SHOWN_INLINE."""
    response = locked_down(FileResponse(content, content_type=content_type), policy=PICTURE_IN_MAIL)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def plain_text(text: str) -> HttpResponse:
    return locked_down(HttpResponse(clean_text(text), content_type="text/plain; charset=utf-8"))


def locked_down(response: ResponseT, *, policy: str = NOTHING_RUNS) -> ResponseT:
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response
