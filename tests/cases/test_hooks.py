from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from cases.hooks import run_due_hooks
from cases.inbound.accept import store_raw_mail
from cases.inbound.settle import settle_batch
from cases.models import Case, HookRun, RoutingDecision
from cases.setup import set_up_instance
from e2c_project.startup import faults
from routing.models import FlowStep, RepPresence, RoutingFlow
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory
from tests.faults.harness import raw_mail as numbered_mail
from tests.faults.instance import ADDRESS
from tests.invariants import assert_invariants
from tests.mails import ingest, ingest_mail, mint_message_id, raw_mail
from tests.site import hooks as site

HERE = "tests.site.hooks"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def quiet_site() -> Iterator[None]:
    site.heard.clear()
    site.refusals.clear()
    site.failures_left = 0
    yield
    site.failures_left = 0


@pytest.fixture
def support(organisation: Any) -> Any:
    return RoutingAddressFactory(email_address="support@company.example")


def run_all() -> None:
    while run_due_hooks(guarded=False):
        pass


@pytest.mark.django_db(transaction=True)
class TestHooks:
    def test_first_mail_is_opened_and_every_later_one_is_added(self, support: Any, settings: Any) -> None:
        settings.E2C_HOOKS = [f"{HERE}.note_opened", f"{HERE}.note_added"]
        case = ingest_mail().case
        assert case is not None
        ingest(raw_mail(headers=[f"In-Reply-To: {mint_message_id(case.pk)}"]))
        assert site.heard == []

        run_all()

        assert [(name, pk) for name, _key, pk in site.heard] == [("opened", case.pk), ("added", case.pk)]
        assert set(HookRun.objects.values_list("state", flat=True)) == {"done"}

    def test_hook_that_fails_is_called_again_later_with_the_same_key(self, support: Any, settings: Any) -> None:
        settings.E2C_HOOKS = [f"{HERE}.fail_first"]
        site.failures_left = 1
        ingest_mail()

        run_all()

        run = HookRun.objects.get()
        assert (run.state, run.attempts) == ("waiting", 1)
        assert "the warehouse does not answer" in run.last_error
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            run_all()
        run.refresh_from_db()
        assert (run.state, run.attempts, run.last_error) == ("done", 2, "")
        assert site.heard == [("late", f"hook:{run.pk}", run.event.case_id)]

    def test_hook_that_always_fails_ends_as_failed_with_its_words(self, support: Any, settings: Any) -> None:
        settings.E2C_HOOKS = [f"{HERE}.fail_first"]
        site.failures_left = 1000
        ingest_mail()

        for hours in range(1, 30):
            with time_machine.travel(timezone.now() + timedelta(hours=2 * hours)):
                run_due_hooks(guarded=False)

        run = HookRun.objects.get()
        assert (run.state, run.attempts) == ("failed", 10)
        assert "the warehouse does not answer" in run.last_error

    def test_hook_that_cannot_be_loaded_loses_nothing_and_costs_no_mail(self, support: Any, settings: Any) -> None:
        settings.E2C_HOOKS = ["nowhere.at_all"]

        assert ingest_mail().state == "case"
        run_all()

        run = HookRun.objects.get()
        assert run.state == "waiting"
        assert "nowhere.at_all cannot be imported" in run.last_error

    def test_without_hooks_nothing_is_written(self, support: Any) -> None:
        ingest_mail()

        assert not HookRun.objects.exists()

    def test_hook_that_hangs_stops_nobody_else(self, support: Any, settings: Any, tmp_path: Path) -> None:
        settings.E2C_HOOKS = [f"{HERE}.write_and_hang", f"{HERE}.note_opened"]
        settings.E2C_HOOK_SECONDS = 3
        (tmp_path / "hang").touch()
        before = os.environ.get("E2C_DATA_DIR")
        os.environ["E2C_DATA_DIR"] = str(tmp_path)
        try:
            ingest_mail()

            run_due_hooks()

            hung, other = HookRun.objects.order_by("pk")
            assert (hung.state, other.state) == ("waiting", "done")
            assert "It had not returned after 3 seconds." in hung.last_error
        finally:
            (tmp_path / "hang").unlink()
            if before is None:
                os.environ.pop("E2C_DATA_DIR")
            else:
                os.environ["E2C_DATA_DIR"] = before


