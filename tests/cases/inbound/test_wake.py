"""Ringing for the workers: at once for the one who rings, one message for many rings, and no error gets out."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

import pytest
from celery import current_app

from cases.inbound.wake import SETTLE_TASK, Bell


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    messages: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        type(current_app._get_current_object()),
        "send_task",
        lambda _app, name, **options: messages.append((name, options)),
    )
    return messages


def wait_for(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_ring_sends_the_task_by_name_without_retries(sent: list[Any]) -> None:
    Bell().ring()

    wait_for(lambda: sent)
    assert sent[0] == (SETTLE_TASK, {"ignore_result": True, "retry": False})


def test_settle_task_has_the_name_that_is_rung() -> None:
    from cases.inbound.tasks import settle_mail

    assert settle_mail.name == SETTLE_TASK


def test_many_rings_are_one_or_two_messages(sent: list[Any]) -> None:
    bell = Bell()

    for _ in range(500):
        bell.ring()
    wait_for(lambda: sent)
    time.sleep(0.2)

    assert 1 <= len(sent) <= 3


def test_broker_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(
        type(current_app._get_current_object()), "send_task", lambda *_args, **_options: release.wait(5)
    )
    bell = Bell()
    started = time.monotonic()

    for _ in range(100):
        bell.ring()

    assert time.monotonic() - started < 0.5
    release.set()


def test_failures_are_counted_and_reported_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(type(current_app._get_current_object()), "send_task", refuse)
    bell = Bell()
    caplog.set_level(logging.WARNING, "cases.inbound.wake")

    for _ in range(5):
        bell.publish()

    assert [record.getMessage() for record in caplog.records] == [
        "1 wake-ups did not reach the broker (ConnectionRefusedError); mail waits for the sweeper"
    ]
    assert bell._failures == 4


def test_child_process_gets_a_thread_of_its_own(sent: list[Any]) -> None:
    bell = Bell()
    bell.ring()
    wait_for(lambda: sent)

    child = os.fork()
    if child == 0:
        sent.clear()
        bell.ring()
        for _ in range(200):
            if sent:
                os._exit(0)
            time.sleep(0.01)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
