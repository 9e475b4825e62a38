"""What is done goes after its days, little at a time; what failed, the mail and its history stay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from cases import forgetting
from cases.forgetting import forget_what_is_done
from cases.models import Case, CaseEvent, HookRun, LoopTest, Outbox, RawBody, RefusedCall, TrackingRequest
from cases.sweeping import all_jobs
from routing.models import RoutingAddress
from tests.factories import CaseFactory, InboundEmailFactory, RawBodyFactory, RoutingAddressFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

OLD, YOUNG = timedelta(days=91), timedelta(days=89)


def hook_run(case: Case, ago: timedelta, state: str = "done") -> HookRun:
    event = case.events.create(kind="case_opened", because="a mail")
    run = HookRun.objects.create(event=event, hook="site.hooks.hear", state=state, done_at=_at(ago))
    HookRun.objects.filter(pk=run.pk).update(created_at=_at(ago))
    return run


def tracking_request(ago: timedelta, state: str = "applied", **fields: Any) -> TrackingRequest:
    fields = {"raw": RawBodyFactory()} | fields
    return TrackingRequest.objects.create(received_at=_at(ago), provider="postmark", state=state, **fields)


def canary(address: RoutingAddress, ago: timedelta, **fields: Any) -> LoopTest:
    number = LoopTest.objects.count()
    outbox = Outbox.objects.create(key=f"test:{number}", kind="test", recipient=address.email_address, state="sent")
    fields = {"is_canary": True, "arrived_at": _at(ago)} | fields
    return LoopTest.objects.create(
        routing_address=address, sent_to="a@b.example", nonce=f"n{number}", outbox=outbox, asked_at=_at(ago), **fields
    )


def refused_call(ago: timedelta, provider: str = "postmark") -> RefusedCall:
    at = _at(ago)
    return RefusedCall.objects.create(hour=at, provider=provider, reason="bad_password", count=1, last_at=at)


def _at(ago: timedelta) -> datetime:
    return timezone.now() - ago


def left(rows: type[models.Model]) -> set[Any]:
    return set(rows._default_manager.values_list("pk", flat=True))


def test_hook_runs_that_are_done_go_and_their_events_stay() -> None:
    case = CaseFactory()
    hook_run(case, OLD)
    stay = [hook_run(case, YOUNG), hook_run(case, OLD, "failed"), hook_run(case, OLD, "waiting")]

    assert forget_what_is_done() == 1

    assert left(HookRun) == {run.pk for run in stay}
    assert CaseEvent.objects.filter(case=case).count() == 4


def test_reports_of_providers_that_were_read_go_with_their_bytes() -> None:
    gone = [tracking_request(OLD), tracking_request(OLD, "ignored")]
    stay = [tracking_request(YOUNG), tracking_request(OLD, "quarantined"), tracking_request(OLD, "received")]

    assert forget_what_is_done() == len(gone)

    assert left(TrackingRequest) == {row.pk for row in stay}
    assert left(RawBody) == {row.raw_id for row in stay}


def test_bytes_that_a_mail_has_as_well_stay() -> None:
    mail = InboundEmailFactory(state="case")
    tracking_request(OLD, raw=mail.raw)

    forget_what_is_done()

    assert not TrackingRequest.objects.exists()
    assert RawBody.objects.filter(pk=mail.raw_id).exists()


def test_scheduled_test_mails_that_came_back_go_but_for_the_last_of_each_address() -> None:
    busy, quiet = RoutingAddressFactory(), RoutingAddressFactory()
    canary(busy, OLD + timedelta(days=1))
    stay = [
        canary(busy, OLD, arrived_at=None),  # was lost: somebody should see when
        canary(busy, OLD, is_canary=False),  # a person asked for it
        canary(busy, OLD),  # the last proof of its address
        canary(quiet, OLD),
    ]

    assert forget_what_is_done() == 1

    assert left(LoopTest) == {test.pk for test in stay}
    assert left(Outbox) == {test.outbox_id for test in stay}


def test_refused_calls_stay_as_long_as_figures_look_back(settings: Any) -> None:
    settings.E2C_WORK_RECORD_DAYS = 7
    refused_call(OLD)
    stays = refused_call(YOUNG)

    assert forget_what_is_done() == 1

    assert left(RefusedCall) == {stays.pk}


def test_the_setting_says_after_how_many_days(settings: Any) -> None:
    settings.E2C_WORK_RECORD_DAYS = 7
    hook_run(CaseFactory(), timedelta(days=8))
    stays = hook_run(CaseFactory(), timedelta(days=6))

    forget_what_is_done()

    assert left(HookRun) == {stays.pk}


def test_much_goes_in_several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "MOST_FORGOTTEN", 2)
    case = CaseFactory()
    for _ in range(5):
        hook_run(case, OLD)

    assert [forget_what_is_done() for _ in range(4)] == [2, 2, 1, 0]


def test_a_round_that_finds_nothing_costs_the_same_whatever_is_stored(django_assert_max_num_queries: Any) -> None:
    case = CaseFactory()
    for _ in range(30):
        hook_run(case, YOUNG)
        tracking_request(YOUNG)

    with django_assert_max_num_queries(16):
        assert forget_what_is_done() == 0


def test_the_sweeper_forgets() -> None:
    assert "forget what is done" in [job.name for job in all_jobs()]
