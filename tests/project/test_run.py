"""`make run` as a person uses it: a process of its own, real web server, worker and sweeper, nothing else running."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.project.processes import ROOT, environment, free_port, manage

STARTS_WITHIN = 240  # seconds; the machine may be busy
SETTLES_WITHIN = 120  # seconds


def wait_until(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")


class Instance:
    def __init__(self, data_dir: Path, *, demo_data: bool) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.env = environment(
            data_dir,
            E2C_MODE="demo",
            E2C_DEMO_DATA="1" if demo_data else "0",
            E2C_SMTP_LISTEN=f"127.0.0.1:{free_port()}",
            PORT=str(self.port),
        )
        self.log = data_dir / "run.log"
        self.process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "run", "--setup"], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        try:
            wait_until(lambda: "Ctrl-C stops everything." in self.said(), seconds=STARTS_WITHIN, what=self.said())
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    process.kill()  # nothing of it may weigh on the tests after it
                    process.wait()
                    raise

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def secret(self) -> str:
        secrets: dict[str, str] = json.loads((self.data_dir / "secrets-demo.json").read_text())
        return secrets["E2C_WEBHOOK_SECRET"]

    def post_as_postmark(self, subject: str) -> int:
        mail = {
            "FromFull": {"Email": "casey@example.net", "Name": "Casey"},
            "ToFull": [{"Email": "support@demo.example"}],
            "OriginalRecipient": "support@demo.example",
            "Subject": subject,
            "TextBody": "What can I do?",
            "Headers": [{"Name": "Message-ID", "Value": f"<{time.time_ns()}@example.net>"}],
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/anymail/postmark/inbound/",
            data=json.dumps(mail).encode(),
            headers={
                "Authorization": f"Basic {base64.b64encode(self.secret().encode()).decode()}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)

    def subjects(self) -> list[str]:
        subjects_of_cases = "list(Case.objects.values_list('subject', flat=True))"
        query = f"import json; from cases.models import Case; print(json.dumps({subjects_of_cases}))"
        done = manage("shell", "--no-imports", "--command", query, env=self.env)
        subjects: list[str] = json.loads(done.stdout.strip().splitlines()[-1])
        return subjects


def processes_below(parent: int) -> set[int]:
    """Every descendant of a process, from /proc."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(after_name[1]), set()).add(int(entry.name))
    found: set[int] = set()
    waiting = {parent}
    while waiting:
        below = set().union(*(children.get(number, set()) for number in waiting))
        waiting = below - found
        found |= below
    return found


def is_alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, demo_data=False)


def test_a_posted_mail_becomes_a_case_and_a_second_start_keeps_it(tmp_path: Path) -> None:
    instance = Instance(tmp_path, demo_data=True)
    with instance.running() as process:
        said = instance.said()
        status = instance.post_as_postmark("The lamp flickers")
        wait_until(lambda: "The lamp flickers" in instance.subjects(), seconds=SETTLES_WITHIN, what="a case")
        with urllib.request.urlopen(f"http://127.0.0.1:{instance.port}/readyz", timeout=10) as answer:
            ready = answer.status
    before = sorted(instance.subjects())

    with instance.running():
        after = sorted(instance.subjects())

    assert status == 200
    assert ready == 200
    assert process.returncode == 0
    assert "admin / admin-demo, rep / rep-demo" in said
    assert f"curl -sS -w '%{{http_code}}\\n' -u {instance.secret()} " in said
    assert after == before


def test_without_demo_data_there_is_no_case_and_no_user(instance: Instance) -> None:
    with instance.running():
        said = instance.said()

    assert instance.subjects() == []
    assert "Sign in as" not in said
    assert f"Nobody can sign in yet: E2C_MODE=demo E2C_DATA_DIR={instance.data_dir} " in said
    assert "manage.py createsuperuser" in said


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_process(instance: Instance, number: signal.Signals) -> None:
    with instance.running() as process:
        children = processes_below(process.pid)

        process.send_signal(number)
        code = process.wait(timeout=90)

        assert len(children) >= 4  # web server with its worker, Celery worker, sweeper
        assert code == 0
        assert [child for child in children if is_alive(child)] == []


@needs_proc
def test_a_killed_supervisor_leaves_no_process_behind(instance: Instance) -> None:
    with instance.running() as process:
        children = processes_below(process.pid)

        process.kill()
        process.wait(timeout=60)

        wait_until(
            lambda: not [child for child in children if is_alive(child)], seconds=90, what="every child has ended"
        )


@needs_proc
def test_a_program_that_dies_is_started_again(instance: Instance) -> None:
    with instance.running() as process:
        [sweeper] = [
            child
            for child in processes_below(process.pid)
            if Path(f"/proc/{child}/cmdline").read_bytes().endswith(b"manage.py\0sweep\0")
        ]

        os.kill(sweeper, signal.SIGKILL)

        wait_until(
            lambda: "sweeper | ended (killed by SIGKILL); starts again" in instance.said(), seconds=10, what="a line"
        )
        wait_until(
            lambda: any(
                Path(f"/proc/{child}/cmdline").read_bytes().endswith(b"manage.py\0sweep\0")
                for child in processes_below(process.pid)
            ),
            seconds=20,
            what="a new sweeper",
        )


def test_a_taken_port_is_told_in_one_sentence(instance: Instance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", instance.port))
        other.listen()

        done = manage("run", "--setup", env=instance.env)

    assert done.returncode == 1
    assert f"Port {instance.port} of 127.0.0.1 is taken." in done.stderr
    assert f"PORT={instance.port + 1}" in done.stderr


def test_an_unsafe_instance_is_not_run(tmp_path: Path) -> None:
    done = manage("run", env=environment(tmp_path, E2C_LOG_LEVEL="ERROR"))

    assert done.returncode == 1
    assert done.stderr.startswith("Not started: E2C_WEBHOOK_SECRET is not set")
    assert done.stdout == ""
