"""Whoever can write into the broker or a cache runs no code by it (AD09)."""

from __future__ import annotations

import base64
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import caches
from kombu import Connection, Queue
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads

from e2c_project.celery import app
from tests.project.processes import ROOT, environment, manage

BACKENDS_THAT_PICKLE_ELSEWHERE = ("redis", "memcached", "db", "filebased")
WAIT = 40  # seconds


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_only_json_is_taken_and_sent() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == app.conf.result_serializer == "json"
    assert app.conf.result_accept_content is None  # as accept_content
    assert app.conf.event_serializer == "json"
    assert current_app.conf.accept_content == ["json"]


@pytest.mark.parametrize("content_type", ["application/x-python-serialize", "application/x-yaml", "pickle"])
def test_a_message_of_another_kind_is_refused_before_it_is_read(tmp_path: Path, content_type: str) -> None:
    mark = tmp_path / "ran"

    with pytest.raises((ContentDisallowed, LookupError, ValueError)):
        loads(pickle.dumps(Payload(mark)), content_type, "binary", accept=app.conf.accept_content)

    assert not mark.exists()


def test_sessions_messages_and_caches_pickle_nothing_that_others_can_write() -> None:
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
    for name in caches:
        backend = settings.CACHES[name]["BACKEND"].lower()
        assert not any(word in backend for word in BACKENDS_THAT_PICKLE_ELSEWHERE), backend


def test_no_code_of_ours_unpickles() -> None:
    unpickles = re.compile(
        r"^\s*(?:import|from) (?:pickle|marshal|shelve|dill|joblib)\b|\byaml\.unsafe_load", re.MULTILINE
    )
    modules = [path for folder in ("cases", "routing", "e2c_project") for path in (ROOT / folder).rglob("*.py")]

    assert [path.name for path in modules if unpickles.search(path.read_text(encoding="utf-8"))] == []


def queue_of_pickles(folder: Path, mark: Path) -> None:
    """Messages as an attacker writes them: a pickle named as one, and a pickle that calls itself JSON."""
    messages = folder / "broker" / "messages"
    options = {"data_folder_in": str(messages), "data_folder_out": str(messages)}
    options["control_folder"] = str(folder / "broker" / "control")
    body = base64.b64encode(pickle.dumps(Payload(mark))).decode()
    with Connection("filesystem://", transport_options=options) as connection:
        channel = connection.channel()
        Queue("celery", routing_key="celery").bind(channel).declare()
        for number, kind in enumerate(["application/x-python-serialize", "application/json"]):
            message = {
                "body": body,
                "content-encoding": "binary",
                "content-type": kind,
                "headers": {"id": f"x{number}", "task": "cases.inbound.tasks.settle_mail", "lang": "py"},
                "properties": {
                    "body_encoding": "base64",
                    "delivery_info": {"exchange": "", "routing_key": "celery"},
                    "delivery_tag": f"x{number}",
                    "correlation_id": f"x{number}",
                },
            }
            channel._put("celery", message)
        assert len(list(messages.iterdir())) == 2


def test_a_worker_throws_pickles_away_and_goes_on(tmp_path: Path) -> None:
    mark, data = tmp_path / "ran", tmp_path / "data"
    data.mkdir()
    env = environment(data, E2C_LOG_LEVEL="INFO", DJANGO_SETTINGS_MODULE="e2c_project.settings")
    manage("setup", env=env)
    queue_of_pickles(data, mark)
    log = tmp_path / "worker.log"

    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "-A", "e2c_project", "worker", "--pool", "solo", "-l", "INFO"],
            cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        messages = data / "broker" / "messages"
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline and list(messages.iterdir()):
            time.sleep(0.2)
        left = list(messages.iterdir())
        is_alive = worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(WAIT)

    assert left == []
    assert is_alive
    assert not mark.exists()
    assert "Payload" not in log.read_text(errors="replace")
