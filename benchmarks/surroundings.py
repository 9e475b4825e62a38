"""What all benchmarks stand on: an instance of real processes in a folder that is thrown away, and how to report."""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "e2c_project.settings")
os.environ.setdefault("E2C_DATA_DIR", "var/benchmarks")  # nothing is kept there
django.setup()

from tests.faults.harness import ADDRESS, AUTHORIZATION, Call, as_mailgun, as_postmark, raw_mail  # noqa: E402
from tests.faults.instance import (  # noqa: E402
    Instance,
    Program,
    drop_database,
    make_database,
    redis_server,
    wait_until,
)
from tests.project.processes import ROOT, free_port  # noqa: E402

__all__ = [
    "ADDRESS",
    "AUTHORIZATION",
    "ROOT",
    "Call",
    "Instance",
    "Program",
    "as_mailgun",
    "as_postmark",
    "free_port",
    "inside",
    "median_of",
    "new_instance",
    "raw_mail",
    "say",
    "wait_until",
]

# As delivered, but for what the fault tests hurry up.
USUAL = {"E2C_SWEEP_AFTER_SECONDS": "15", "E2C_LEASE_SECONDS": "60", "E2C_LOG_LEVEL": "ERROR"}


@contextmanager
def new_instance(database: str = "postgres", **settings: str) -> Iterator[Instance]:
    """An instance that is set up and of which nothing runs; database: postgres (with Redis) or sqlite."""
    with tempfile.TemporaryDirectory(prefix="e2c-benchmark-") as name:
        folder = Path(name)
        if database == "sqlite":
            with Instance(folder / "var", **(USUAL | settings)) as instance:
                instance.set_up()
                yield instance
            return
        database_name = f"e2c_benchmark_{secrets.token_hex(4)}"
        url = make_database(database_name)
        try:
            for redis in redis_server(folder):
                with Instance(
                    folder / "var", database_url=url, broker_url=redis.url, **(USUAL | settings)
                ) as instance:
                    instance.set_up()
                    yield instance
        finally:
            drop_database(database_name)


def inside(instance: Instance, job: str, *arguments: object) -> Any:
    """Run a job of benchmarks/jobs.py in a process of the instance; returns what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.jobs", job, *map(str, arguments)],
        cwd=ROOT,
        env=instance.env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return json.loads(done.stdout)


def median_of(runs: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(runs))


def say(what: str, value: str, target: str = "") -> None:
    print(f"{what:<64} {value:<28} {target}", flush=True)
