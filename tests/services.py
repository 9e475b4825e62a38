"""Which services answer on this machine. Imported by conftest.py, and run by `make test` with the two URLs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psycopg
import redis

TIMEOUT = 10  # seconds
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/5"


def postgres_fault(url: str) -> str:
    """Why PostgreSQL cannot be used; "" when it can."""
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT):
            return ""
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def redis_fault(url: str) -> str:
    """Why Redis cannot be used; "" when it can."""
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        return str(error)
    return ""


def chromium() -> str:
    """Path of Chromium; "" without one."""
    usual = "/usr/bin/chromium"
    return usual if Path(usual).exists() else shutil.which("chromium") or shutil.which("chromium-browser") or ""


def main(postgres_url: str, redis_url: str) -> int:
    """Exit code 0 when PostgreSQL answers. Redis alone is not worth a second round."""
    fault = postgres_fault(postgres_url)
    if fault:
        print("== No PostgreSQL answers (E2C_TEST_POSTGRES_URL): its tests were not run. All others passed.")  # noqa: T201
        return 1
    if redis_fault(redis_url):
        print("== No Redis answers (E2C_TEST_REDIS_URL): its few tests are left out.")  # noqa: T201
    return 0


if __name__ == "__main__":
    # Only the answers matter here: a variable that says otherwise for the application must not be in the way.
    os.environ.pop("PGOPTIONS", None)
    sys.exit(main(*sys.argv[1:3]))
