"""A mail that ends the process that reads it - no exception, just gone - is left to a person after some tries."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from cases.inbound.settle import settle_batch
from cases.models import InboundEmail
from tests.factories import InboundEmailFactory, RawBodyFactory, RoutingAddressFactory
from tests.faults.harness import raw_mail
from tests.faults.instance import ADDRESS

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def support(organisation: Any) -> Any:
    return RoutingAddressFactory(email_address=ADDRESS)


def abandoned(number: int, *, attempts: int) -> InboundEmail:
    """A mail whose workers never came back, its last lease over."""
    return InboundEmailFactory(
        raw=RawBodyFactory(content=raw_mail(number)),
        state="processing",
        attempts=attempts,
        claim_token=f"{number:032}",
        lease_until=timezone.now(),
    )


def outcomes() -> list[tuple[str, str, int]]:
    return list(InboundEmail.objects.order_by("pk").values_list("state", "reason", "attempts"))


def test_mail_that_ended_its_worker_at_every_try_is_quarantined_unread() -> None:
    abandoned(1, attempts=5)

    settle_batch()

    mail = InboundEmail.objects.get()
    assert (mail.state, mail.reason) == ("quarantined", "failed")
    assert mail.because == "5 workers began with it and did not come back"


def test_mail_whose_last_worker_died_is_settled_by_the_next() -> None:
    abandoned(1, attempts=4)

    settle_batch()

    assert outcomes() == [("case", "", 5)]


def test_mails_that_lost_several_workers_are_settled_one_at_a_time_after_the_fresh_ones() -> None:
    abandoned(1, attempts=2)
    abandoned(2, attempts=2)
    abandoned(3, attempts=1)

    settle_batch()

    assert outcomes() == [("case", "", 3), ("received", "", 2), ("case", "", 2)]

    settle_batch()

    assert outcomes() == [("case", "", 3), ("case", "", 3), ("case", "", 2)]
