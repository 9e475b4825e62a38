"""Which services a test needs, and what every database test starts from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
SERVICES_REQUIRED = os.environ.get("E2C_TEST_REQUIRE_SERVICES") == "1"


def missing_service(item: pytest.Item) -> str | None:
    """Why the services a test is marked with cannot be used here; None when all are there."""
    if item.get_closest_marker("postgres"):
        from django.db import connection

        if connection.vendor != "postgresql":
            return "needs DATABASE_URL of a PostgreSQL server"
    if item.get_closest_marker("redis") and not os.environ.get("E2C_TEST_REDIS_URL"):
        return "needs E2C_TEST_REDIS_URL"
    if item.get_closest_marker("browser") and not Path(CHROMIUM).exists():
        return "needs Chromium"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        reason = missing_service(item)
        if reason and not (SERVICES_REQUIRED and item.get_closest_marker("browser")):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Each test stores its files in a folder of its own, never in an instance's."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "cases.blobs.DurableFileStorage", "OPTIONS": {"location": str(tmp_path / "blobs")}}
    }
    yield tmp_path / "blobs"


@pytest.fixture
def organisation(db: Any) -> Any:
    """What `manage.py setup` makes: settings, default queue, statuses, record type."""
    from cases.setup import set_up_instance

    return set_up_instance()
