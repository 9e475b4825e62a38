"""The requests of providers that keep a mail, or its files, and hand it out by API when they are asked for it.

The lab's copy travels in the request, signed (cases.inbound.enclosed), and what the worker asks for is answered from
it. So such a mail settles in any process, is retried like any other, goes when its request goes, and nobody is asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.inbound.enclosed import Content, enclose
from cases.inbound.parsed import ParsedEmail
from cases.mail_lab.request_parts import (
    CannotShape,
    Envelope,
    ProviderRequest,
    files_of,
    hmac_sha256,
    json_request,
    optional_key,
    signing_key,
    taken_apart,
)

__all__ = ["brevo", "mailtrap", "resend"]

# RFC 2606: a name that leads nowhere. The provider's own links are as good as passwords, and are made by it alone.
LINKS = "https://mail-lab.invalid"
ENCLOSED = _("What the provider keeps and hands out comes with the request: nobody is asked for it.")


def brevo(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    """Fields, with the files to be fetched one by one."""
    signing_key("BREVO_API_KEY", "E2C_BREVO_API_KEY")  # the worker would send it along
    mail = taken_apart(raw)
    files = {secrets.token_urlsafe(24): file for file in files_of(mail)}
    headers: dict[str, str | list[str]] = {"Return-Path": f"<{envelope.sender}>", "Delivered-To": envelope.recipient}
    for name, values in _by_name(mail).items():
        if name not in headers:
            headers[name] = values if len(values) > 1 else values[0]
    item = {
        "Uuid": [secrets.token_hex(16)],
        "MessageId": mail.header("Message-ID"),
        "InReplyTo": mail.header("In-Reply-To") or None,
        "From": _person(mail.sender),
        "To": [_person(person) for person in mail.to],
        "Cc": [_person(person) for person in mail.cc],
        "ReplyTo": _person(mail.reply_to[0]) if mail.reply_to else None,
        "Recipients": [envelope.recipient],
        "SentAtDate": mail.header("Date"),
        "Subject": mail.subject,
        "RawHtmlBody": mail.html_body,
        "RawTextBody": mail.text_body,
        "ExtractedMarkdownMessage": mail.text_body,
        "ExtractedMarkdownSignature": None,
        "SpamScore": 0.1,
        "Attachments": [
            {
                "Name": name,
                "ContentType": kind,
                "ContentLength": len(content),
                "ContentID": identifier or None,
                "DownloadToken": token,
            }
            for token, (name, kind, content, identifier) in files.items()
        ],
        "Headers": headers,
    }
    contents = {token: Content(kind, content) for token, (_name, kind, content, _identifier) in files.items()}
    return _with_contents("brevo", {"items": [item]}, contents)


def _by_name(mail: ParsedEmail) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, text in mail.headers:
        named.setdefault(name, []).append(text)
    return named


def _person(person: Any) -> dict[str, str] | None:
    return {"Name": person.name, "Address": person.address} if person is not None else None


def mailtrap(raw: bytes, _envelope: Envelope, _site: str) -> ProviderRequest:
    """A number; then a description with a link, then the raw mail. The envelope is told nowhere."""
    signing_key("MAILTRAP_API_TOKEN", "E2C_MAILTRAP_API_TOKEN")
    message, link = secrets.token_hex(16), f"{secrets.token_hex(16)}.eml"
    event = {
        "event": "inbound.message_received",
        "event_id": secrets.token_hex(8),
        "timestamp": int(time.time() * 1000),
        "inbox_id": 4711,
        "message_id": message,
    }
    described = {"id": message, "raw_message_url": f"{LINKS}/{link}", "raw_message_expires_at": _moment()}
    contents = {
        message: Content("application/json", json.dumps(described).encode()),
        link: Content("message/rfc822", raw),
    }
    request = _with_contents("mailtrap", {"events": [event]}, contents)
    secret = optional_key("MAILTRAP_INBOUND_SECRET")
    return request.with_headers({"Mailtrap-Signature": hmac_sha256(secret, request.body)} if secret else {})


def resend(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    """A number and the addresses; then a description with a link, then the raw mail."""
    signing_key("RESEND_API_KEY", "E2C_RESEND_API_KEY")
    secret = signing_key("RESEND_INBOUND_SECRET", "E2C_RESEND_INBOUND_SECRET")
    identifier, link = secrets.token_hex(16), f"{secrets.token_hex(16)}.eml"
    about = _addresses(raw) | {"email_id": identifier, "created_at": _moment(), "received_for": [envelope.recipient]}
    described = about | {"id": identifier, "raw": {"download_url": f"{LINKS}/{link}", "expires_at": _moment()}}
    contents = {
        identifier: Content("application/json", json.dumps(described).encode()),
        link: Content("message/rfc822", raw),
    }
    request = _with_contents("resend", {"type": "email.received", "created_at": _moment(), "data": about}, contents)
    return request.with_headers(_svix_signature(secret, request.body))


def _addresses(raw: bytes) -> dict[str, Any]:
    """What Resend tells beside the number; nothing of a mail that cannot be taken apart."""
    try:
        mail = taken_apart(raw)
    except CannotShape:
        return {"from": "", "to": [], "cc": [], "bcc": [], "message_id": "", "subject": "", "attachments": []}
    return {
        "from": mail.header("From"),
        "to": [person.address for person in mail.to],
        "cc": [person.address for person in mail.cc],
        "bcc": [person.address for person in mail.bcc],
        "message_id": mail.header("Message-ID"),
        "subject": mail.subject,
        "attachments": [{"filename": name, "content_type": kind} for name, kind, _content, _id in files_of(mail)],
    }


def _svix_signature(secret: str, body: bytes) -> dict[str, str]:
    """As Resend's carrier of webhooks signs: number, time and body, with the key in base64 behind "whsec_"."""
    number, moment = f"msg_{secrets.token_hex(12)}", str(int(time.time()))
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"))
    except ValueError:
        raise CannotShape("E2C_RESEND_INBOUND_SECRET is no key of Resend; it begins with whsec_.") from None
    signed = hmac.new(key, f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = base64.b64encode(signed).decode()
    return {"Svix-Id": number, "Svix-Timestamp": moment, "Svix-Signature": f"v1,{signature}"}


def _moment() -> str:
    return f"{timezone.now():%Y-%m-%dT%H:%M:%S.000Z}"


def _with_contents(provider: str, value: dict[str, Any], contents: dict[str, Content]) -> ProviderRequest:
    request = json_request(provider, enclose(value, contents))
    return ProviderRequest(request.provider, request.path, request.body, unlike=ENCLOSED)
