"""The keys that sign and prove thread tokens, reply addresses and Message-IDs (cases.thread_token)."""

from __future__ import annotations

from django.conf import settings


def signing_keys() -> list[str]:
    """E2C_THREAD_KEYS, else SECRET_KEY and its fallbacks. The first one signs, all of them prove."""
    return list(settings.E2C_THREAD_KEYS) or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
