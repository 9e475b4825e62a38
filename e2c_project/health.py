"""/readyz for whoever sends mail here, /healthz for monitors. No login, no secrets, no mail content, short timeouts.

/readyz says whether this process can store a mail. Nothing else counts there: a dead worker must not stop accepting.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError

from cases.models import Heartbeat, InboundEmail, Outbox
from cases.selectors.canaries import missing_canaries

logger = logging.getLogger(__name__)

SWEEPER = "sweeper"
OLDEST_HEARTBEAT = timedelta(seconds=60)
OLDEST_UNSETTLED = timedelta(seconds=120)
STORAGE_TIMEOUT = 5.0  # seconds
BROKER_TIMEOUT = 1  # seconds
LOCK_TIMEOUT_MS = 3000  # milliseconds that the write check may wait for another writer

# A storage or broker that hangs keeps its thread, not the request. Few threads: asking again adds no more.
_probes = ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


@dataclass(frozen=True, slots=True)
class Check:
    """status: ok, degraded (works, slower) or failed (a person is needed). detail: one sentence for that person."""

    status: str
    detail: str


class _Undo(Exception):
    """Rolls the write check back."""


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when a mail can be stored now, else 503 with the reason."""
    failed = {name: check.detail for name, check in _storing_checks().items() if check.status == "failed"}
    if failed:
        return _answer({"status": "failed", "reasons": failed}, status=503)
    return _answer({"status": "ok", "reasons": {}}, status=200)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Every check by name, and counts of what waits for a person. 503 when a check failed; 200 when ok or degraded."""
    checks = _storing_checks()
    counts: dict[str, int | None] = {}
    if checks["database"].status == "ok":
        now = timezone.now()
        checks |= {"sweeper": check_sweeper(now), "oldest_unsettled": check_oldest_unsettled(now)}
        checks["canaries"] = check_canaries(now)
        counts = count_what_waits()
    checks["broker"] = check_broker()
    statuses = {check.status for check in checks.values()}
    status = next(level for level in ("failed", "degraded", "ok") if level in statuses)
    body = {
        "status": status,
        "checks": {name: asdict(check) for name, check in checks.items()},
        "counts": counts,
    }
    return _answer(body, status=503 if status == "failed" else 200)


def _answer(body: Mapping[str, object], *, status: int) -> JsonResponse:
    response = JsonResponse(dict(body), status=status)
    response["Cache-Control"] = "no-store"
    return response


def _storing_checks() -> dict[str, Check]:
    return {"database": check_database(), "storage": check_storage()}


def check_database() -> Check:
    """Write a row and take it back: a full disk, a read-only replica or a missing table are all found."""
    try:
        with _short_waits(), transaction.atomic():
            Heartbeat.objects.create(name=f"readyz-{secrets.token_hex(8)}", at=timezone.now())
            raise _Undo
    except _Undo:
        return Check("ok", "A row can be written.")
    except DatabaseError as error:
        logger.error("health: the database does not take a row: %s", error)
        return Check("failed", f"The database does not take a row ({type(error).__name__}).")


@contextmanager
def _short_waits() -> Iterator[None]:
    """Other writers may be waited for, but not as long as a mail would wait."""
    if connection.vendor == "sqlite":
        usual = int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
        change, restore = f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}", f"PRAGMA busy_timeout = {usual}"
    else:
        change, restore = f"SET statement_timeout = {LOCK_TIMEOUT_MS}", "RESET statement_timeout"
    with connection.cursor() as cursor:
        cursor.execute(change)
    try:
        yield
    finally:
        # A connection that is broken is thrown away by Django, its setting with it.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(restore)


def check_storage() -> Check:
    return _within(STORAGE_TIMEOUT, _write_to_storage, subject="The storage of mail and attachments")


def _write_to_storage() -> Check:
    if isinstance(default_storage, FileSystemStorage):
        folder = Path(default_storage.location)
        folder.mkdir(parents=True, exist_ok=True)
        # The name is one that the storage leaves alone: it is no content address.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".readyz-") as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
        return Check("ok", "A file can be written.")
    default_storage.exists("readyz")  # asks the object store, which answers only to valid credentials
    return Check("ok", "The object store answers.")


def check_broker() -> Check:
    """The broker only wakes workers up: without it mail settles by the sweeper, some seconds later."""
    check = _within(BROKER_TIMEOUT * 2, _reach_broker, subject="The broker")
    return check if check.status == "ok" else Check("degraded", f"{check.detail} Mail settles by the sweeper.")


def _reach_broker() -> Check:
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT, transport_options=options) as broker:
        # Opening a channel speaks to the broker; Redis is sent a PING.
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_TIMEOUT)
    return Check("ok", "The broker answers.")


def _within(seconds: float, probe: Callable[[], Check], *, subject: str) -> Check:
    asked = _probes.submit(probe)
    try:
        return asked.result(timeout=seconds)
    except TookTooLong:
        asked.cancel()  # one that still waits for a thread must not pile up behind those that hang
        return Check("failed", f"{subject} did not answer within {seconds:g} s.")
    except (OSError, KombuError) as error:
        logger.error("health: %s: %s", subject, error)
        return Check("failed", f"{subject} failed ({type(error).__name__}).")
    except Exception as error:  # noqa: BLE001 - each storage and broker library has its own errors; the check turns red
        logger.error("health: %s: %s", subject, error)
        return Check("failed", f"{subject} failed ({type(error).__name__}).")


def check_sweeper(now: datetime) -> Check:
    heartbeat = Heartbeat.objects.filter(name=SWEEPER).first()
    if heartbeat is None:
        return Check("failed", "The sweeper has never run. Start manage.py sweep.")
    age = now - heartbeat.at
    detail = f"Last round {max(0, int(age.total_seconds()))} s ago."
    return Check("ok", detail) if age <= OLDEST_HEARTBEAT else Check("failed", f"{detail} Start manage.py sweep.")


def check_oldest_unsettled(now: datetime) -> Check:
    oldest = InboundEmail.objects.filter(state__in=InboundEmail.UNSETTLED).aggregate(at=Min("received_at"))["at"]
    if oldest is None:
        return Check("ok", "No mail waits.")
    age = now - oldest
    detail = f"The oldest mail waits for {max(0, int(age.total_seconds()))} s."
    return Check("ok" if age <= OLDEST_UNSETTLED else "failed", detail)


def check_canaries(now: datetime) -> Check:
    """Degraded and not failed: mail that arrives is served as ever; what is broken is the way to us."""
    missing = missing_canaries(now).count()
    if missing:
        return Check("degraded", f"Test mail that did not come back: {missing}. See manage.py check_setup.")
    return Check("ok", "No test mail is missing.")


def count_what_waits() -> dict[str, int | None]:
    """Rows that want a person's eye; for information, they turn no check red."""
    waiting = (InboundEmail.State.HELD, InboundEmail.State.QUARANTINED)
    inbound = dict(
        InboundEmail.objects.filter(state__in=[*waiting, *InboundEmail.UNSETTLED])
        .order_by()
        .values_list("state")
        .annotate(Count("id"))
    )
    return {
        "unsettled": sum(inbound.get(state, 0) for state in InboundEmail.UNSETTLED),
        "held": inbound.get(InboundEmail.State.HELD, 0),
        "quarantined": inbound.get(InboundEmail.State.QUARANTINED, 0),
        "uncertain": Outbox.objects.filter(state=Outbox.State.UNCERTAIN).count(),
    }
