"""One request per inbound provider as it would post it: bodies in the files beside this one, credentials made here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cases.mail_lab.request_parts import basic_auth, hmac_sha256
from cases.mail_lab.request_parts import multipart as multipart_body

FOLDER = Path(__file__).parent
SECRET = "robot:correct horse"
BASIC_AUTH = basic_auth(SECRET)
TOPIC = "arn:aws:sns:eu-central-1:111111111111:inbound-mail"
MAILGUN_KEY = "mailgun-key"
MAILERSEND_SECRET = "mailersend-secret"
MANDRILL_KEY = "mandrill-key"
RESEND_SECRET = "whsec_" + base64.b64encode(b"resend secret of the test").decode()
RAW_MAIL = (FOLDER / "mail.eml").read_bytes()
PNG = b"\x89PNG\r\n\x1a\n tiny"
BOUNDARY = "xYzZY"
PROVIDERS = (
    "amazon_ses", "brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill", "postal", "postmark", "resend",
    "sendgrid", "sparkpost",
)  # fmt: skip

_postal_private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_postal_public_pem = _postal_private_key.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
POSTAL_KEY = "".join(_postal_public_pem.decode().splitlines()[1:-1])

# What Anymail needs to know of each provider.
ANYMAIL: dict[str, Any] = {
    "BREVO_API_KEY": "brevo-key",
    "MAILERSEND_INBOUND_SECRET": MAILERSEND_SECRET,
    "MAILERSEND_SIGNING_SECRET": MAILERSEND_SECRET,
    "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY,
    "MAILTRAP_API_TOKEN": "mailtrap-token",
    "MANDRILL_WEBHOOK_KEY": MANDRILL_KEY,
    "POSTAL_WEBHOOK_KEY": POSTAL_KEY,
    "RESEND_API_KEY": "resend-key",
    "RESEND_INBOUND_SECRET": RESEND_SECRET,
}


@dataclass(frozen=True)
class Call:
    """One request to a webhook, ready for Django's test client."""

    path: str
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, client: Any, **changed: Any) -> Any:
        headers = {"Authorization": BASIC_AUTH, **self.headers, **changed.pop("headers", {})}
        return client.post(
            changed.pop("path", self.path),
            data=changed.pop("body", self.body),
            content_type=self.content_type,
            headers={name: value for name, value in headers.items() if value},
            **changed,
        )


def stored(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def json_call(provider: str, value: Any, *, kind: str = "inbound", **headers: str) -> Call:
    return Call(f"/anymail/{provider}/{kind}/", json.dumps(value).encode(), headers=headers)


def multipart(fields: Mapping[str, str | bytes], files: Mapping[str, tuple[str, str, bytes]] | None = None) -> bytes:
    return multipart_body(fields, files, boundary=BOUNDARY)


def form_call(
    path: str, fields: Mapping[str, str | bytes], files: Mapping[str, tuple[str, str, bytes]] | None = None
) -> Call:
    return Call(path, multipart(fields, files), f"multipart/form-data; boundary={BOUNDARY}")


def sns(name: str = "amazon_ses_sns", **changed: Any) -> Call:
    message = stored(name) | changed
    return json_call(
        "amazon_ses",
        message,
        **{"X-Amz-Sns-Message-Type": message["Type"], "X-Amz-Sns-Message-Id": message["MessageId"]},
    )


def mailersend(value: Any = None, *, kind: str = "inbound") -> Call:
    call = json_call("mailersend", stored("mailersend") if value is None else value, kind=kind)
    return Call(call.path, call.body, headers={"Signature": hmac_sha256(MAILERSEND_SECRET, call.body)})


def mailgun_signed(
    fields: Mapping[str, str | bytes], *, timestamp: float | None = None, token: str = ""
) -> dict[str, Any]:
    signed: dict[str, Any] = dict(fields)
    signed["timestamp"] = str(int(time.time() if timestamp is None else timestamp))
    signed["token"] = token or signed["token"]
    signed["signature"] = hmac_sha256(MAILGUN_KEY, (signed["timestamp"] + signed["token"]).encode())
    return signed


MAILGUN_FILES = {
    "attachment-1": ("../screen.png", "image/png", PNG),
    "attachment-2": ("logo.png", "image/png", PNG + b"2"),
}


def mailgun(**signing: Any) -> Call:
    """The parsed form, with files."""
    return form_call("/anymail/mailgun/inbound/", mailgun_signed(stored("mailgun"), **signing), MAILGUN_FILES)


def mailgun_mime(raw: bytes = RAW_MAIL, **signing: Any) -> Call:
    fields = mailgun_signed(stored("mailgun_mime") | {"body-mime": raw}, **signing)
    return form_call("/anymail/mailgun/inbound_mime/", fields)


def mandrill(events: Any = None, *, secret: str = SECRET) -> Call:
    fields = {"mandrill_events": json.dumps(stored("mandrill") if events is None else events, ensure_ascii=False)}
    # Mandrill signs the URL with the user and password that it was given.
    signed = f"http://{secret}@testserver/anymail/mandrill/mandrill_events" + fields["mandrill_events"]
    signature = base64.b64encode(hmac.new(MANDRILL_KEY.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    return Call(
        "/anymail/mandrill/",
        urlencode(fields).encode(),
        "application/x-www-form-urlencoded",
        {"X-Mandrill-Signature": signature},
    )


def postal(value: Any = None) -> Call:
    call = json_call("postal", stored("postal") if value is None else value)
    signature = _postal_private_key.sign(call.body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - Postal's choice
    return Call(call.path, call.body, headers={"X-Postal-Signature": base64.b64encode(signature).decode()})


def resend(value: Any = None, *, timestamp: float | None = None) -> Call:
    call = json_call("resend", stored("resend") if value is None else value)
    when = str(int(time.time() if timestamp is None else timestamp))
    key = base64.b64decode(RESEND_SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(
        hmac.new(key, f"msg_1.{when}.".encode() + call.body, hashlib.sha256).digest()
    ).decode()
    headers = {"Svix-Id": "msg_1", "Svix-Timestamp": when, "Svix-Signature": f"v1,{signature}"}
    return Call(call.path, call.body, headers=headers)


def sendgrid() -> Call:
    fields: dict[str, str | bytes] = dict(stored("sendgrid"))
    fields["text"] = str(fields["text"]).encode("iso-8859-1")
    return form_call("/anymail/sendgrid/inbound/", fields, {"attachment1": ("screen.png", "image/png", PNG)})


def sendgrid_raw(raw: bytes = RAW_MAIL) -> Call:
    return form_call("/anymail/sendgrid/inbound/", stored("sendgrid_raw") | {"email": raw})


def all_calls() -> dict[str, Call]:
    """By name of the situation; each brings one mail."""
    return {
        "amazon_ses_sns": sns(),
        "amazon_ses_s3": sns("amazon_ses_s3"),
        "brevo": json_call("brevo", stored("brevo")),
        "mailersend": mailersend(),
        "mailgun": mailgun(),
        "mailgun_mime": mailgun_mime(),
        "mailjet": json_call("mailjet", stored("mailjet")),
        "mailtrap": json_call("mailtrap", stored("mailtrap")),
        "mandrill": mandrill(),
        "postal": postal(),
        "postmark": json_call("postmark", stored("postmark")),
        "postmark_raw": json_call("postmark", stored("postmark_raw")),
        "resend": resend(),
        "sendgrid": sendgrid(),
        "sendgrid_raw": sendgrid_raw(),
        "sparkpost": json_call("sparkpost", stored("sparkpost")),
    }
