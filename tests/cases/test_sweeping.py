"""The sweeper settles what no worker took, and its heart beats even when a job fails."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from cases.models import Heartbeat, InboundEmail, ProviderToken
from cases.sweeping import Job, all_jobs, sweep_round
from tests.factories import InboundEmailFactory, RawBodyFactory, RoutingAddressFactory
from tests.mails import raw_mail

# Rounds close connections that broke, which a test inside one transaction would take for broken.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organisation")]


def waiting_mail(**fields: Any) -> InboundEmail:
    RoutingAddressFactory(email_address="support@company.example")
    return InboundEmailFactory(raw=RawBodyFactory(content=raw_mail()), **fields)


def test_a_mail_that_waits_too_long_is_settled() -> None:
    mail = waiting_mail(received_at=timezone.now() - timedelta(seconds=16))

    sweep_round(all_jobs())

    mail.refresh_from_db()
    assert mail.state == "case"


def test_a_fresh_mail_is_left_to_the_worker() -> None:
    mail = waiting_mail()

    sweep_round(all_jobs())

    mail.refresh_from_db()
    assert mail.state == "received"


def test_the_mail_of_a_dead_worker_is_taken_over() -> None:
    mail = waiting_mail(state="processing", claim_token="dead", lease_until=timezone.now() - timedelta(seconds=1))

    sweep_round(all_jobs())

    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("case", 1)


def test_a_failing_job_does_not_stop_the_others_and_the_heart_beats() -> None:
    done: list[str] = []

    def fail() -> int:
        raise OSError("the store is away")

    def succeed() -> int:
        done.append("ran")
        return 1

    worked = sweep_round([Job("fail", fail), Job("succeed", succeed)])

    assert (worked, done) == (1, ["ran"])
    assert Heartbeat.objects.get(name="sweeper").at <= timezone.now()


def test_a_job_with_a_pause_runs_again_only_when_it_is_due() -> None:
    runs: list[int] = []
    job = Job("rare", lambda: runs.append(1) or 1, every=3600)

    sweep_round([job])
    sweep_round([job])

    assert runs == [1]


def test_tokens_of_providers_are_forgotten_after_their_time() -> None:
    old = ProviderToken.objects.create(provider="mailgun", token="a" * 64, content_hash="b" * 64)
    ProviderToken.objects.filter(pk=old.pk).update(seen_at=timezone.now() - timedelta(days=31))
    ProviderToken.objects.create(provider="mailgun", token="c" * 64, content_hash="b" * 64)

    sweep_round(all_jobs())

    assert ProviderToken.objects.get().token == "c" * 64


def test_sessions_that_ended_are_forgotten() -> None:
    now = timezone.now()
    Session.objects.create(session_key="ended", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="goes-on", expire_date=now + timedelta(days=1))

    sweep_round(all_jobs())

    assert Session.objects.get().session_key == "goes-on"


def test_sweep_once_runs_one_round() -> None:
    mail = waiting_mail(received_at=timezone.now() - timedelta(minutes=1))

    call_command("sweep", "--once", stderr=io.StringIO())

    mail.refresh_from_db()
    assert mail.state == "case"
