"""Claim, lease, prove: rows shared by several workers."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.claims import (
    LostLease,
    back_off,
    claim,
    claimed_rows,
    extend_lease,
    in_states,
    prove,
    release_for_retry,
    retry_at,
)
from cases.models import InboundEmail, Outbox
from tests.factories import InboundEmailFactory

MINUTE = timedelta(minutes=1)
RECEIVED, PROCESSING = InboundEmail.State.RECEIVED, InboundEmail.State.PROCESSING


def claim_mail(rows: QuerySet[InboundEmail] | None = None, *, limit: int = 10, **options: Any) -> list[InboundEmail]:
    rows = InboundEmail.objects.all() if rows is None else rows
    token = claim(rows, limit=limit, lease=MINUTE, waiting_state=RECEIVED, claiming_state=PROCESSING, **options)
    return claimed_rows(InboundEmail.objects.all(), token)


@pytest.mark.django_db
def test_claim_takes_the_oldest_rows_up_to_its_limit() -> None:
    mails = InboundEmailFactory.create_batch(5)

    taken = claim_mail(limit=3)

    assert [mail.pk for mail in taken] == [mail.pk for mail in mails[:3]]
    assert {mail.state for mail in taken} == {PROCESSING}
    assert {mail.attempts for mail in taken} == {1}
    assert all(mail.lease_until and mail.lease_until > timezone.now() for mail in taken)
    assert len({mail.claim_token for mail in taken}) == 1
    assert InboundEmail.objects.filter(state=RECEIVED, attempts=0).count() == 2


@pytest.mark.django_db
def test_claimed_rows_are_not_claimed_again_while_the_lease_lasts() -> None:
    InboundEmailFactory.create_batch(2)
    claim_mail()

    assert claim_mail() == []


@pytest.mark.django_db
def test_rows_of_a_dead_worker_are_claimed_again() -> None:
    mail = InboundEmailFactory()
    claim_mail()

    taken = claim_mail(now=timezone.now() + 2 * MINUTE)

    assert [row.pk for row in taken] == [mail.pk]
    assert taken[0].attempts == 2


@pytest.mark.django_db
def test_settled_rows_are_never_claimed() -> None:
    InboundEmailFactory(state=InboundEmail.State.CASE, lease_until=timezone.now() - MINUTE)

    assert claim_mail() == []


@pytest.mark.django_db
def test_row_that_backs_off_waits_until_its_time() -> None:
    InboundEmailFactory(lease_until=timezone.now() + MINUTE)

    assert claim_mail() == []
    assert len(claim_mail(now=timezone.now() + 2 * MINUTE)) == 1


@pytest.mark.django_db
def test_fresh_rows_are_left_to_woken_workers_by_a_minimum_age() -> None:
    now = timezone.now()
    InboundEmailFactory(received_at=now - timedelta(seconds=5))
    old = InboundEmailFactory(received_at=now - timedelta(seconds=20))

    taken = claim_mail(min_age=timedelta(seconds=15), now=now)

    assert [mail.pk for mail in taken] == [old.pk]


@pytest.mark.django_db
def test_minimum_age_does_not_hold_back_rows_of_a_dead_worker() -> None:
    InboundEmailFactory(state=PROCESSING, claim_token="dead", lease_until=timezone.now() - MINUTE)

    assert len(claim_mail(min_age=timedelta(hours=1))) == 1


@pytest.mark.django_db
def test_claim_looks_only_among_the_rows_it_was_given() -> None:
    InboundEmailFactory(provider="ingest")
    wanted = InboundEmailFactory(provider="postmark")

    taken = claim_mail(InboundEmail.objects.filter(provider="postmark"))

    assert [mail.pk for mail in taken] == [wanted.pk]


@pytest.mark.django_db
def test_row_can_keep_its_state_while_it_is_claimed() -> None:
    Outbox.objects.create(key="k1", kind=Outbox.Kind.NOTICE, recipient="casey@example.net")
    queued = Outbox.State.QUEUED

    tokens = [
        claim(Outbox.objects.all(), limit=5, lease=MINUTE, waiting_state=queued, claiming_state=queued)
        for _ in range(2)
    ]

    assert [len(claimed_rows(Outbox.objects.all(), token)) for token in tokens] == [1, 0]


@pytest.mark.django_db
def test_no_token_claimed_no_rows() -> None:
    InboundEmailFactory()

    assert claimed_rows(InboundEmail.objects.all(), "") == []


@pytest.mark.django_db
def test_claim_is_one_update() -> None:
    InboundEmailFactory.create_batch(3)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        claim(InboundEmail.objects.all(), limit=2, lease=MINUTE, waiting_state=RECEIVED, claiming_state=PROCESSING)

    written = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(written) == 1
    assert written[0].startswith("UPDATE")


@pytest.mark.django_db(transaction=True)
def test_claim_inside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        claim_mail()


@pytest.mark.django_db
def test_proof_writes_its_changes_to_the_row() -> None:
    InboundEmailFactory()
    [mail] = claim_mail()

    prove(mail, state=InboundEmail.State.REJECTED, reason="own_loop")

    assert mail.state == InboundEmail.State.REJECTED
    mail.refresh_from_db()
    assert (mail.state, mail.reason) == ("rejected", "own_loop")


@pytest.mark.django_db
def test_worker_that_lost_its_lease_cannot_write() -> None:
    InboundEmailFactory()
    [slow] = claim_mail()
    [other] = claim_mail(now=timezone.now() + 2 * MINUTE)

    with pytest.raises(LostLease):
        prove(slow, state=InboundEmail.State.CASE)

    prove(other)
    assert InboundEmail.objects.get().state == PROCESSING


@pytest.mark.django_db
def test_lease_that_is_over_but_taken_by_nobody_still_holds() -> None:
    InboundEmailFactory()
    [mail] = claim_mail(now=timezone.now() - 5 * MINUTE)

    prove(mail)


@pytest.mark.django_db
def test_row_that_was_never_claimed_proves_nothing() -> None:
    mail = InboundEmailFactory()

    with pytest.raises(LostLease):
        prove(mail, state=InboundEmail.State.CASE)


@pytest.mark.django_db
def test_longer_lease_keeps_other_workers_away() -> None:
    InboundEmailFactory()
    [mail] = claim_mail()

    extend_lease(mail, lease=timedelta(hours=1))

    assert claim_mail(now=timezone.now() + 2 * MINUTE) == []


@pytest.mark.django_db
def test_released_row_waits_and_keeps_its_error() -> None:
    InboundEmailFactory()
    [mail] = claim_mail()
    then = timezone.now() + 5 * MINUTE

    release_for_retry(mail, waiting_state=RECEIVED, not_before=then, last_error="the provider did not answer")

    mail.refresh_from_db()
    assert (mail.state, mail.claim_token, mail.lease_until) == (RECEIVED, "", then)
    assert mail.last_error == "the provider did not answer"
    assert mail.attempts == 1
    with pytest.raises(LostLease):
        prove(mail)


def test_back_off_grows_and_ends_at_an_hour() -> None:
    assert [back_off(n).total_seconds() for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 100)] == [
        10, 10, 30, 60, 300, 900, 1800, 3600, 3600, 3600,
    ]  # fmt: skip


def test_retry_waits_as_long_as_it_was_told_up_to_a_day() -> None:
    now = timezone.now()

    assert retry_at(1, now=now) == now + timedelta(seconds=10)
    assert retry_at(1, now=now, told=timedelta(seconds=90)) == now + timedelta(seconds=90)
    assert retry_at(1, now=now, told=timedelta(days=400)) == now + timedelta(days=1)


@pytest.mark.django_db
def test_claim_and_its_rows_are_found_by_index() -> None:
    open_rows = InboundEmail.objects.filter(in_states(RECEIVED, PROCESSING), lease_until__lte=timezone.now()).order_by(
        "pk"
    )
    claimed = InboundEmail.objects.filter(in_states(PROCESSING), claim_token="token")

    if connection.vendor == "postgresql":
        connection.cursor().execute("SET LOCAL enable_seqscan = off")

    assert "inbound_email_" in open_rows.explain()  # which of its indexes is the planner's choice
    assert "inbound_email_" in claimed.explain()


def test_only_plain_words_are_written_into_a_condition_on_states() -> None:
    with pytest.raises(ValueError, match="Not the name of a state"):
        in_states("received'")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_never_claim_the_same_row() -> None:
    InboundEmailFactory.create_batch(60)
    taken: list[list[int]] = [[], []]
    start = threading.Barrier(2)

    def work(mine: list[int]) -> None:
        try:
            start.wait()
            while rows := claim_mail(limit=3):
                assert len(rows) <= 3
                mine.extend(row.pk for row in rows)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(mine,)) for mine in taken]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(taken[0] + taken[1]) == sorted(InboundEmail.objects.values_list("pk", flat=True))
    assert set(InboundEmail.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_claim_passes_by_rows_that_another_transaction_holds() -> None:
    held, free = InboundEmailFactory.create_batch(2)
    taken: list[int] = []

    def work() -> None:
        try:
            taken.extend(row.pk for row in claim_mail())
        finally:
            connection.close()

    with transaction.atomic():
        InboundEmail.objects.select_for_update().get(pk=held.pk)
        worker = threading.Thread(target=work)
        worker.start()
        worker.join(60)

    assert taken == [free.pk]
