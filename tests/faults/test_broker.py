"""Redis gone, hung, killed or emptied while mail arrives: the broker is a doorbell, and the rows are the queue."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.faults.harness import Provider, faults, numbered
from tests.faults.instance import Instance, RedisServer, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MAILS = range(1, 201)


@pytest.mark.parametrize("fault", [RedisServer.stop, RedisServer.freeze, RedisServer.kill, RedisServer.flush])
def test_all_mail_is_accepted_and_settled_though_redis_is_lost(
    postgres_instance: Instance, redis: RedisServer, fault: Callable[[RedisServer], None]
) -> None:
    postgres_instance.start_web()
    postgres_instance.start_worker()
    provider = Provider(postgres_instance)

    def lose_redis() -> None:
        wait_until(lambda: len(provider.ledger.accepted) >= 60, "mails are accepted", every=0.005)
        fault(redis)

    losing = threading.Thread(target=lose_redis)
    losing.start()
    provider.burst(numbered(MAILS))
    losing.join()
    postgres_instance.start_sweeper()  # it started late: some mail waits by now

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert len(provider.ledger.accepted) == 200
    assert provider.ledger.slowest < 3
    assert faults(postgres_instance, provider.ledger) == []


def test_mail_settles_when_redis_never_was(postgres_instance: Instance, redis: RedisServer) -> None:
    redis.kill()
    postgres_instance.start_web()
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)

    provider.burst(numbered(MAILS))

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert provider.ledger.slowest < 3
    assert postgres_instance.count("SELECT count(*) FROM cases_case") == 200
    assert faults(postgres_instance, provider.ledger) == []
