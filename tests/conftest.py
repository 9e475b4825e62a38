"""Which services a test needs, and what every database test starts from.

A test whose service is absent is left out, not skipped: who has neither PostgreSQL nor Redis sees a green run and a
line that says what it did not cover. With E2C_TEST_REQUIRE_SERVICES=1 (in CI) nothing may be absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from cases.setup import set_up_instance
from tests import services

CHROMIUM = services.chromium()
SERVICES_REQUIRED = os.environ.get("E2C_TEST_REQUIRE_SERVICES") == "1"


def absent_services() -> dict[str, str]:
    """Why the tests of a marker cannot run here."""
    absent: dict[str, str] = {}
    if connection.vendor != "postgresql":
        absent["postgres"] = "DATABASE_URL names no PostgreSQL server"
    redis_url = os.environ.setdefault("E2C_TEST_REDIS_URL", services.DEFAULT_REDIS_URL)
    if fault := services.redis_fault(redis_url):
        absent["redis"] = f"no Redis at E2C_TEST_REDIS_URL: {fault}"
    if not CHROMIUM:
        absent["browser"] = "no Chromium found"
    return absent


# Markers and fixtures of tests that ask for the database of the run.
ON_A_DATABASE = {"db", "transactional_db", "live_server", "django_db", "postgres", "redis", "every_page"}
ABSENT_SERVICES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    # A hash that takes a third of a second is for those who guess passwords, not for tests.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    config.stash[ABSENT_SERVICES] = absent_services()


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [f"left out, {marker}: {why}" for marker, why in config.stash[ABSENT_SERVICES].items()]


def pytest_itemcollected(item: pytest.Item) -> None:
    """What asks for no database is the same on either: where both have their turn it is run on one of them."""
    about = {marker.name for marker in item.iter_markers()} | set(getattr(item, "fixturenames", ()))
    if not about & ON_A_DATABASE:
        item.add_marker(pytest.mark.no_database)


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = config.stash[ABSENT_SERVICES]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in absent)]
    if not left_out:
        return
    needed = {marker for marker in absent for item in left_out if item.get_closest_marker(marker)}
    # CI runs the tests twice: those of PostgreSQL have their turn in the second round.
    forgiven = {"postgres"} if connection.vendor == "sqlite" else set()
    if SERVICES_REQUIRED and needed - forgiven:
        reasons = "; ".join(absent[marker] for marker in sorted(needed - forgiven))
        pytest.exit(f"E2C_TEST_REQUIRE_SERVICES=1, but {reasons}", returncode=1)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, so that every thread has a connection of its own, as in an instance. In memory the threads of
    a live server would share one, and with it each other's transactions. On either database what a test writes need
    not survive a power cut.
    """
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        options["options"] = "-c synchronous_commit=off"
        return
    test = connection.settings_dict["TEST"]
    test["NAME"] = test["NAME"] or str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Any) -> Path:
    """Each test stores its files in a folder of its own, never in an instance's."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "cases.blobs.DurableFileStorage", "OPTIONS": {"location": str(tmp_path / "blobs")}}
    }
    return tmp_path / "blobs"


@pytest.fixture
def still_clock() -> Iterator[datetime]:
    """Time stands still: a machine that takes long over a test comes to the same end."""
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        yield now


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For mail services that fall silent: two seconds are waited for their answer."""
    monkeypatch.setattr("routing.email_url.SMTP_TIMEOUT", 2)


@pytest.fixture
def organisation(db: Any) -> Any:
    """What `manage.py setup` makes: settings, default queue, statuses, record type."""
    return set_up_instance()
