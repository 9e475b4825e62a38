"""The request that a provider would post for a mail: its body, its headers, its signature.

Most providers have two forms: the mail as it is, or taken apart into fields. Signatures are made with the credentials
of this instance, so what is tried is the instance as it is set up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime, formataddr
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from cases.inbound.parsed import ParsedEmail
from cases.mail_lab.request_parts import (
    CannotShape,
    Envelope,
    ProviderRequest,
    as_text,
    basic_auth,
    files_of,
    form_request,
    hmac_sha256,
    json_request,
    signing_key,
    taken_apart,
)

__all__ = ["NOT_HERE", "SHAPES", "SMTP", "CannotShape", "Envelope", "ProviderRequest", "Shape", "request_for"]

SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    label: str
    provider: str
    make: Callable[[bytes, Envelope, str], ProviderRequest] | None  # None: not a request, but SMTP


def request_for(shape: Shape, raw: bytes, envelope: Envelope, *, site: str) -> ProviderRequest:
    """`site`: scheme and host that the request will be posted to. Raises CannotShape."""
    if shape.make is None:
        raise CannotShape("Mail by SMTP comes without a request.")
    request = shape.make(raw, envelope, site)
    # So that whoever looks at the stored request sees that no provider sent it.
    headers = {"Authorization": basic_auth(settings.E2C_WEBHOOK_SECRET), "User-Agent": "Email-to-Case mail lab"}
    return ProviderRequest(
        request.provider, request.path, request.body, request.content_type, headers | dict(request.headers)
    )


# --- each provider ---


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


def _mailgun(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def _mailgun_mime(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    head = "".join(f"{name}: {value}\r\n" for name, value in _mailgun_verdicts(envelope)).encode()
    fields = _mailgun_fields(envelope) | {"body-mime": head + raw}
    return form_request("mailgun", "/anymail/mailgun/inbound_mime/", fields)


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


def _postmark(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    return json_request("postmark", _postmark_value(taken_apart(raw), envelope))


def _postmark_raw(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def _sendgrid(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def _sendgrid_raw(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    return form_request("sendgrid", "/anymail/sendgrid/inbound/", _sendgrid_fields(envelope) | {"email": raw})


def _amazon_ses(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    if not settings.E2C_SNS_TOPICS:
        raise CannotShape("E2C_SNS_TOPICS names no topic, so nothing from Amazon would be taken.")
    topic, moment = settings.E2C_SNS_TOPICS[0], timezone.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    status = {"status": {"pass": "PASS", "fail": "FAIL", "none": "GRAY"}[envelope.verdict]}
    mail = {
        "notificationType": "Received",
        "mail": {
            "timestamp": moment,
            "source": envelope.sender or "MAILER-DAEMON@amazonses.example",
            "messageId": secrets.token_hex(20),
            "destination": [envelope.recipient],
            "headersTruncated": False,
            "headers": [],
        },
        "receipt": {
            "timestamp": moment,
            "recipients": [envelope.recipient],
            "spamVerdict": {"status": "PASS"},
            "virusVerdict": {"status": "PASS"},
            "spfVerdict": status,
            "dkimVerdict": status,
            "dmarcVerdict": status,
            "action": {"type": "SNS", "topicArn": topic, "encoding": "BASE64"},
        },
        "content": base64.b64encode(raw).decode(),
    }
    notification = {
        "Type": "Notification",
        "MessageId": secrets.token_hex(16),
        "TopicArn": topic,
        "Message": json.dumps(mail),
        "Timestamp": moment,
    }
    headers = {"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Message-Id": notification["MessageId"]}
    return json_request("amazon_ses", notification, **headers)


def _mailjet(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def _mandrill(raw: bytes, envelope: Envelope, site: str) -> ProviderRequest:
    key = signing_key("MANDRILL_WEBHOOK_KEY", "E2C_MANDRILL_WEBHOOK_KEY")
    message: dict[str, Any] = {
        "raw_msg": as_text(raw),
        "email": envelope.recipient,
        "sender": envelope.sender,
        "spf": {"result": envelope.verdict},
        "dkim": {"signed": envelope.verdict != "none", "valid": envelope.verdict == "pass"},
        "spam_report": {"score": 0.1, "matched_rules": []},
    }
    event = [{"event": "inbound", "ts": int(time.time()), "msg": message}]
    events = json.dumps(event)
    # Mandrill signs the URL with the user and password that it was given.
    scheme, _colon, rest = site.partition("://")
    url = settings.ANYMAIL.get("MANDRILL_WEBHOOK_URL") or (
        f"{scheme}://{settings.E2C_WEBHOOK_SECRET}@{rest}/anymail/mandrill/"
    )
    signed = hmac.new(key.encode(), f"{url}mandrill_events{events}".encode(), hashlib.sha1).digest()
    return ProviderRequest(
        "mandrill",
        "/anymail/mandrill/",
        urlencode({"mandrill_events": events}).encode(),
        "application/x-www-form-urlencoded",
        {"X-Mandrill-Signature": base64.b64encode(signed).decode()},
    )


def _mailersend(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    request = json_request(
        "mailersend",
        {
            "type": "inbound.message",
            "inbound_id": secrets.token_hex(8),
            "created_at": format_datetime(timezone.now()),
            "data": {
                "object": "message",
                "id": secrets.token_hex(12),
                "sender": {"email": envelope.sender},
                "recipients": {"rcptTo": [{"email": envelope.recipient}]},
                "raw": as_text(raw),
                "spf_check": {"code": {"pass": "+", "fail": "-", "none": "?"}[envelope.verdict], "value": None},
                "dkim_check": envelope.verdict == "pass",
                "attachments": [],
                "created_at": f"{timezone.now():%Y-%m-%dT%H:%M:%S.000000Z}",
            },
        },
    )
    signature = hmac_sha256(signing_key("MAILERSEND_INBOUND_SECRET", "E2C_MAILERSEND_INBOUND_SECRET"), request.body)
    return ProviderRequest(request.provider, request.path, request.body, headers={"Signature": signature})


def _sparkpost(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    message = {
        "content": {"email_rfc822": base64.b64encode(raw).decode(), "email_rfc822_is_base64": True},
        "msg_from": envelope.sender,
        "rcpt_to": envelope.recipient,
        "protocol": "smtp",
        "webhook_id": secrets.token_hex(8),
    }
    return json_request("sparkpost", [{"msys": {"relay_message": message}}])


SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("amazon_ses", "Amazon SES (SNS)", "amazon_ses", _amazon_ses),
        Shape("mailersend", "MailerSend", "mailersend", _mailersend),
        Shape("mailgun", "Mailgun, as fields", "mailgun", _mailgun),
        Shape("mailgun_mime", "Mailgun, as it is (MIME)", "mailgun", _mailgun_mime),
        Shape("mailjet", "Mailjet", "mailjet", _mailjet),
        Shape("mandrill", "Mandrill", "mandrill", _mandrill),
        Shape("postmark", "Postmark, as fields", "postmark", _postmark),
        Shape("postmark_raw", "Postmark, with the raw mail", "postmark", _postmark_raw),
        Shape("sendgrid", "SendGrid, as fields", "sendgrid", _sendgrid),
        Shape("sendgrid_raw", "SendGrid, the raw mail", "sendgrid", _sendgrid_raw),
        Shape("sparkpost", "SparkPost", "sparkpost", _sparkpost),
        Shape(SMTP, "Mail server (SMTP or LMTP)", SMTP, None),
    )
}
# Why the others cannot be tried: what they post is not the mail, or cannot be signed by anybody but them.
NOT_HERE = "Brevo, Mailtrap and Resend post a link and keep the mail; Postal signs with a key that only it has."
