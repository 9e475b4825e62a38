"""Run the project's own commands as their users do: in a process, with an environment of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PRODUCTION = {
    "E2C_MODE": "production",
    "SECRET_KEY": "kept-in-a-vault-0123456789-0123456789-0123456789-0123456789",
    "E2C_WEBHOOK_SECRET": "post:a-long-and-random-password",
    "E2C_PROVIDERS": "postmark",
    "E2C_ALLOWED_HOSTS": "cases.example.com",
    "E2C_PUBLIC_URL": "https://cases.example.com",
    "E2C_INBOUND_DOMAIN": "in.example.com",
    "E2C_SYSTEM_FROM": "no-reply@example.com",
    "E2C_LOG_LEVEL": "ERROR",
}


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """Nothing of the developer's own settings, a data folder of the test."""
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return own | {"E2C_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"} | variables


def manage(*arguments: str, env: dict[str, str], timeout: float = 240) -> subprocess.CompletedProcess[str]:
    return python("manage.py", *arguments, env=env, timeout=timeout)


def python(*arguments: str, env: dict[str, str], timeout: float = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
