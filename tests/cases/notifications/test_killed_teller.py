"""A sweeper that tells people is killed with -9 again and again: nobody misses anything, nobody is told twice.

Real processes on an SQLite file of their own.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

EVENTS = 300
ROOT = Path(__file__).resolve().parents[3]
PREPARE = f"""
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
call_command("migrate", verbosity=0)
from cases.setup import set_up_instance
from django.utils import timezone
set_up_instance()
from cases.models import Case, CaseEvent, CaseStatus, NotificationChoice
from routing.models import RecordType
person = User.objects.create(username="ana", email="ana@company.example")
now = timezone.now()
NotificationChoice.objects.create(user=person, kind="service_near", mail="at_once")
for _ in range(3):
    case = Case(subject="Lamp", status=CaseStatus.objects.filter(is_default=True).get(), owner_user=person,
                record_type=RecordType.objects.first(), created_at=now, last_activity_at=now)
    case.save(force_insert=True)
    CaseEvent.objects.bulk_create(CaseEvent(case=case, kind="service_level_near") for _ in range({EVENTS // 3}))
"""
TELL = """
print("ready", flush=True)
from cases.notifications.mailing import mail_notifications
from cases.notifications.making import make_notifications
while make_notifications(limit=2) or mail_notifications():
    pass
print("told", flush=True)
"""
SHOW = """
from cases.models import CaseEvent, Notification, Outbox
print(CaseEvent.objects.filter(told_at__isnull=True).count(), Notification.objects.count(), Outbox.objects.count())
"""


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("E2C_", "DATABASE_URL"))}
    environment |= {"E2C_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "e2c_project.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def run(folder: Path, code: str) -> str:
    text, _errors = start(folder, code).communicate(timeout=120)
    return text.strip()


def test_killed_tellers_lose_and_double_nothing(tmp_path: Path) -> None:
    run(tmp_path, PREPARE)
    killed = 0
    for _ in range(5):
        teller = start(tmp_path, TELL)
        assert teller.stdout is not None
        assert teller.stdout.readline() == "ready\n"
        time.sleep(random.uniform(0.02, 0.25))
        teller.kill()
        killed += "told" not in teller.communicate(timeout=30)[0]

    assert killed > 0
    assert run(tmp_path, TELL).endswith("told")

    # One mail for each case: the rest of its five minutes waits.
    assert run(tmp_path, SHOW) == f"0 {EVENTS} 3"
