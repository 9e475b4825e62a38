"""The sweeper's round: everything that must happen even when Redis and every Celery worker are gone.

Each job is safe beside workers and other sweepers, and one that fails does not stop the others: the failure is logged,
the heartbeat tells of rounds that ended, and the job is due again in the next one.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.utils import timezone

from cases.blobs import delete_unreferenced
from cases.case_tasks import note_due_tasks
from cases.forgetting import forget_what_is_done
from cases.hooks import run_due_hooks
from cases.inbound.provider_requests import NotAMail, UnreadableRequest, read_tracking_events
from cases.inbound.retry import requeue_over_limit
from cases.inbound.screening import count_cases_of_day
from cases.inbound.settle import settle_batch
from cases.models import Heartbeat, ProviderToken
from cases.notifications.mailing import mail_notifications
from cases.notifications.making import make_notifications
from cases.notifications.reading import forget_old, note_what_was_seen
from cases.outbound.delivery import deliver_due
from cases.outbound.loop_tests import alert_missing, send_canaries
from cases.outbound.satisfaction import ask_after_closing
from cases.outbound.tracking import TrackingReader, settle_tracking
from cases.service_levels import keep_clocks
from cases.snoozing import wake_due_cases
from cases.waiting_cases import give_waiting_cases
from routing.domain_checks import check_due_domains

logger = logging.getLogger(__name__)

SWEEPER = "sweeper"
MOST_BATCHES = 50  # of one kind in a round: the other jobs get their turn even under load
KEEP_BLOBS_FOR = timedelta(hours=24)
KEEP_TOKENS_FOR = timedelta(days=30)
TRACKING_READER = TrackingReader(read_tracking_events, ignored=(NotAMail,), unreadable=(UnreadableRequest,))


@dataclass(slots=True)
class Job:
    """One thing to do each `every` seconds."""

    name: str
    run: Callable[[], int]
    every: float = 0.0
    due_at: float = field(default=0.0)


def all_jobs() -> list[Job]:
    return [
        Job("settle mail", settle_waiting_mail),
        Job("deliver outgoing mail", deliver_outgoing_mail),
        Job("apply tracking", apply_tracking),
        Job("give waiting cases", give_waiting_cases, every=2),
        Job("run hooks", run_hooks),
        Job("keep service clocks", keep_clocks, every=5),
        Job("note due tasks", note_due, every=30),
        Job("tell people", tell_people),
        Job("send canaries", send_canaries, every=30),
        Job("look for missing canaries", alert_missing, every=30),
        Job("ask DNS about domains", check_due_domains, every=60),
        Job("ask how it went", ask_after_closing, every=60),
        Job("wake snoozed cases", wake_snoozed_cases),
        Job("requeue held mail", requeue_held_mail, every=30),
        Job("delete unreferenced files", delete_old_files, every=3600),
        Job("forget provider tokens", forget_provider_tokens, every=3600),
        Job("forget sessions that ended", forget_sessions, every=3600),
        Job("note what was seen", note_what_was_seen, every=600),
        Job("forget notifications", forget_notifications, every=3600),
        Job("forget what is done", forget_work_records, every=3600),
    ]


def sweep_round(jobs: list[Job]) -> int:
    """Run the jobs that are due, then note the heartbeat. Returns how much work was done."""
    close_old_connections()
    done = 0
    for job in jobs:
        if time.monotonic() < job.due_at:
            continue
        job.due_at = time.monotonic() + job.every
        try:
            done += job.run()
        except Exception as error:  # noqa: BLE001 - logged; the rows stay due and the next round tries again
            # Not its words: a database quotes the row that it refuses, and with it a mail.
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(
                "sweep: %s failed: %s in %s, line %s", job.name, type(error).__name__, place.name, place.lineno
            )
            close_old_connections()
    Heartbeat.objects.update_or_create(name=SWEEPER, defaults={"at": timezone.now()})
    return done


def settle_waiting_mail() -> int:
    min_age = timedelta(seconds=settings.E2C_SWEEP_AFTER_SECONDS)
    return until_nothing_is_left(lambda: settle_batch(min_age=min_age))


def deliver_outgoing_mail() -> int:
    return until_nothing_is_left(lambda: deliver_due(limit=10))


def apply_tracking() -> int:
    return until_nothing_is_left(lambda: settle_tracking(TRACKING_READER, limit=10))


def run_hooks() -> int:
    return until_nothing_is_left(run_due_hooks)


def note_due() -> int:
    return until_nothing_is_left(note_due_tasks)


def tell_people() -> int:
    return until_nothing_is_left(make_notifications) + until_nothing_is_left(mail_notifications)


def forget_notifications() -> int:
    return until_nothing_is_left(forget_old)


def forget_work_records() -> int:
    return until_nothing_is_left(forget_what_is_done)


def wake_snoozed_cases() -> int:
    return until_nothing_is_left(wake_due_cases)


def requeue_held_mail() -> int:
    now = timezone.now()
    return requeue_over_limit(cases_today=count_cases_of_day(now), now=now)


def delete_old_files() -> int:
    return delete_unreferenced(older_than=KEEP_BLOBS_FOR)


def forget_provider_tokens() -> int:
    deleted, _by_model = ProviderToken.objects.filter(seen_at__lt=timezone.now() - KEEP_TOKENS_FOR).delete()
    return deleted


def forget_sessions() -> int:
    deleted, _by_model = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return deleted


def until_nothing_is_left(batch: Callable[[], int]) -> int:
    done = 0
    for _ in range(MOST_BATCHES):
        count = batch()
        done += count
        if not count:
            break
    return done
