"""Log lines for collectors: JSON alone, secret links hidden, errors with their traceback."""

from __future__ import annotations

import json
from pathlib import Path

from tests.project.processes import environment, python

WRITE_LINES = """
import logging, django
django.setup()
logger = logging.getLogger("cases.inbound")
logger.info("settled %s, see /verify/secret-token", 7)
try:
    raise OSError("the store is away")
except OSError:
    logger.exception("größer\\nals gedacht")
"""


def test_each_line_is_an_object(tmp_path: Path) -> None:
    env = environment(
        tmp_path, DJANGO_SETTINGS_MODULE="e2c_project.settings", E2C_LOG_FORMAT="json", E2C_LOG_LEVEL="INFO"
    )

    done = python("-c", WRITE_LINES, env=env)

    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "INFO",
        "logger": "cases.inbound",
        "message": "settled 7, see /verify/[hidden]",
        "traceback": None,
    }
    assert second["message"] == "größer\nals gedacht"
    assert second["traceback"].endswith("OSError: the store is away")
