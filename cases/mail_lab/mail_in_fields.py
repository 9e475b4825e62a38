"""The requests of providers that take a mail apart into fields, and those with the raw mail that some of them have."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Sequence
from email.utils import formataddr
from typing import Any

from django.utils import timezone

from cases.inbound.parsed import ParsedEmail
from cases.mail_lab.request_parts import (
    Envelope,
    ProviderRequest,
    as_text,
    files_of,
    form_request,
    hmac_sha256,
    json_request,
    signing_key,
    taken_apart,
)

__all__ = ["mailgun", "mailgun_mime", "mailjet", "postmark", "postmark_raw", "sendgrid", "sendgrid_raw"]


def _mailgun_fields(envelope: Envelope) -> dict[str, str | bytes]:
    token, timestamp = secrets.token_hex(25), str(int(time.time()))
    key = signing_key("MAILGUN_WEBHOOK_SIGNING_KEY", "E2C_MAILGUN_WEBHOOK_SIGNING_KEY")
    return {
        "recipient": envelope.recipient,
        "sender": envelope.sender,
        "timestamp": timestamp,
        "token": token,
        "signature": hmac_sha256(key, (timestamp + token).encode()),
    }


_MAILGUN_WORDS = {"pass": "Pass", "fail": "Fail", "none": "None"}


def _mailgun_verdicts(envelope: Envelope) -> list[tuple[str, str]]:
    word = _MAILGUN_WORDS[envelope.verdict]
    return [("X-Mailgun-Spf", word), ("X-Mailgun-Dkim-Check-Result", word)]


def mailgun(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    mail = taken_apart(raw)
    files = {f"attachment-{number}": file[:3] for number, file in enumerate(files_of(mail), start=1)}
    identifiers = {
        f"<{file[3]}>": f"attachment-{number}" for number, file in enumerate(files_of(mail), start=1) if file[3]
    }
    fields: dict[str, str | bytes] = _mailgun_fields(envelope) | {
        "subject": mail.subject,
        "message-headers": json.dumps([*_mailgun_verdicts(envelope), *mail.headers]),
        "body-plain": mail.text_body,
        "body-html": mail.html_body,
    }
    if files:
        fields |= {"attachment-count": str(len(files)), "content-id-map": json.dumps(identifiers)}
    return form_request("mailgun", "/anymail/mailgun/inbound/", fields, files)


def mailgun_mime(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    head = "".join(f"{name}: {value}\r\n" for name, value in _mailgun_verdicts(envelope)).encode()
    fields = _mailgun_fields(envelope) | {"body-mime": head + raw}
    return form_request("mailgun", "/anymail/mailgun/inbound_mime/", fields)


def mailjet(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    mail = taken_apart(raw)
    headers: dict[str, list[str]] = {}
    for name, text in mail.headers:
        headers.setdefault(name, []).append(text)
    value: dict[str, Any] = {
        "Sender": envelope.sender,
        "Recipient": envelope.recipient,
        "Date": f"{timezone.now():%Y%m%dT%H%M%S}",
        "From": mail.header("From"),
        "Subject": mail.subject,
        "Headers": headers,
        "Parts": [{"Headers": {"Content-Type": 'text/plain; charset="UTF-8"'}, "ContentRef": "Text-part"}],
        "Text-part": mail.text_body,
        "Html-part": mail.html_body,
    }
    for number, (name, kind, content, identifier) in enumerate(files_of(mail), start=1):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        part = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{quoted}"'}
        value["Parts"].append(
            {
                "Headers": part | ({"Content-ID": f"<{identifier}>"} if identifier else {}),
                "ContentRef": f"Attachment{number}",
            }
        )
        value[f"Attachment{number}"] = base64.b64encode(content).decode()
    return json_request("mailjet", value)


_POSTMARK_FIELDS = frozenset({"from", "to", "cc", "bcc", "subject", "date", "reply-to"})


def _postmark_value(mail: ParsedEmail | None, envelope: Envelope) -> dict[str, Any]:
    """Without the mail: what comes beside a RawEmail."""

    def full(people: Sequence[Any]) -> list[dict[str, str]]:
        return [{"Email": person.address, "Name": person.name, "MailboxHash": ""} for person in people]

    verdict = {"pass": "Pass", "fail": "Fail", "none": "None"}[envelope.verdict]
    above = [
        ("Return-Path", f"<{envelope.sender}>"),
        ("Received", "by p-pm-inbound.postmarkapp.example (Postfix)"),
        ("Received-SPF", f"{verdict} (said by the mail lab)"),
    ]
    headers = [(name, value) for name, value in mail.headers if name.lower() not in _POSTMARK_FIELDS] if mail else []
    value: dict[str, Any] = {
        "MessageStream": "inbound",
        "OriginalRecipient": envelope.recipient,
        "MessageID": secrets.token_hex(16),
        "Headers": [{"Name": name, "Value": text} for name, text in [*above, *headers]],
    }
    if mail is None:
        return value
    sender = mail.sender or (mail.senders[0] if mail.senders else None)
    return value | {
        "FromFull": full([sender])[0] if sender else None,
        "ToFull": full(mail.to),
        "CcFull": full(mail.cc),
        "BccFull": full(mail.bcc),
        "ReplyTo": ", ".join(formataddr((person.name, person.address)) for person in mail.reply_to),
        "Subject": mail.subject,
        "Date": mail.header("Date"),
        "TextBody": mail.text_body,
        "HtmlBody": mail.html_body,
        "Attachments": [
            {
                "Name": name,
                "ContentType": kind,
                "Content": base64.b64encode(content).decode(),
                "ContentID": identifier,
                "ContentLength": len(content),
            }
            for name, kind, content, identifier in files_of(mail)
        ],
    }


def postmark(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    return json_request("postmark", _postmark_value(taken_apart(raw), envelope))


def postmark_raw(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    return json_request("postmark", _postmark_value(None, envelope) | {"RawEmail": as_text(raw)})


def _sendgrid_fields(envelope: Envelope) -> dict[str, str | bytes]:
    domain = envelope.sender.rpartition("@")[2] or "localhost"
    dkim = "none" if envelope.verdict == "none" else f"{{@{domain} : {envelope.verdict}}}"
    return {
        "envelope": json.dumps({"to": [envelope.recipient], "from": envelope.sender}),
        "dkim": dkim,
        "SPF": envelope.verdict,
        "sender_ip": "192.0.2.10",
        "charsets": json.dumps(dict.fromkeys(("to", "from", "subject", "text", "html"), "UTF-8")),
    }


def sendgrid(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    mail = taken_apart(raw)
    files = files_of(mail)
    fields = _sendgrid_fields(envelope) | {
        "headers": "".join(f"{name}: {' '.join(value.split())}\n" for name, value in mail.headers),
        "subject": mail.subject,
        "text": mail.text_body,
        "html": mail.html_body,
    }
    if files:
        told = {
            f"attachment{number}": {"filename": file[0], "type": file[1], "content-id": file[3]}
            for number, file in enumerate(files, start=1)
        }
        fields |= {"attachments": str(len(files)), "attachment-info": json.dumps(told)}
    uploads = {f"attachment{number}": file[:3] for number, file in enumerate(files, start=1)}
    return form_request("sendgrid", "/anymail/sendgrid/inbound/", fields, uploads)


def sendgrid_raw(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    return form_request("sendgrid", "/anymail/sendgrid/inbound/", _sendgrid_fields(envelope) | {"email": raw})
