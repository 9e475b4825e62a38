"""Run a command as the shell would: arguments in, exit code, stdout and stderr out."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.core.management import load_command_class
from django.core.management.base import OutputWrapper


@dataclass(frozen=True)
class Ran:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """All of stdout: anything beside the JSON is an error."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


def run(name: str, *arguments: str) -> Ran:
    """`manage.py name arguments...` in this process."""
    command = load_command_class("cases", name)
    stdout, stderr = io.StringIO(), io.StringIO()
    command.stdout, command.stderr = OutputWrapper(stdout), OutputWrapper(stderr)
    exit_code = 0
    try:
        # A command closes its connections when it ends; here they hold the test's transaction.
        with patch("django.core.management.base.connections.close_all"):
            command.run_from_argv(["manage.py", name, *arguments])
    except SystemExit as stop:
        exit_code = stop.code if isinstance(stop.code, int) else 1
    return Ran(exit_code, stdout.getvalue(), stderr.getvalue())