def test_start_names_a_hook_that_is_wrong(settings: Any) -> None:
    settings.E2C_HOOKS = ["nowhere.at_all", f"{HERE}.says_nothing"]

    found = [fault for fault in faults() if "E2C_HOOKS" in fault]

    assert len(found) == 2
    assert "nowhere.at_all cannot be imported" in found[0]
    assert "put @on_case_opened or @on_email_added above it" in found[1]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_competing_automations_leave_one_initial_owner_and_lose_no_hook(settings: Any) -> None:
    """The race of the guide: a flow, an automation on cases and one on messages, all at once, many times."""
    settings.E2C_HOOKS = [
        f"{HERE}.{name}" for name in ("route_new_cases", "escalate_answers", "note_opened", "note_added")
    ]
    set_up_instance()
    automation, repairs = QueueFactory(name="Automation"), QueueFactory(name="Repairs")
    flow = RoutingFlow.objects.create(name="Support flow")
    FlowStep.objects.create(flow=flow, label="Repairs", target="members", queue=repairs)
    for _ in range(3):
        rep = UserFactory()
        repairs.members.add(rep)
        RepPresence.objects.create(user=rep, status="available", capacity=30)
    RoutingAddressFactory(
        email_address=ADDRESS, strategy="flow", flow=flow, fallback_queue=QueueFactory(name="Fallback")
    )
    mails = 60
    for number in range(1, mails + 1, 2):
        for raw in (numbered_mail(number), numbered_mail(number + 1, answers=number)):
            store_raw_mail(provider="ingest", raw=raw, envelope_sender="", envelope_recipients=[ADDRESS])

    def work() -> None:
        try:
            idle = 0
            while idle < 5:
                did = settle_batch(limit=3) + run_due_hooks(limit=3, guarded=False)
                idle = 0 if did else idle + 1
                time.sleep(0.01)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(work) for _ in range(4)]:
            job.result()

    assert Case.objects.count() == mails // 2
    initial = RoutingDecision.objects.filter(kind="initial")
    assert initial.count() == mails // 2
    assert not initial.exclude(owner_user__presence__isnull=False).exists()  # the flow's choice, every time
    # Each case was answered, so the automation on messages has it now; the one on cases never had.
    assert set(Case.objects.values_list("owner_queue", flat=True)) == {automation.pk}
    assert site.refusals.count("AlreadyRouted") == 2 * (mails // 2)
    # update() is refused every time; save() unless the answer's automation was faster and there is nothing to change.
    assert mails // 2 <= site.refusals.count("OwnerWrittenElsewhere") <= 2 * (mails // 2)
    heard = {(name, key) for name, key, _case in site.heard}
    assert len([1 for name, _key in heard if name == "opened"]) == mails // 2
    assert len([1 for name, _key in heard if name == "added"]) == mails // 2
    assert set(HookRun.objects.values_list("state", flat=True)) == {"done"}
    assert HookRun.objects.count() == 4 * (mails // 2)
    assert_invariants()


def test_hook_of_a_worker_killed_in_the_middle_is_called_again(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("E2C_", "DATABASE_URL"))}
    environment |= {
        "E2C_DATA_DIR": str(folder),
        "E2C_HOOKS": f"{HERE}.write_and_hang",
        "DJANGO_SETTINGS_MODULE": "e2c_project.settings",
    }

    def start(*lines: str) -> subprocess.Popen[str]:
        code = "\n".join(("import django; django.setup()", *lines))
        return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, text=True)

    prepare = (
        "from django.core.management import call_command; call_command('setup', verbosity=0)",
        "from tests.factories import RoutingAddressFactory",
        "RoutingAddressFactory(email_address='support@company.example')",
        "from tests.mails import ingest_mail; ingest_mail()",
    )
    run = ("from cases.hooks import run_due_hooks", "run_due_hooks(guarded=False)")
    run_out = (
        "from cases.models import HookRun; from django.utils import timezone",
        "HookRun.objects.update(lease_until=timezone.now())",
    )
    assert start(*prepare).wait(120) == 0
    (folder / "hang").touch()
    worker = start(*run)
    deadline = time.monotonic() + 60
    while not (folder / "heard.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)
    (folder / "hang").unlink()

    assert start(*run_out, *run).wait(60) == 0

    calls = [line.split() for line in (folder / "heard.txt").read_text().splitlines()]
    assert [attempt for _key, attempt in calls] == ["1", "2"]
    assert len({key for key, _attempt in calls}) == 1
