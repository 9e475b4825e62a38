"""Anymail's backends of the providers that take an idempotency key, with the key of our mail handed on.

A call under a key that the provider has seen is answered, and nothing is sent again. Of the others that Anymail knows
(Amazon SES, MailerSend, Mailgun, Mailjet, Mailtrap, Mandrill, Postal, Postmark, SendGrid, SparkPost) none has one.
"""

from __future__ import annotations

import uuid
from typing import Any

from anymail.backends.brevo import EmailBackend as AnymailBrevoBackend
from anymail.backends.resend import EmailBackend as AnymailResendBackend
from django.core.mail import EmailMessage

_NAMESPACE = uuid.UUID("6f0d9a3e-5f1c-4c0e-9a55-2b7b5a0c1e2c")


def _key_of(message: EmailMessage) -> str:
    return str(getattr(message, "e2c_idempotency_key", ""))


class ResendBackend(AnymailResendBackend):
    """A header of the call, for 24 hours: https://resend.com/docs/dashboard/emails/idempotency-keys"""

    def build_message_payload(self, message: EmailMessage, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        if key := _key_of(message):
            payload.headers["Idempotency-Key"] = key
        return payload


class BrevoBackend(AnymailBrevoBackend):
    """A UUID among the mail's headers, for 30 minutes.

    https://developers.brevo.com/docs/heterogenous-versions-batch-emails
    """

    def build_message_payload(self, message: EmailMessage, defaults: Any) -> Any:
        payload = super().build_message_payload(message, defaults)
        if key := _key_of(message):
            payload.data["headers"]["idempotencyKey"] = str(uuid.uuid5(_NAMESPACE, key))
        return payload
