"""An instance of its own: a data folder, a database, and the real processes of `manage.py run`, each by its id."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.test import override_settings

from cases.management.commands.run import web_command
from tests.project.processes import ROOT, environment, free_port, manage

ADDRESS = "support@company.example"
SECRET = "post:office"
MAILGUN_KEY = "mailgun-key"
START_TIMEOUT = 240.0  # seconds; another process may have the machine

SETTINGS = {
    "E2C_MODE": "local",
    "E2C_WEBHOOK_SECRET": SECRET,
    "E2C_PROVIDERS": "postmark,mailgun",
    "E2C_MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY,
    "E2C_LOG_LEVEL": "WARNING",
    "E2C_SWEEP_AFTER_SECONDS": "1",
    "E2C_LEASE_SECONDS": "5",
}


class Program:
    """One started process that leads a group of its own. Nothing else is ever signalled."""

    def __init__(self, name: str, command: list[str], *, env: dict[str, str], log: Path) -> None:
        self.name = name
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=stream, stderr=stream, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        """The processes it started, not theirs."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        except FileNotFoundError:
            return []
        return [int(pid) for pid in listed.split()]

    def tree(self) -> list[int]:
        return [self.pid, *self.children()]

    def kill_children(self) -> None:
        """kill -9 of those who do the work; the parent starts new ones."""
        for pid in self.children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def signal_all(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """kill -9 of the whole group."""
        self.signal_all(signal.SIGKILL)
        self.process.wait(60)


class Instance:
    """`database_url` "" is the embedded default: SQLite in the data folder."""

    def __init__(self, folder: Path, *, database_url: str = "", broker_url: str = "", **settings: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.log = folder.parent / f"{folder.name}.log"
        self.programs: list[Program] = []
        own = {
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker_url,
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "e2c_project.settings",
        }
        self.env = environment(folder, **(SETTINGS | own | settings))

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_error: object) -> None:
        for program in reversed(self.programs):
            program.kill()

    def set_up(self) -> None:
        """Tables, defaults and one verified routing address."""
        for arguments in (["setup"], ["create_routing_address", ADDRESS, "--name", "Support", "--verified"]):
            done = manage(*arguments, env=self.env, timeout=240)
            assert done.returncode == 0, done.stderr

    # Programs ------------------------------------------------------------------------------------------------------

    def start(self, name: str, command: list[str]) -> Program:
        program = Program(name, command, env=self.env, log=self.log)
        self.programs.append(program)
        return program

    def web_command(self, *, web_workers: int = 1) -> list[str]:
        with override_settings(PORT=self.port):
            return web_command(host="127.0.0.1", web_workers=web_workers)

    def start_web(self, *, web_workers: int = 1) -> Program:
        program = self.start("web", self.web_command(web_workers=web_workers))
        wait_until(lambda: self.get("/readyz")[0] == 200, "the web server answers", seconds=START_TIMEOUT)
        return program

    def start_worker(self, *, processes: int = 1, name: str = "worker") -> Program:
        """A Celery worker with child processes, as larger installations run it. Returns once a child is there."""
        program = self.start(
            name,
            [
                *[
                    sys.executable,
                    "-m",
                    "celery",
                    "--quiet",
                    "--app",
                    "e2c_project",
                    "worker",
                    "--loglevel",
                    "WARNING",
                ],
                *["--hostname", f"{name}@%h", "--pool", "prefork", "--concurrency", str(processes)],
                *["--without-mingle", "--without-gossip", "--without-heartbeat"],
            ],
        )
        wait_until(lambda: len(program.children()) >= processes, "the worker has children", seconds=START_TIMEOUT)
        return program

    def start_sweeper(self) -> Program:
        return self.start("sweeper", [sys.executable, "manage.py", "sweep", "--interval", "0.3"])

    # What it says and holds ----------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a page; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)
        except OSError:
            return 0, {}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query written for both databases."""
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                return connection.execute(sql.encode()).fetchall()
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def count(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    def unsettled(self) -> int:
        return self.count("SELECT count(*) FROM cases_inboundemail WHERE state IN ('received', 'processing')")

    def wait_until_settled(self, *, seconds: float = 180) -> None:
        wait_until(lambda: self.unsettled() == 0, "all mail is settled", seconds=seconds)

    def blob(self, sha256: str) -> bytes:
        return (self.folder / "blobs" / sha256[:2] / sha256[2:4] / sha256).read_bytes()


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 120, every: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {seconds:g} s: {what}")
        time.sleep(every)


# PostgreSQL ----------------------------------------------------------------------------------------------------------


def server_url() -> str:
    return os.environ.get("E2C_TEST_POSTGRES_URL") or "postgres:///postgres"


def url_of(database: str) -> str:
    """The URL of another database of the test server."""
    parts = urlsplit(server_url())
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


def on_server(*statements: str) -> None:
    """Statements on the maintenance database, each committed by itself."""
    with psycopg.connect(server_url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def make_database(name: str, *, template: str = "template1") -> str:
    on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return url_of(name)


def drop_database(name: str) -> None:
    on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


# Redis ---------------------------------------------------------------------------------------------------------------


class RedisServer:
    """A Redis server of our own. It keeps nothing on disk: killed, it is empty."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: self.command("PING").startswith("+PONG"), "Redis answers")
        return process

    def command(self, line: str) -> str:
        """One command, its first answer; "" when nothing listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"{line}\r\n".encode())
                return connection.recv(4096).decode()
        except OSError:
            return ""

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(60)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def flush(self) -> None:
        assert self.command("FLUSHALL").startswith("+OK")


def redis_server(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
