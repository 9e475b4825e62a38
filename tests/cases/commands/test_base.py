"""What the shell sees of a command: exit codes, and JSON alone on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from cases.management.base import ContractCommand, UsageError
from tests.cases.commands.running import run

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"


def in_the_shell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    chosen = ("PATH", "HOME", "LANG")
    environment = {name: os.environ[name] for name in chosen if name in os.environ} | {"E2C_DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )


def test_a_new_instance_is_set_up_and_given_an_address_from_the_shell(tmp_path: Path) -> None:
    create = "create_routing_address"
    too_early = in_the_shell(tmp_path, create, "support@company.example")
    done = in_the_shell(tmp_path, "setup")
    made = in_the_shell(
        tmp_path,
        "create_routing_address",
        "support@company.example",
        "--name",
        "Support",
        "--owner",
        "queue:Unassigned",
    )
    refused = in_the_shell(
        tmp_path, "create_routing_address", "x@company.example", "--name", "X", "--owner", "queue:No"
    )
    misused = in_the_shell(tmp_path, "create_routing_address")

    assert too_early.returncode == 1
    assert "run manage.py setup" in too_early.stderr
    assert "Traceback" not in too_early.stderr
    assert done.returncode == 0
    assert made.returncode == 0
    assert json.loads(made.stdout)["owner"] == {"type": "queue", "name": "Unassigned"}
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    assert refused.returncode == 1
    assert json.loads(refused.stdout) == {"error": 'owner: there is no queue "No".'}
    assert (misused.returncode, misused.stdout) == (64, "")


def command_that_raises(error: Exception) -> ContractCommand:
    class Command(ContractCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            raise error

    return Command()


def test_an_error_of_usage_exits_64_from_anywhere_in_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command_that_raises(UsageError("not both")).run_from_argv(["manage.py", "x"])

    assert stop.value.code == 64
    assert "not both" in capsys.readouterr().err


def test_a_fault_of_the_database_is_not_called_a_missing_set_up() -> None:
    with pytest.raises(OperationalError):
        command_that_raises(OperationalError("disk I/O error")).execute(**OPTIONS)


@pytest.mark.django_db(transaction=True)
def test_a_missing_table_is_called_a_missing_set_up() -> None:
    class Command(ContractCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM a_table_that_no_migration_makes")

    with pytest.raises(CommandError, match=r"run manage\.py setup"):
        Command().execute(**OPTIONS)


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check_setup", "--help").exit_code == 0
    assert "--format" in capsys.readouterr().out


OPTIONS = {"force_color": False, "no_color": False, "verbosity": 1, "skip_checks": True}
