from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases.models import Heartbeat, InboundEmail
from tests.factories import InboundEmailFactory


@pytest.fixture
def sweeper(db: Any) -> Heartbeat:
    return Heartbeat.objects.create(name="sweeper", at=timezone.now())


def make_storage_unusable(settings: Any, tmp_path: Path) -> None:
    """A file stands where the folder should be: nobody can write there, the superuser included."""
    place = tmp_path / "taken"
    place.write_text("")
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "cases.blobs.DurableFileStorage", "OPTIONS": {"location": str(place)}}
    }


@pytest.mark.django_db
def test_ready_says_ok_and_leaves_no_row(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "reasons": {}}
    assert answer["Cache-Control"] == "no-store"
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_ready_counts_only_what_storing_a_mail_needs(client: Client, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_not_ready_when_the_storage_takes_no_file(client: Client, settings: Any, tmp_path: Path) -> None:
    make_storage_unusable(settings, tmp_path)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failed",
        "reasons": {"storage": "The storage of mail and attachments failed (FileExistsError)."},
    }


@pytest.mark.django_db
def test_not_ready_when_the_database_takes_no_row(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {Heartbeat._meta.db_table} RENAME TO gone")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert list(answer.json()["reasons"]) == ["database"]


@pytest.mark.django_db
def test_healthy_names_every_check(client: Client, sweeper: Heartbeat) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert {name: check["status"] for name, check in body["checks"].items()} == {
        "database": "ok",
        "storage": "ok",
        "sweeper": "ok",
        "oldest_unsettled": "ok",
        "canaries": "ok",
        "broker": "ok",
    }
    assert body["counts"] == {"unsettled": 0, "held": 0, "quarantined": 0, "uncertain": 0}


@pytest.mark.django_db
@pytest.mark.parametrize(("age", "status"), [(timedelta(seconds=55), 200), (timedelta(seconds=65), 503)])
def test_a_sweeper_silent_for_a_minute_is_unhealthy(client: Client, age: timedelta, status: int) -> None:
    Heartbeat.objects.create(name="sweeper", at=timezone.now() - age)

    assert client.get("/healthz").status_code == status


@pytest.mark.django_db
def test_a_sweeper_that_never_ran_is_unhealthy(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["sweeper"]["detail"] == "The sweeper has never run. Start manage.py sweep."


@pytest.mark.parametrize(("age", "status"), [(timedelta(seconds=115), 200), (timedelta(seconds=125), 503)])
def test_mail_that_waits_for_two_minutes_is_unhealthy(
    client: Client, sweeper: Heartbeat, age: timedelta, status: int
) -> None:
    InboundEmailFactory(received_at=timezone.now() - age)

    answer = client.get("/healthz")

    assert answer.status_code == status
    assert answer.json()["counts"]["unsettled"] == 1


def test_mail_that_waits_for_a_person_is_counted_and_turns_nothing_red(client: Client, sweeper: Heartbeat) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    InboundEmailFactory(received_at=long_ago, state=InboundEmail.State.QUARANTINED, reason="parse_failed")
    InboundEmailFactory(received_at=long_ago, state=InboundEmail.State.HELD, reason="over_limit")

    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["counts"] == {"unsettled": 0, "held": 1, "quarantined": 1, "uncertain": 0}


def test_a_broker_that_is_down_only_degrades(client: Client, sweeper: Heartbeat, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1}

    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["broker"]["status"] == "degraded"


def test_health_tells_no_secret(client: Client, sweeper: Heartbeat, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://user:hunter2@127.0.0.1:1/0"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1}

    answer = client.get("/healthz")

    assert b"hunter2" not in answer.content


@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_health_pages_cannot_be_posted_to(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
