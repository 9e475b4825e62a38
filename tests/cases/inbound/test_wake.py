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
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


class SlowBroker:
    """Takes a message when it is told to."""

    def __init__(self) -> None:
        self.asked = self.taken = 0
        self.is_ready = threading.Semaphore(0)

    def send_task(self, *_args: Any, **_options: Any) -> None:
        self.asked += 1
        assert self.is_ready.acquire(timeout=60)
        self.taken += 1


@pytest.fixture
def slow_broker(monkeypatch: pytest.MonkeyPatch) -> SlowBroker:
    broker = SlowBroker()
    monkeypatch.setattr(type(current_app._get_current_object()), "send_task", broker.send_task)
    return broker


def test_ring_sends_the_task_by_name_without_retries(sent: list[Any]) -> None:
    Bell().ring()

    wait_for(lambda: sent)
    assert sent[0] == (SETTLE_TASK, {"ignore_result": True, "retry": False})


def test_settle_task_has_the_name_that_is_rung() -> None:
    from cases.inbound.tasks import settle_mail

    assert settle_mail.name == SETTLE_TASK


def test_rings_while_a_message_is_under_way_are_one_more_message(slow_broker: SlowBroker) -> None:
    bell = Bell()
    bell.ring()
    wait_for(lambda: slow_broker.asked == 1)

    for _ in range(500):
        bell.ring()
    slow_broker.is_ready.release(2)
    wait_for(lambda: slow_broker.taken == 2)

    assert not bell._rung.is_set()  # nothing is left to tell
    assert slow_broker.asked == 2


def test_broker_that_hangs_keeps_nobody_waiting(slow_broker: SlowBroker) -> None:
    bell = Bell()

    for _ in range(100):
        bell.ring()

    assert slow_broker.taken == 0
    slow_broker.is_ready.release(100)


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
        for _ in range(6000):
            if sent:
                os._exit(0)
            time.sleep(0.01)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
