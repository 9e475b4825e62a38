"""PostgreSQL away in the middle of a burst: providers hear 503 and try again; the programs find back by themselves."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.faults.harness import Provider, faults, numbered
from tests.faults.instance import Instance, on_server, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_mail_is_refused_for_a_while_when_postgresql_is_away_and_none_is_lost(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    postgres_instance.start_worker(processes=2)
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)

    def take_away() -> None:
        wait_until(lambda: len(provider.ledger.accepted) >= 60, "mails are accepted", every=0.005)
        refuse_connections(postgres_instance)
        time.sleep(3)
        allow_connections(postgres_instance)

    taking = threading.Thread(target=take_away)
    taking.start()
    provider.burst(numbered(range(1, 201)), each=provider.post_until_accepted)
    taking.join()

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200, 503}
    assert len(provider.ledger.accepted_numbers) == 200
    assert faults(postgres_instance, provider.ledger) == []


def test_one_broken_connection_after_the_other_loses_no_mail(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    postgres_instance.start_worker(processes=2)
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)

    def break_connections() -> None:
        for accepted in (30, 70, 110, 150):
            wait_until(lambda accepted=accepted: len(provider.ledger.accepted) >= accepted, "mails are accepted")
            terminate_connections(postgres_instance)

    breaking = threading.Thread(target=break_connections)
    breaking.start()
    provider.burst(numbered(range(1, 201)), each=provider.post_until_accepted)
    breaking.join()

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses <= {200, 503}
    assert faults(postgres_instance, provider.ledger) == []


def database_of(instance: Instance) -> str:
    return urlsplit(instance.database_url).path.lstrip("/")


def refuse_connections(instance: Instance) -> None:
    """For the instance it looks as if the server were down; the server's other databases are left alone."""
    on_server(f'ALTER DATABASE "{database_of(instance)}" ALLOW_CONNECTIONS false')
    terminate_connections(instance)


def allow_connections(instance: Instance) -> None:
    on_server(f'ALTER DATABASE "{database_of(instance)}" ALLOW_CONNECTIONS true')


def terminate_connections(instance: Instance) -> None:
    name = database_of(instance)
    on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - ours
