"""The SMTP and LMTP listener, spoken to over loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections

from cases.inbound import smtp
from cases.inbound.accept import raw_bytes
from cases.inbound.smtp import BadListenAddress, MailListener, allowed_networks, listen_address
from cases.models import InboundEmail

RAW = b"From: casey@example.net\r\nTo: support@company.example\r\nSubject: Hello\r\n\r\nHello.\r\n..dots\r\n"
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    rung: list[bool] = []
    monkeypatch.setattr("cases.inbound.wake.ring", lambda: rung.append(True))
    return rung


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """Each storing thread has its own connection to the test database; it must be closed before the database goes."""
    real = smtp.store_raw_mail

    def store_and_close(**mail: Any) -> InboundEmail:
        try:
            return real(**mail)
        finally:
            connections.close_all()

    monkeypatch.setattr(smtp, "store_raw_mail", store_and_close)


@contextmanager
def listening(**options: Any) -> Iterator[tuple[MailListener, int]]:
    """A listener on a free port, in a thread of its own."""
    listener = MailListener("127.0.0.1", 0, **options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listener.start(), loop).result(60)
    try:
        yield listener, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        listener.finish()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def test_mail_is_stored_with_its_envelope_before_the_250(storing: None, rings: list[bool]) -> None:
    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        refused = client.sendmail("casey@example.net", ["support@company.example", "sales@company.example"], RAW)

    row = InboundEmail.objects.get()
    assert refused == {}
    assert (row.provider, row.envelope_sender) == ("smtp", "casey@example.net")
    assert row.envelope_recipients == ["support@company.example", "sales@company.example"]
    assert raw_bytes(row.raw) == RAW
    assert rings == [True]


def test_null_sender_of_a_bounce_is_kept_apart_from_no_sender(storing: None) -> None:
    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("<>", ["support@company.example"], RAW)

    assert InboundEmail.objects.get().envelope_sender == "<>"


def test_internationalised_addresses_are_kept(storing: None) -> None:
    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("käthe@example.net", ["jörg@company.example"], RAW, mail_options=["SMTPUTF8", "BODY=8BITMIME"])

    row = InboundEmail.objects.get()
    assert (row.envelope_sender, row.envelope_recipients) == ("käthe@example.net", ["jörg@company.example"])


def test_bytes_and_long_lines_arrive_as_they_were_sent(storing: None) -> None:
    raw = (
        b"Subject: x\r\n\r\n" + bytes(n for n in range(256) if n not in (10, 13)) + b"\r\n" + b"y" * 100_000 + b"\r\n"
    )

    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("casey@example.net", ["support@company.example"], raw)

    assert raw_bytes(InboundEmail.objects.get().raw) == raw


def test_mail_over_the_limit_is_552_and_not_stored(storing: None, settings: Any) -> None:
    settings.E2C_MAX_BODY = 10_000

    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "10000"
        with pytest.raises(smtplib.SMTPSenderRefused) as declared:
            client.sendmail("casey@example.net", ["support@company.example"], RAW + b"x" * 20_000)
        client.rset()
        client.mail("casey@example.net")
        client.rcpt("support@company.example")
        code, _reply = client.data(RAW + b"x\r\n" * 20_000)

    assert (declared.value.smtp_code, code) == (552, 552)
    assert InboundEmail.objects.count() == 0


def test_mail_that_cannot_be_stored_is_451(monkeypatch: pytest.MonkeyPatch, rings: list[bool]) -> None:
    def broken(**_mail: Any) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr(smtp, "store_raw_mail", broken)

    with (
        listening() as (_listener, port),
        smtplib.SMTP("127.0.0.1", port) as client,
        pytest.raises(smtplib.SMTPDataError) as raised,
    ):
        client.sendmail("casey@example.net", ["support@company.example"], RAW)

    assert raised.value.smtp_code == 451
    assert rings == []


def test_too_many_recipients_are_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MOST_RECIPIENTS", 2)

    with listening() as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.helo()
        client.mail("casey@example.net")
        codes = [client.rcpt(f"support{n}@company.example")[0] for n in range(3)]

    assert codes == [250, 250, 452]


def test_connections_are_bounded() -> None:
    with listening(most_connections=1) as (listener, port):
        first = smtplib.SMTP("127.0.0.1", port)
        with pytest.raises(smtplib.SMTPConnectError) as raised:
            smtplib.SMTP("127.0.0.1", port)
        first.quit()
        wait_until(lambda: listener.open_connections == 0)
        smtplib.SMTP("127.0.0.1", port).quit()

    assert raised.value.smtp_code == 421


@pytest.mark.parametrize(
    ("peer", "may_connect"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.1.2.3", True), ("192.0.2.1", False)],
)
def test_only_this_machine_and_listed_networks_may_connect(peer: str, may_connect: bool) -> None:
    listener = MailListener("127.0.0.1", 0, allowed=allowed_networks(["10.0.0.0/8"]))

    assert (listener.refusal_of((peer, 1)) == "") is may_connect


def test_lmtp_answers_for_each_recipient(storing: None) -> None:
    with listening(is_lmtp=True) as (_listener, port), socket.create_connection(("127.0.0.1", port), 5) as client:
        lines = client.makefile("rb")
        said = [lines.readline()]
        for command in (
            b"LHLO mx.example",
            b"MAIL FROM:<a@example.net>",
            b"RCPT TO:<b@x.example>",
            b"RCPT TO:<c@x.example>",
        ):
            client.sendall(command + b"\r\n")
            while (line := lines.readline())[3:4] == b"-":
                pass
            said.append(line)
        client.sendall(b"DATA\r\n")
        said.append(lines.readline())
        client.sendall(b"Subject: x\r\n\r\nhello\r\n.\r\n")
        replies = [lines.readline()[:3], lines.readline()[:3]]
        client.sendall(b"QUIT\r\n")
        replies.append(lines.readline()[:3])

    assert [line[:3] for line in said] == [b"220", b"250", b"250", b"250", b"250", b"354"]
    assert replies == [b"250", b"250", b"221"]
    assert InboundEmail.objects.get().envelope_recipients == ["b@x.example", "c@x.example"]


def test_lmtp_refuses_the_greeting_of_smtp() -> None:
    with listening(is_lmtp=True) as (_listener, port), smtplib.SMTP("127.0.0.1", port) as client:
        assert client.docmd("EHLO", "x")[0] == 500


# --- where it listens ---


@pytest.mark.parametrize("written", ["127.0.0.1:2525", "[::1]:2525", "localhost:2525"])
def test_loopback_needs_no_allowed_networks(written: str) -> None:
    assert listen_address(written, allowed=[])[1] == 2525


@pytest.mark.parametrize("written", ["0.0.0.0:25", ":25", "[::]:25", "192.0.2.1:25", "mail.example:25"])
def test_other_addresses_need_allowed_networks(written: str) -> None:
    with pytest.raises(BadListenAddress, match="E2C_SMTP_ALLOW"):
        listen_address(written, allowed=[])

    assert listen_address(written, allowed=allowed_networks(["10.0.0.0/8"]))[1] == 25


@pytest.mark.parametrize("written", ["2525", "localhost", "localhost:", "localhost:x", "localhost:99999"])
def test_unreadable_address_names_the_setting(written: str) -> None:
    with pytest.raises(BadListenAddress, match="E2C_SMTP_LISTEN"):
        listen_address(written, allowed=[])


def test_unreadable_network_names_the_setting() -> None:
    with pytest.raises(BadListenAddress, match="E2C_SMTP_ALLOW"):
        allowed_networks(["everybody"])


def test_command_asks_the_start_guard_first(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise SystemExit(1)

    monkeypatch.setattr("e2c_project.startup.refuse_unsafe_start", refuse)

    with pytest.raises(SystemExit):
        call_command("smtp_listener", "--listen", "127.0.0.1:0")


def test_command_refuses_an_unsafe_address(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2c_project.startup.refuse_unsafe_start", lambda: None)

    with pytest.raises(CommandError, match="E2C_SMTP_ALLOW"):
        call_command("smtp_listener", "--listen", "0.0.0.0:0")


def test_command_listens_and_ends_at_a_signal(tmp_path: Path) -> None:
    environment = os.environ | {
        "E2C_DATA_DIR": str(tmp_path),
        "E2C_MODE": "demo",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "PYTHONUNBUFFERED": "1",
    }
    manage = [sys.executable, str(PROJECT / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True)
    process = subprocess.Popen(
        [*manage, "smtp_listener", "--listen", "127.0.0.1:0"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    line = next((line for line in process.stderr if line.startswith(("Listening", "Not started"))), "")
    try:
        assert line.startswith("Listening for SMTP on 127.0.0.1:")
        with smtplib.SMTP("127.0.0.1", int(line.rsplit(":", 1)[1])) as client:
            client.sendmail("casey@example.net", ["support@company.example"], RAW)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(3000):
        if condition():
            return
        waited.wait(0.02)
    raise AssertionError("it did not happen")
