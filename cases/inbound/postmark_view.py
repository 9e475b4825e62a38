"""Anymail's view of Postmark's mail as this project uses it."""

from __future__ import annotations

from typing import Any

from anymail.webhooks.postmark import PostmarkInboundWebhookView

from cases.inbound.reader.charsets import one_line

__all__ = ["PostmarkInbound"]


class PostmarkInbound(PostmarkInboundWebhookView):
    @classmethod
    def _address(cls, full: Any) -> str:
        """Anymail refuses names and addresses that mail programs send; the reader judges them later."""
        if not isinstance(full, dict):
            return ""
        name, address = (one_line(str(full.get(key) or "")) for key in ("Name", "Email"))
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>' if name else address
