"""Workers killed with -9 at the two sides of the hand-over. Real processes on an SQLite file of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_smtp import fake_smtp_server

ROOT = Path(__file__).resolve().parents[3]
QUEUE = """
from cases.models import Outbox
Outbox.objects.create(key="notice:1", kind="notice", recipient="casey@example.net", subject="Hello", text_body="Hello",
                      message_identifier="notice.1@company.example")
"""
# The waiting mail becomes a test mail of an address with a connection of its own.
CONNECT = """
from django.contrib.auth.models import User
from django.utils import timezone
from cases.models import Outbox
from routing.models import Connection, RoutingAddress
person = User.objects.create(username="casey", email="casey@example.net")
connection = Connection(name="Sales", account="sales@company.example", host="127.0.0.1", port=PORT, security="none",
                        username="sales")
connection.put_secrets(password="secret")
connection.save()
address = RoutingAddress.objects.create(routing_name="Sales", email_address="sales@company.example",
                                        connection=connection, verified_at=timezone.now(),
                                        verified_email="sales@company.example")
Outbox.objects.update(kind="test", from_address=address, requested_by=person)
"""
# A rep's answer is committed; the process dies the moment it would tell the broker.
REPLY = """
import os, signal
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from cases.models import Outbox
from cases.outbound.composed import Composed
from cases.outbound.replies import write_new_mail
from cases.setup import set_up_instance
from routing.models import Queue, RoutingAddress
Outbox.objects.all().delete()
set_up_instance()
ana = User.objects.create(username="ana")
ana.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="reply_case"))
gold = RoutingAddress.objects.create(routing_name="Gold", email_address="gold@company.example",
                                     owner_queue=Queue.objects.get(), verified_at=timezone.now(),
                                     verified_email="gold@company.example")
written = Composed(send_from=gold, to=["casey@example.net"], subject="Order 17", text="It left us.")
write_new_mail(author=ana, composed=written, now=timezone.now())
os.kill(os.getpid(), signal.SIGKILL)
"""
SWEEP = "from django.core.management import call_command; call_command('sweep', '--once')"
DELIVER = "from cases.outbound.delivery import deliver_due; deliver_due()"
# The lease of a dead worker runs out.
RUN_OUT = """
from datetime import timedelta
from django.utils import timezone
from cases.models import Outbox
Outbox.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))
"""
SHOW = "from cases.models import Outbox; print(Outbox.objects.get().state)"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a Python process on an instance of its own; `port` is where its mail goes."""

    def start_process(*pieces: str, port: int) -> subprocess.Popen[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("E2C_", "DATABASE_URL"))
        }
        environment |= {"E2C_DATA_DIR": str(tmp_path / "instance"), "E2C_EMAIL_URL": f"smtp://127.0.0.1:{port}"}
        environment["E2C_UNDO_SECONDS"] = "0"
        environment["DJANGO_SETTINGS_MODULE"] = "e2c_project.settings"
        code = "\n".join(("import django; django.setup()", *pieces))
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    migrate = "from django.core.management import call_command; call_command('migrate', verbosity=0)"
    assert start_process(migrate, QUEUE, port=1).wait(120) == 0
    return start_process


def output(process: subprocess.Popen[str]) -> str:
    text, _errors = process.communicate(timeout=240)
    assert process.returncode == 0
    return text.strip()


def test_mail_of_a_worker_killed_before_the_answer_is_uncertain_and_not_sent_again(start: Start) -> None:
    """OB05, after `sending` was committed."""
    with fake_smtp_server() as smtp:
        smtp.answers["data"] = ["hang"]
        worker = start(DELIVER, port=smtp.port)
        assert smtp.took_one.wait(60)
        worker.kill()
        worker.wait(60)

        state = output(start(RUN_OUT, DELIVER, DELIVER, SHOW, port=smtp.port))

        assert state == "uncertain"
        assert len(smtp.ledger) == 1


def test_mail_of_a_worker_killed_before_sending_is_sent_once_by_the_next(start: Start) -> None:
    """OB05, before `sending` was committed."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and never greets
        silent.settimeout(240)
        worker = start(DELIVER, port=silent.getsockname()[1])
        connection, _address = silent.accept()
        time.sleep(0.2)
        worker.kill()
        worker.wait(60)
        connection.close()
    with fake_smtp_server() as smtp:
        state = output(start(DELIVER, SHOW, port=smtp.port))
        assert (state, len(smtp.ledger)) == ("queued", 0)  # the dead worker's lease still runs

        state = output(start(RUN_OUT, DELIVER, DELIVER, SHOW, port=smtp.port))

        assert state == "sent"
        assert [taken.message["Message-ID"] for taken in smtp.ledger] == ["<notice.1@company.example>"]


def test_mail_whose_writer_died_before_the_broker_heard_of_it_is_sent_once_by_the_sweeper(start: Start) -> None:
    """OB16: the intent is committed, nothing else happened."""
    dying = start(REPLY, port=1)
    assert dying.wait(60) == -9
    assert output(start(SHOW, port=1)) == "queued"
    with fake_smtp_server() as smtp:
        sweepers = [start(SWEEP, port=smtp.port) for _ in range(2)]
        assert [sweeper.wait(60) for sweeper in sweepers] == [0, 0]

        assert output(start(SWEEP, SHOW, port=smtp.port)) == "sent"
        assert [taken.recipients for taken in smtp.ledger] == [("casey@example.net",)]


def test_mail_of_a_connection_is_handed_over_once_whatever_dies(start: Start) -> None:
    with fake_smtp_server() as smtp:
        smtp.passwords["sales"] = "secret"
        smtp.answers["data"] = ["hang"]
        worker = start(CONNECT.replace("PORT", str(smtp.port)), DELIVER, port=1)
        assert smtp.took_one.wait(60)
        worker.kill()
        worker.wait(60)

        state = output(start(RUN_OUT, DELIVER, DELIVER, SHOW, port=1))

        assert state == "uncertain"
        assert [user for user, _password, _tls in smtp.logins] == ["sales"]
        assert len(smtp.ledger) == 1
