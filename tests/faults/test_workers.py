"""Workers killed and frozen in the middle of their work: one outcome for each mail, and never half a case."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.faults.harness import Provider, as_postmark, faults, numbered, raw_mail
from tests.faults.instance import Instance, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MAILS = range(1, 201)
WITH_FILE = (
    "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
    '--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="a.bin"\r\n\r\n'
    "content of file {}\r\n--b--"
)


def test_pool_processes_killed_in_a_burst_leave_one_outcome_each(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    worker = postgres_instance.start_worker(processes=2)
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)
    settled = "SELECT count(*) FROM cases_inboundemail WHERE state = 'case'"

    def kill_now_and_then() -> None:
        for done in (5, 40, 90):
            wait_until(lambda done=done: postgres_instance.count(settled) >= done, "mails are settled", every=0.01)
            worker.kill_children()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    provider.burst(numbered(MAILS))
    killer.join()

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert postgres_instance.count("SELECT count(*) FROM cases_case") == 200
    assert faults(postgres_instance, provider.ledger) == []


@pytest.mark.parametrize("with_sweeper", [True, False])
def test_worker_tree_killed_in_a_burst_is_replaced_by_sweeper_or_next_worker(
    postgres_instance: Instance, with_sweeper: bool
) -> None:
    postgres_instance.start_web()
    worker = postgres_instance.start_worker(processes=2)
    provider = Provider(postgres_instance)

    def kill_the_tree() -> None:
        wait_until(lambda: len(provider.ledger.accepted) >= 60, "mails are accepted", every=0.005)
        worker.kill()

    killer = threading.Thread(target=kill_the_tree)
    killer.start()
    provider.burst(numbered(MAILS))
    killer.join()
    if with_sweeper:
        postgres_instance.start_sweeper()
    else:
        postgres_instance.start_worker(name="next")
        wait_until(lambda: leases_are_over(postgres_instance), "the dead worker's leases are over")
        provider.burst(numbered([201]))  # a mail rings

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert faults(postgres_instance, provider.ledger) == []


def test_worker_killed_while_it_writes_leaves_nothing_half(postgres_instance: Instance) -> None:
    """It is held at each table, where its transaction has written all that comes before, and killed there."""
    # The first mail may be taken again for every kill, and must not count as one that ends its workers.
    postgres_instance.env["E2C_SETTLE_ATTEMPTS"] = "20"
    postgres_instance.start_web()
    worker = postgres_instance.start_worker()
    provider = Provider(postgres_instance)
    # a file without its row - the mail without its message - all but the history
    tables = ["cases_blob", "cases_case", "cases_emailmessage", "cases_attachment", "cases_caseevent"]

    for number, table in enumerate(tables, start=1):
        mail = raw_mail(number, text=WITH_FILE.format(number), content_type='multipart/mixed; boundary="b"')
        with locked(postgres_instance, table):
            provider.post(as_postmark(number, mail))
            wait_until(lambda: waits_for_lock(postgres_instance), f"the worker waits for {table}")
            worker.kill_children()
        wait_until(lambda: len(worker.children()) == 1, "the pool has a child again")
    assert postgres_instance.count("SELECT count(*) FROM cases_case") == 0
    postgres_instance.start_sweeper()

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert postgres_instance.count("SELECT count(*) FROM cases_attachment") == len(tables)
    assert postgres_instance.count("SELECT max(attempts) FROM cases_inboundemail") >= 2
    assert faults(postgres_instance, provider.ledger) == []


def test_worker_frozen_past_its_lease_finds_its_work_void(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    provider = Provider(postgres_instance)
    provider.burst(numbered(range(1, 11)))

    # It claims all ten, and is frozen while it writes the first.
    with locked(postgres_instance, "cases_caseevent"):
        worker = postgres_instance.start_worker()
        provider.burst(numbered([11]))  # a mail rings
        wait_until(lambda: waits_for_lock(postgres_instance), "the worker waits")
        worker.signal_all(signal.SIGSTOP)
    postgres_instance.start_sweeper()
    wait_until(lambda: postgres_instance.unsettled() == 1, "another one took over all but the row that is locked")
    taken_over = "SELECT count(*) FROM cases_inboundemail WHERE state = 'case' AND attempts = 2"
    assert postgres_instance.count(taken_over) >= 9
    worker.signal_all(signal.SIGCONT)

    postgres_instance.wait_until_settled()
    assert postgres_instance.count("SELECT count(*) FROM cases_case") == 11
    assert faults(postgres_instance, provider.ledger) == []


def test_dead_sweeper_turns_health_red_until_it_is_back(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    sweeper = postgres_instance.start_sweeper()
    wait_until(lambda: postgres_instance.get("/healthz")[0] == 200, "the sweeper has been round")

    sweeper.kill()
    with psycopg.connect(postgres_instance.database_url) as connection:  # a minute goes by
        connection.execute("UPDATE cases_heartbeat SET at = at - interval '61 seconds'")
    status, answer = postgres_instance.get("/healthz")

    assert status == 503
    assert answer["checks"]["sweeper"]["status"] == "failed"
    assert postgres_instance.get("/readyz")[0] == 200  # mail is accepted all the same

    postgres_instance.start_sweeper()
    wait_until(lambda: postgres_instance.get("/healthz")[0] == 200, "the sweeper is back")


@contextmanager
def locked(instance: Instance, table: str) -> Iterator[None]:
    """Nobody writes to the table meanwhile; reading and checking of foreign keys go on."""
    with psycopg.connect(instance.database_url) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        yield


def waits_for_lock(instance: Instance) -> bool:
    return instance.count("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL") > 0


def leases_are_over(instance: Instance) -> bool:
    return not instance.count(
        "SELECT count(*) FROM cases_inboundemail WHERE state = 'processing' AND lease_until > now()"
    )
