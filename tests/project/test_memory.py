"""What a worker loads: Python keeps every module of a process for good."""

from __future__ import annotations

from pathlib import Path

from tests.project.processes import environment, python

HEAVY = ("svix", "pydantic", "httpx", "boto3")


def test_worker_loads_no_code_of_providers_that_are_not_in_use(tmp_path: Path) -> None:
    code = f"""
import sys
from e2c_project.celery import app
app.loader.import_default_modules()
assert "cases.inbound.settle" in sys.modules
print([name for name in {HEAVY} if name in sys.modules])
"""

    done = python("-W", "ignore", "-c", code, env=environment(tmp_path, E2C_PROVIDERS="postmark,mailgun"))

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
