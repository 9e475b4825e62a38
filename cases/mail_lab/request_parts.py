"""What the requests of providers are made of: forms, JSON, signatures, and the mail taken apart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.utils.functional import Promise

from cases.inbound.parsed import ParsedEmail
from cases.inbound.reader import TooComplex, UnreadableMail, read_mail

__all__ = [
    "CannotShape",
    "Envelope",
    "ProviderRequest",
    "as_text",
    "basic_auth",
    "files_of",
    "form_request",
    "hmac_sha256",
    "json_request",
    "multipart",
    "optional_key",
    "signing_key",
    "taken_apart",
]


class CannotShape(ValueError):
    """The provider's request cannot be made of this mail, or not here; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """`verdict`: what the provider says of SPF, DKIM and DMARC, as far as it says anything: pass, fail or none."""

    recipient: str
    sender: str = ""  # "" is the null sender of bounces
    verdict: str = "pass"


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """`checked_with`: what its signature is checked with in the place of this instance's credential; no call from
    outside can bring such a thing. `unlike`: what about it is not as the provider's, for whoever looks.
    """

    provider: str
    path: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    checked_with: Mapping[str, str] = field(default_factory=dict)
    unlike: str | Promise = ""

    def with_headers(self, more: Mapping[str, str]) -> ProviderRequest:
        """Headers that it has already stay."""
        return replace(self, headers={**more, **self.headers})


def basic_auth(secret: str) -> str:
    return "Basic " + base64.b64encode(secret.encode()).decode()


def hmac_sha256(key: str, content: bytes) -> str:
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def multipart(
    fields: Mapping[str, str | bytes],
    files: Mapping[str, tuple[str, str, bytes]] | None = None,
    *,
    boundary: str,
) -> bytes:
    """A form as providers post it; files are (file name, type, content)."""
    parts = []
    for name, value in fields.items():
        content = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content)
    for name, (file_name, kind, content) in (files or {}).items():
        # As browsers and providers write it (HTML standard, 4.10.21.8): the backslash stands for itself.
        quoted = file_name.replace('"', "%22").replace("\r", " ").replace("\n", " ")
        head = f'Content-Disposition: form-data; name="{name}"; filename="{quoted}"\r\nContent-Type: {kind}\r\n\r\n'
        parts.append(head.encode("utf-8", "replace") + content)
    delimiter = f"--{boundary}".encode()
    return b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"


def form_request(
    provider: str,
    path: str,
    fields: Mapping[str, str | bytes],
    files: Mapping[str, tuple[str, str, bytes]] | None = None,
) -> ProviderRequest:
    boundary = f"lab{secrets.token_hex(12)}"
    body = multipart(fields, files, boundary=boundary)
    return ProviderRequest(provider, path, body, f"multipart/form-data; boundary={boundary}")


def json_request(provider: str, value: Any, **headers: str) -> ProviderRequest:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return ProviderRequest(provider, f"/anymail/{provider}/inbound/", body, headers=headers)


def optional_key(setting: str) -> str:
    return str(settings.ANYMAIL.get(setting) or "")


def signing_key(setting: str, variable: str) -> str:
    value = optional_key(setting)
    if not value:
        raise CannotShape(f"{variable} is not set here, so this provider's mail cannot be taken.")
    return value


def as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def taken_apart(raw: bytes) -> ParsedEmail:
    try:
        return read_mail(raw)
    except (TooComplex, UnreadableMail) as failure:
        raise CannotShape(
            f"The mail cannot be taken apart ({failure}); choose a form that posts it as it is."
        ) from None


def files_of(mail: ParsedEmail) -> list[tuple[str, str, bytes, str]]:
    """(name, type, content, Content-ID) of each file, with a name as providers give one to a file without."""
    return [
        (file.file_name or f"attachment-{number}", file.content_type, file.content, file.content_id)
        for number, file in enumerate(mail.attachments, start=1)
    ]
