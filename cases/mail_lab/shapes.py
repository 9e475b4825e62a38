"""The requests that providers would post for a mail: their bodies, their headers, their signatures.

Most providers have two forms: the mail as it is, or taken apart into fields. Signatures are made with the credentials
of this instance, so what is tried is the instance as it is set up; where that cannot be, the request says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from cases.mail_lab import mail_by_link, mail_in_fields, whole_mail
from cases.mail_lab.request_parts import CannotShape, Envelope, ProviderRequest, basic_auth

__all__ = ["SHAPES", "SMTP", "CannotShape", "Envelope", "ProviderRequest", "Shape", "request_for"]

SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    label: str
    provider: str
    # Of the raw mail, its envelope, and the scheme and host that will be posted to. None: not a request, but SMTP.
    make: Callable[[bytes, Envelope, str], ProviderRequest] | None


def request_for(shape: Shape, raw: bytes, envelope: Envelope, *, site: str) -> ProviderRequest:
    """`site`: scheme and host that the request will be posted to. Raises CannotShape."""
    if shape.make is None:
        raise CannotShape("Mail by SMTP comes without a request.")
    # So that whoever looks at the stored request sees that no provider sent it.
    headers = {"Authorization": basic_auth(settings.E2C_WEBHOOK_SECRET), "User-Agent": "Email-to-Case mail lab"}
    return shape.make(raw, envelope, site).with_headers(headers)


SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("amazon_ses", "Amazon SES (SNS)", "amazon_ses", whole_mail.amazon_ses),
        Shape("brevo", "Brevo", "brevo", mail_by_link.brevo),
        Shape("mailersend", "MailerSend", "mailersend", whole_mail.mailersend),
        Shape("mailgun", "Mailgun, as fields", "mailgun", mail_in_fields.mailgun),
        Shape("mailgun_mime", "Mailgun, as it is (MIME)", "mailgun", mail_in_fields.mailgun_mime),
        Shape("mailjet", "Mailjet", "mailjet", mail_in_fields.mailjet),
        Shape("mailtrap", "Mailtrap", "mailtrap", mail_by_link.mailtrap),
        Shape("mandrill", "Mandrill", "mandrill", whole_mail.mandrill),
        Shape("postal", "Postal", "postal", whole_mail.postal),
        Shape("postmark", "Postmark, as fields", "postmark", mail_in_fields.postmark),
        Shape("postmark_raw", "Postmark, with the raw mail", "postmark", mail_in_fields.postmark_raw),
        Shape("resend", "Resend", "resend", mail_by_link.resend),
        Shape("sendgrid", "SendGrid, as fields", "sendgrid", mail_in_fields.sendgrid),
        Shape("sendgrid_raw", "SendGrid, the raw mail", "sendgrid", mail_in_fields.sendgrid_raw),
        Shape("sparkpost", "SparkPost", "sparkpost", whole_mail.sparkpost),
        Shape(SMTP, "Mail server (SMTP or LMTP)", SMTP, None),
    )
}
