"""Probes ask by address; the site answers to its names alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_a_probe_by_address_is_answered_though_the_site_has_another_name(path: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["cases.example.com"]

    by_address = Client(SERVER_NAME="10.0.0.7").get(path)

    assert by_address["Content-Type"] == "application/json"
    assert by_address.json()["status"] in {"ok", "failed", "degraded"}
    assert Client(SERVER_NAME="10.0.0.7").get("/login/").status_code == 400
