"""Databases that are set up once and copied for each test, and what a test starts in its own folder."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.instance import Instance, RedisServer, drop_database, make_database, redis_server


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a PostgreSQL database that is ready for mail; each test takes a copy."""
    name = f"e2c_faults_{os.getpid()}_{secrets.token_hex(3)}"
    url = make_database(name)
    try:
        Instance(tmp_path_factory.mktemp("template") / "var", database_url=url).set_up()
        yield name
    finally:
        drop_database(name)


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an embedded instance that is ready for mail."""
    folder = tmp_path_factory.mktemp("template") / "var"
    Instance(folder).set_up()
    return folder


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    yield from redis_server(tmp_path)


@pytest.fixture
def postgres_instance(template_database: str, redis: RedisServer, tmp_path: Path) -> Iterator[Instance]:
    """An instance on PostgreSQL and Redis; nothing of it runs yet."""
    name = f"{template_database}_{secrets.token_hex(3)}"
    url = make_database(name, template=template_database)
    try:
        with Instance(tmp_path / "var", database_url=url, broker_url=redis.url) as instance:
            yield instance
    finally:
        drop_database(name)


@pytest.fixture
def embedded_instance(template_folder: Path, tmp_path: Path) -> Iterator[Instance]:
    """An instance of files alone: SQLite, the filesystem broker. Nothing of it runs yet."""
    shutil.copytree(template_folder, tmp_path / "var")
    with Instance(tmp_path / "var") as instance:
        yield instance
