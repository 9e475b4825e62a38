"""Anymail's views of Amazon SES as this project uses them; imported by provider_views for Amazon's requests alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from anymail.webhooks.amazon_ses import AmazonSESInboundWebhookView, AmazonSESTrackingWebhookView
from django.conf import settings

from cases.inbound.fetching import NotAMail, bounded_chunks, fetch

__all__ = ["SesInbound", "SesTracking", "confirmation_url"]


class _SnsConfirmation:
    """Confirms subscriptions of our own topics as Amazon asks for it, by its link, which needs no AWS credentials."""

    def auto_confirm_sns_subscription(self, sns_message: dict[str, Any]) -> None:
        topic = str(sns_message.get("TopicArn"))[:200]
        if topic not in settings.E2C_SNS_TOPICS:
            raise NotAMail(f"a subscription of {topic}, which is not one of E2C_SNS_TOPICS; it was not confirmed")
        fetch(confirmation_url(str(sns_message.get("SubscribeURL")))).raise_for_status()
        raise NotAMail(f"the subscription of {topic} was confirmed")


def confirmation_url(url: str) -> str:
    """The link of an SNS confirmation, or its like on E2C_INBOUND_API_URL. Raises NotAMail when it is not Amazon's."""
    parts = urlsplit(url)
    if settings.E2C_INBOUND_API_URL:
        other = urlsplit(settings.E2C_INBOUND_API_URL)
        return urlunsplit((other.scheme, other.netloc, parts.path, parts.query, ""))
    host = (parts.hostname or "").lower()
    is_amazon = host.startswith("sns.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    if parts.scheme != "https" or not is_amazon:
        raise NotAMail("a subscription whose link does not lead to Amazon; it was not confirmed")
    return url


class SesInbound(_SnsConfirmation, AmazonSESInboundWebhookView):
    def fetch_s3_chunks(self, bucket_name: str, object_key: str) -> Iterator[bytes]:
        return bounded_chunks(super().fetch_s3_chunks(bucket_name, object_key))


class SesTracking(_SnsConfirmation, AmazonSESTrackingWebhookView):
    pass
