"""What deploy/ starts exists, with every setting it needs: the files are read, no container and no unit is started."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.project.processes import ROOT

DEPLOY = ROOT / "deploy"
PROGRAMS = {"web", "worker", "sweeper", "smtp", "setup"}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def unit(path: Path) -> configparser.ConfigParser:
    # ExecStart may stand twice; the parser keeps the last one of a name, and %n is systemd's.
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


def commands_of(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def assert_starts(command: list[str]) -> None:
    """A command of ours that exists, or a program that the requirements install."""
    program, *arguments = command
    if Path(program).name == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
    else:
        assert Path(program).name in {"gunicorn", "celery"}
        assert "e2c_project" in command or "e2c_project.wsgi" in command


def test_there_is_a_unit_and_a_container_for_each_program() -> None:
    assert {path.stem.removeprefix("e2c-") for path in UNITS} == PROGRAMS
    assert compose()["services"].keys() == PROGRAMS | {"postgres", "redis"}
    target = unit(DEPLOY / "systemd" / "e2c.target")
    assert set(target["Unit"]["Wants"].split()) == {path.name for path in UNITS}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_start_what_exists_as_a_user_without_rights(path: Path) -> None:
    text, service = path.read_text(encoding="utf-8"), unit(path)["Service"]

    for command in commands_of(text):
        assert_starts(command)
    assert service["User"] == "e2c"
    assert service["NoNewPrivileges"] == "yes"
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("e2c", "0700")
    assert service["EnvironmentFile"] == "/etc/e2c.env"
    if path.stem != "e2c-setup":
        # It runs first; when it fails the web server still takes mail in.
        assert "e2c-setup.service" in unit(path)["Unit"]["After"]
        assert "e2c-setup.service" in unit(path)["Unit"]["Wants"]


def test_containers_start_what_exists_after_the_set_up() -> None:
    for name in PROGRAMS - {"web"}:  # the image itself starts the web server
        assert_starts(compose()["services"][name]["command"])
    for name in PROGRAMS - {"setup"}:
        assert compose()["services"][name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert_starts(yaml.safe_load(image.rpartition("\nCMD ")[2]))
    for copied in re.findall(r"^COPY (.+) \S+$", image, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())


def test_the_example_names_settings_that_are_documented() -> None:
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    names = re.findall(r"^(\w+)=", example, re.MULTILINE)
    documented = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE)

    assert len(names) == len(set(names))
    assert set(names) - {"POSTGRES_PASSWORD"} <= set(documented)
    assert {"E2C_MODE", "SECRET_KEY", "E2C_WEBHOOK_SECRET", "E2C_ALLOWED_HOSTS", "E2C_FIELD_KEYS"} <= set(names)


def test_the_proxy_answers_webhooks_without_tls_so_that_providers_try_again() -> None:
    proxy = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")

    assert "location /anymail/ { return 503; }" in proxy
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in proxy
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in proxy
