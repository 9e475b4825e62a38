"""The requests of providers that post the mail as it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.mail_lab.request_parts import (
    CannotShape,
    Envelope,
    ProviderRequest,
    as_text,
    hmac_sha256,
    json_request,
    signing_key,
)

__all__ = ["amazon_ses", "mailersend", "mandrill", "postal", "sparkpost"]


def amazon_ses(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def mailersend(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
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


def mandrill(raw: bytes, envelope: Envelope, site: str) -> ProviderRequest:
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


def sparkpost(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    message = {
        "content": {"email_rfc822": base64.b64encode(raw).decode(), "email_rfc822_is_base64": True},
        "msg_from": envelope.sender,
        "rcpt_to": envelope.recipient,
        "protocol": "smtp",
        "webhook_id": secrets.token_hex(8),
    }
    return json_request("sparkpost", [{"msys": {"relay_message": message}}])


@cache
def _postal_key() -> rsa.RSAPrivateKey:
    """The lab's own, made when it is first needed and kept nowhere. SHA-1 and this length are Postal's choice."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def postal(raw: bytes, envelope: Envelope, _site: str) -> ProviderRequest:
    configured = signing_key("POSTAL_WEBHOOK_KEY", "E2C_POSTAL_WEBHOOK_KEY")
    try:
        serialization.load_pem_public_key(_as_pem(configured))
    except ValueError:
        raise CannotShape(
            "E2C_POSTAL_WEBHOOK_KEY is no public key, so the webhook would turn away every request."
        ) from None
    request = json_request(
        "postal",
        {
            "id": secrets.randbelow(10**6),
            "rcpt_to": envelope.recipient,
            "mail_from": envelope.sender,
            "message": base64.b64encode(raw).decode(),
            "base64": True,
            "size": len(raw),
            "spam_status": "NotSpam",
            "bounce": not envelope.sender,
            "received_with_ssl": True,
        },
    )
    signature = _postal_key().sign(request.body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - Postal's choice
    public = _postal_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return ProviderRequest(
        request.provider,
        request.path,
        request.body,
        headers={"X-Postal-Signature": base64.b64encode(signature).decode()},
        checked_with={"webhook_key": "".join(pem.decode().splitlines()[1:-1])},
        unlike=_("Postal alone has the key that it signs with, so this is signed and checked with a key of the lab."),
    )


def _as_pem(key: str) -> bytes:
    return f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----".encode()
