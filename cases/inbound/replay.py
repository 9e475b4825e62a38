"""What would become of stored mail if it came now, and what would change if the configuration did. Writes nothing.

A mail is decided as it was new: it, and what came after it, do not count as known. A change is made inside a
transaction that is always rolled back, so what is compared is the real pipeline on the real rows, not a model of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import transaction

from cases.inbound.circumstances import load_circumstances
from cases.inbound.decision import AppendToCase, Circumstances, DayCount, OpenCase, decide
from cases.inbound.first_owner import first_owner_of
from cases.inbound.reading import NotAMail, ReadFailed, TemporaryFailure, read_email
from cases.inbound.settled import Settled, describe_outcome
from cases.inbound.trail import Trail
from cases.models import InboundEmail
from cases.reasons import Reason

__all__ = ["Compared", "Comparison", "WouldBe", "compare", "would_become"]

Change = Callable[[], object]
LONGEST_COMPARISON = 20.0  # seconds; what was not looked at by then is said


@dataclass(frozen=True, slots=True)
class WouldBe:
    """The outcome of one mail, in the words of the trail. Names and not rows: the transaction is rolled back."""

    outcome: str
    reason: str = ""
    because: str = ""
    routing_address: str = ""
    case: str = ""  # the case that it would join
    record_type: str = ""
    priority: str = ""
    origin: str = ""
    owner: str = ""
    owner_because: str = ""
    failure: str = ""  # of a rule or flow
    trail: tuple[dict[str, str], ...] = ()

    def differences(self, other: WouldBe) -> list[tuple[str, str, str]]:
        """(what, here, there) of all that differs, but for sentences and trails."""
        names = ("outcome", "reason", "routing_address", "case", "record_type", "priority", "origin", "owner")
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        return [(name, here, there) for name, here, there in pairs if here != there]


@dataclass(frozen=True, slots=True)
class Compared:
    inbound: InboundEmail
    before: WouldBe
    after: WouldBe

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        return self.before.differences(self.after)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left_out`: mails that were not looked at, because the time was over."""

    compared: list[Compared]
    left_out: int

    @property
    def changed(self) -> list[Compared]:
        return [each for each in self.compared if each.differences]


def would_become(inbound: InboundEmail) -> WouldBe:
    """For a stored mail or one that is only in memory (unsaved)."""
    with _rolled_back():
        return _would_become(inbound, _fresh_circumstances())


def compare(mails: Iterable[InboundEmail], change: Change) -> Comparison:
    """Each mail as it would be settled now, and as it would be after `change`. An exception of `change` is raised.

    `change` saves what a form holds; it runs once, inside the transaction that is rolled back.
    """
    wanted = list(mails)
    deadline = time.monotonic() + LONGEST_COMPARISON
    with _rolled_back():
        before = list(_until(deadline - LONGEST_COMPARISON / 2, wanted))
    with _rolled_back():
        change()
        after = list(_until(deadline, wanted[: len(before)]))
    pairs = zip(wanted, before, after, strict=False)
    compared = [Compared(inbound, was, would) for inbound, was, would in pairs]
    return Comparison(compared, left_out=len(wanted) - len(compared))


def _until(deadline: float, mails: Iterable[InboundEmail]) -> Iterator[WouldBe]:
    circumstances = _fresh_circumstances()
    for inbound in mails:
        if time.monotonic() > deadline:
            return
        yield _would_become(inbound, circumstances)


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _fresh_circumstances() -> Circumstances:
    """Without what the day has seen: whether yesterday's mail would be over today's limit is not the question."""
    return replace(load_circumstances(), day=DayCount(0))


def _would_become(inbound: InboundEmail, circumstances: Circumstances) -> WouldBe:
    settled = Settled(inbound, Trail())
    try:
        mail = settled.mail = read_email(inbound, settled.trail, dry_run=True, directory=circumstances.directory)
    except NotAMail as refusal:
        return WouldBe(InboundEmail.State.REJECTED, Reason.NOT_A_MAIL, str(refusal))
    except ReadFailed as failure:
        return WouldBe(InboundEmail.State.QUARANTINED, failure.reason, str(failure))
    except (TemporaryFailure, OSError) as failure:
        return WouldBe(InboundEmail.State.RECEIVED, because=f"its content cannot be read now: {failure}")
    settled.decision = decision = decide(
        mail, inbound, circumstances, settled.trail, now=inbound.received_at, as_if_new=True
    )
    describe_outcome(settled)
    address = mail.routing_address
    would = WouldBe(
        outcome=settled.state,
        reason=settled.reason,
        because=settled.because,
        routing_address=address.email_address if address else "",
    )
    if isinstance(decision, AppendToCase):
        would = replace(would, case=decision.case.number_text)
    if isinstance(decision, OpenCase):
        first = first_owner_of(mail, decision, circumstances, received_at=inbound.received_at)
        settled.trail.note("owner", first.owner.label, first.owner.because)
        record_type = (address.case_record_type if address else None) or circumstances.default_record_type
        would = replace(
            would,
            record_type=record_type.name,
            priority=address.case_priority if address else "",
            origin=address.case_origin if address else "",
            owner=first.owner.label,
            owner_because=first.owner.because,
            failure=first.failure,
        )
    return replace(would, trail=tuple(settled.trail.as_json()))
