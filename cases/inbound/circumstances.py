"""What a batch of mails has in common, loaded once a batch."""

from __future__ import annotations

import time

from django.utils import timezone

from cases.inbound.decision import Circumstances, DayCount
from cases.inbound.screening import count_cases_of_day
from cases.lifecycle import default_status
from cases.thread_keys import signing_keys
from routing.matching import Directory
from routing.models import EmailToCaseSettings, RecordType

# A large daily limit may be passed by what other workers open in this time; a small one is counted anew for each
# batch.
KEEP_COUNT_SECONDS = 30.0
SMALL_LIMIT = 10_000
# So many routing addresses are read once for a batch; of more, each mail looks up the few that it names.
FEW_ADDRESSES = 50


class NotSetUp(RuntimeError):
    """The instance has no statuses or record types yet; `manage.py setup` makes them."""


class _KeptCount:
    """The last count of this process: counting 100,000 cases for each batch would cost more than the mails."""

    taken_at = float("-inf")
    day = DayCount(0)


def load_circumstances() -> Circumstances:
    settings_row = EmailToCaseSettings.load()
    record_type = RecordType.objects.order_by("-is_default", "pk").first()
    if record_type is None:
        raise NotSetUp("Run `manage.py setup`: there is no record type.")
    return Circumstances(
        settings_row=settings_row,
        default_status=default_status(),
        default_record_type=record_type,
        keys=signing_keys(),
        day=day_count(settings_row.daily_limit),
        directory=Directory.of_all(most=FEW_ADDRESSES),
    )


def day_count(limit: int) -> DayCount:
    if not limit:
        return DayCount(0)
    if limit < SMALL_LIMIT:
        return DayCount(count_cases_of_day(timezone.now()))
    if time.monotonic() - _KeptCount.taken_at > KEEP_COUNT_SECONDS:
        _KeptCount.day = DayCount(count_cases_of_day(timezone.now()))
        _KeptCount.taken_at = time.monotonic()
    return _KeptCount.day
