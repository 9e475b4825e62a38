"""The web server killed, crowded and called many times at once: a 2xx means that the bytes are there."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.faults.harness import AUTHORIZATION, Provider, faults, headers, numbered
from tests.faults.instance import Instance, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def test_web_processes_killed_in_a_burst_lose_no_mail_and_retries_double_none(postgres_instance: Instance) -> None:
    web = postgres_instance.start_web(web_workers=2)
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)

    def kill_now_and_then() -> None:
        for accepted in (30, 90):
            wait_until(lambda accepted=accepted: len(provider.ledger.accepted) >= accepted, "mails are accepted")
            web.kill_children()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    provider.burst(numbered(range(1, 151)), each=provider.post_until_accepted)
    killer.join()

    postgres_instance.wait_until_settled()
    assert provider.ledger.accepted_numbers == set(range(1, 151))
    assert len(provider.ledger.entries) > 150  # some had to be posted again
    assert faults(postgres_instance, provider.ledger) == []


def test_web_process_killed_while_it_writes_gave_no_answer_and_leaves_one_mail(postgres_instance: Instance) -> None:
    web = postgres_instance.start_web()
    provider = Provider(postgres_instance)
    (call,) = numbered([1])

    with psycopg.connect(postgres_instance.database_url) as lock, ThreadPoolExecutor(1) as pool:
        lock.execute("LOCK TABLE cases_inboundemail IN SHARE MODE")
        answer = pool.submit(provider.post, call)
        wait_until(lambda: waits_for_lock(postgres_instance), "the web process waits with its INSERT")
        web.kill_children()
        assert answer.result() == 0
    provider.post_until_accepted(call)
    postgres_instance.start_sweeper()

    postgres_instance.wait_until_settled()
    # The database finishes a statement that it has begun, whoever waits for it: then the second post is a duplicate.
    states = sorted(postgres_instance.rows("SELECT state, reason FROM cases_inboundemail"))
    assert states in ([("case", "")], [("case", ""), ("duplicate", "same_mail")])
    assert faults(postgres_instance, provider.ledger) == []


def test_web_process_killed_after_the_commit_and_before_the_answer_leaves_one_mail(
    postgres_instance: Instance,
) -> None:
    web = postgres_instance.start_web()
    provider = Provider(postgres_instance)
    (call,) = numbered([1])

    connection = http.client.HTTPConnection("127.0.0.1", postgres_instance.port, timeout=10)
    connection.request("POST", call.path, call.body, headers(call))
    wait_until(lambda: postgres_instance.unsettled() == 1, "the mail is committed", every=0.001)
    web.kill_children()
    connection.close()  # whatever was answered, the provider did not hear it
    provider.post_until_accepted(call)
    postgres_instance.start_sweeper()

    postgres_instance.wait_until_settled()
    states = sorted(postgres_instance.rows("SELECT state, reason FROM cases_inboundemail"))
    assert states == [("case", ""), ("duplicate", "same_mail")]
    assert faults(postgres_instance, provider.ledger) == []


def test_one_delivery_posted_20_times_at_once_is_one_mail_and_20_rows(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    postgres_instance.start_worker(processes=2)
    postgres_instance.start_sweeper()
    provider = Provider(postgres_instance)

    for call in numbered([1, 2]):
        provider.burst([call] * 20, clients=20)

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    states = postgres_instance.rows("SELECT state, count(*) FROM cases_inboundemail GROUP BY state ORDER BY state")
    assert states == [("case", 2), ("duplicate", 38)]
    assert faults(postgres_instance, provider.ledger) == []


def test_50_slow_clients_keep_nobody_waiting(postgres_instance: Instance) -> None:
    postgres_instance.start_web()
    provider = Provider(postgres_instance)
    slow = [SlowClient(postgres_instance.port) for _ in range(50)]
    are_done = threading.Event()

    with ThreadPoolExecutor(1) as pool:
        trickle = pool.submit(feed, slow, until=are_done)
        try:
            for call in numbered(range(1, 41)):
                provider.post(call)
                time.sleep(0.1)
        finally:
            are_done.set()
        trickle.result()  # to the end nobody hung up on them
    for client in slow:
        client.close()
    postgres_instance.start_sweeper()

    postgres_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert postgres_instance.count("SELECT count(*) FROM cases_inboundemail") == 40  # none of a cut mail
    assert faults(postgres_instance, provider.ledger) == []


class SlowClient:
    """Announces 25 MB and sends 1 kB now and then."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        head = ["POST /anymail/postmark/inbound/ HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {AUTHORIZATION}"]
        head += ["Content-Type: application/json", f"Content-Length: {25 * 1024 * 1024}", "", ""]
        self.socket.sendall("\r\n".join(head).encode())

    def send_some(self) -> None:
        self.socket.sendall(b"x" * 1024)

    def close(self) -> None:
        self.socket.close()


def feed(clients: list[SlowClient], *, until: threading.Event) -> None:
    while not until.wait(1):
        for client in clients:
            client.send_some()


def waits_for_lock(instance: Instance) -> bool:
    return instance.count("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL") > 0
