"""Typed reads of environment variables. A bad value stops start-up with a sentence that names the variable."""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FERNET_KEY_BYTES = 32  # https://github.com/fernet/spec
DATABASES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def words(name: str, default: Iterable[str] = ()) -> list[str]:
    """A comma-separated list; empty entries are dropped."""
    value = os.environ.get(name)
    return list(default) if value is None else [word.strip() for word in value.split(",") if word.strip()]


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def whole_number(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    value = os.environ.get(name)
    if value is None or not value.strip():
        return default
    limits = f"of at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number {limits}, not {value!r}.") from None
    if number < minimum or (maximum is not None and number > maximum):
        raise ImproperlyConfigured(f"{name} must be a whole number {limits}, not {value!r}.")
    return number


def choice(name: str, default: str, allowed: Iterable[str]) -> str:
    value = text(name, default) or default
    options = list(allowed)
    if value not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {value!r}.")
    return value


def time_zone(name: str, default: str) -> str:
    value = text(name, default) or default
    if value not in available_timezones():
        raise ImproperlyConfigured(f"{name} must be the name of a time zone such as Europe/Berlin, not {value!r}.")
    return value


def fernet_keys(name: str, *, generated: str = "") -> list[str]:
    """Keys of 32 bytes in URL-safe base64, as `Fernet.generate_key()` makes them; unset: the generated one, if any."""
    keys = words(name) or [generated] * bool(generated)
    padded = [key.rstrip("=") + "=" * (-len(key.rstrip("=")) % 4) for key in keys]
    for key in padded:
        try:
            is_key = len(base64.urlsafe_b64decode(key)) == FERNET_KEY_BYTES
        except (binascii.Error, ValueError):
            is_key = False
        if not is_key:
            raise ImproperlyConfigured(f"{name} must hold keys of 32 bytes in URL-safe base64; one of them is none.")
    return padded


def folder(name: str, default: Path) -> Path:
    """An existing or creatable folder, as an absolute path. A new one is closed to other users: it holds mail."""
    path = Path(text(name) or default).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: the folder {path} cannot be made ({error.strerror}).") from error
    return path


def database(name: str, default: str) -> dict[str, Any]:
    """The database that an URL names. What is wrong with it is told without it: it may hold a password."""
    try:
        found = dict(dj_database_url.parse(text(name) or default, conn_max_age=600, conn_health_checks=True))
    except ValueError:
        found = {}
    if found.get("ENGINE") not in DATABASES:
        raise ImproperlyConfigured(f"{name} must be a URL such as postgres://user:password@host:5432/name.")
    return found


def generated_secrets(path: Path, makers: dict[str, str]) -> dict[str, str]:
    """Secrets made once and kept in a file only its owner can read. `makers` maps a name to a prefix for its random
    value.

    Several processes start at once (`make run`): a lock on the folder lets one of them write, the others read.
    """
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        missing = makers.keys() - known.keys()
        if missing:
            known |= {name: makers[name] + secrets.token_urlsafe(32) for name in sorted(missing)}
            draft = path.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
            draft.replace(path)
        return known
    finally:
        os.close(descriptor)
