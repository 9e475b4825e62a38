from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def mail_stays_in_memory(settings: Any) -> None:
    """System mail goes to django.core.mail.outbox."""
    settings.E2C_EMAIL_URL = "memory:"
    settings.E2C_PUBLIC_URL = "https://cases.company.example"
    settings.E2C_SYSTEM_FROM = "Email-to-Case <no-reply@company.example>"
