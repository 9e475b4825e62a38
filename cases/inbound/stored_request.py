"""A request made again from what was kept of it: for Anymail's validators at the door, for its parsers in the worker.

Forms are read here, not by Django: its limits (2.5 MB of fields, 100 files) and its cleaning of file names lose mails,
and a raw mail that is not UTF-8 must keep its exact bytes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from cases.inbound.accept import RequestFacts
from cases.inbound.exact_text import exact_text
from cases.inbound.reader.charsets import codec_for
from cases.inbound.reader.headers import read_parameters

__all__ = ["Form", "FormField", "FormFile", "StoredRequest", "read_form", "rebuilt_request"]

MOST_FIELDS = 5000  # of one form; the rest is not read


class FormFile(io.BytesIO):
    """An uploaded file. The name is data: nothing here makes a path of it."""

    def __init__(self, content: bytes, *, name: str, content_type: str) -> None:
        super().__init__(content)
        self.name = name
        self.content_type = content_type
        self.charset = None
        self.size = len(content)


@dataclass(frozen=True, slots=True)
class FormField:
    name: str
    value: bytes
    file_name: str | None = None  # None: a plain field
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form in their order."""

    fields: tuple[FormField, ...] = ()

    def text(self, name: str) -> str | None:
        """The last plain field of that name, as Django's QueryDict would give it; None when there is none."""
        found = [each.value for each in self.fields if each.name == name and each.file_name is None]
        return exact_text(found[-1]) if found else None


def read_form(body: bytes, content_type: str) -> Form:
    """The form in a request body; empty when it is none, and as much as there is when it is cut."""
    described = read_parameters(content_type)
    kind = described.value
    if kind == "multipart/form-data":
        boundary = described.named.get("boundary", "")
        return _read_multipart(body, boundary.encode("utf-8", "replace")) if boundary else Form()
    if kind == "application/x-www-form-urlencoded":
        return _read_urlencoded(body)
    return Form()


def _read_urlencoded(body: bytes) -> Form:
    fields = []
    for pair in body.split(b"&", MOST_FIELDS)[:MOST_FIELDS]:
        if pair:
            name, _equals, value = pair.replace(b"+", b" ").partition(b"=")
            fields.append(FormField(exact_text(unquote_to_bytes(name)), unquote_to_bytes(value)))
    return Form(tuple(fields))


def _read_multipart(body: bytes, boundary: bytes) -> Form:
    """RFC 7578. Every byte between a part's headers and the line break before the next boundary is its value."""
    delimiter = b"\r\n--" + boundary
    fields: list[FormField] = []
    position = (b"\r\n" + body[: len(boundary) + 200]).find(delimiter)  # a preamble is not sent by any provider
    if position < 0:
        return Form()
    position += len(delimiter) - 2
    while len(fields) < MOST_FIELDS and body[position : position + 2] != b"--":
        start = body.find(b"\r\n", position)
        head_end = body.find(b"\r\n\r\n", start)
        if start < 0 or head_end < 0:
            break
        end = body.find(delimiter, head_end + 2)
        value = body[head_end + 4 : end if end >= 0 else len(body)]
        field = _described_field(body[start:head_end], value)
        if field is not None:
            fields.append(field)
        if end < 0:
            break
        position = end + len(delimiter)
    return Form(tuple(fields))


_PARAMETER = re.compile(rb';\s*(filename|name)\s*=\s*(?:"((?:[^"\\\r\n]|\\.)*)"|([^;\s]+))', re.IGNORECASE)


def _described_field(head: bytes, value: bytes) -> FormField | None:
    """One part; None when it has no name."""
    names: dict[bytes, str] = {}
    content_type = ""
    for line in head[:8192].split(b"\r\n"):
        header, _colon, written = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            for found in _PARAMETER.finditer(written):
                quoted = re.sub(rb'\\(["\\])', rb"\1", found[2]) if found[2] is not None else found[3]
                names.setdefault(found[1].lower(), exact_text(quoted).replace("%22", '"'))
        elif header.strip().lower() == b"content-type":
            content_type = exact_text(written).strip()
    if b"name" not in names:
        return None
    return FormField(names[b"name"], value, names.get(b"filename"), content_type)


class StoredRequest(WSGIRequest):
    """A request over stored bytes. POST and FILES come from `read_form`; fields are text by `exact_text`."""

    form: Form

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        super().__init__(environ)
        self._body = body
        self._read_started = True
        self.form = read_form(body, environ.get("CONTENT_TYPE", ""))

    def _load_post_and_files(self) -> None:
        post = QueryDict(mutable=True, encoding="utf-8")
        files: MultiValueDict[str, FormFile] = MultiValueDict()
        charsets = self._charsets()
        for field in self.form.fields:
            if field.file_name is not None:
                files.appendlist(
                    field.name, FormFile(field.value, name=field.file_name, content_type=field.content_type)
                )
            elif field.name in charsets:
                post.appendlist(field.name, field.value.decode(charsets[field.name], "replace"))
            elif field.name != "charsets":
                post.appendlist(field.name, exact_text(field.value))
        self._post = post
        self._files = files

    def _charsets(self) -> dict[str, str]:
        """SendGrid says in a field of its own how other fields are encoded; that field is used up here."""
        written = self.form.text("charsets")
        if written is None:
            return {}
        try:
            declared = json.loads(written)
        except ValueError:
            return {}
        if not isinstance(declared, dict):
            return {}
        found = {str(name): codec_for(str(charset)) for name, charset in declared.items()}
        return {name: codec for name, codec in found.items() if codec and codec != "utf-8"}


def rebuilt_request(
    facts: RequestFacts, body: bytes, *, environ: Mapping[str, Any] | None = None, authorization: str = ""
) -> StoredRequest:
    """The request that `facts` and `body` were. At the door it still has its `environ` and `authorization`."""
    made: dict[str, Any] = {
        "REQUEST_METHOD": facts.method or "POST",
        "PATH_INFO": facts.path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": facts.query,
        "REMOTE_ADDR": facts.remote_address,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "https",
    }
    if environ is not None:
        known = ("SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO", "wsgi.url_scheme")
        made |= {name: environ[name] for name in known if name in environ}
    for name, value in facts.headers.items():
        variable = name.upper().replace("-", "_")
        made[variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"] = value
    if authorization:
        made["HTTP_AUTHORIZATION"] = authorization
    made["wsgi.input"] = io.BytesIO()
    made["CONTENT_LENGTH"] = str(len(body))
    return StoredRequest(made, body)
