"""What would become of stored mail if it came now, and what would change if the configuration did. Writes nothing.

A mail is decided as it was new: it, and what came after it, do not count as known. A change is made inside a
transaction that is always rolled back, so what is compared is the real pipeline on the real rows, not a model of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db import connection, transaction

from cases.inbound.circumstances import load_circumstances
from cases.inbound.decision import AppendToCase, Circumstances, DayCount, OpenCase, decide
from cases.inbound.first_owner import first_owner_of
from cases.inbound.reading import NotAMail, ReadFailed, TakenApart, TemporaryFailure, read_email, take_apart
from cases.inbound.settled import Settled, describe_outcome
from cases.inbound.trail import Trail
from cases.models import InboundEmail
from cases.reasons import Reason

__all__ = ["Compared", "Comparison", "WouldBe", "compare", "would_become"]

Change = Callable[[], object]
T = TypeVar("T")
LONGEST_COMPARISON = 20.0  # seconds; what was not looked at by then is said
LONGEST_HOLD = 0.4  # seconds that one transaction of a comparison is open for, and one mail more
BATCH = 10  # mails in a transaction, at most
PAUSE = 0.12  # seconds; SQLite looks for a free lock every 0.1 s at the latest


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
    trail: tuple[dict[str, Any], ...] = ()

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


@dataclass(slots=True)
class _Mail:
    """One mail on its way through a comparison. `before`: set early for one that cannot be read."""

    inbound: InboundEmail
    settled: Settled
    apart: TakenApart | None = None
    before: WouldBe | None = None


def would_become(inbound: InboundEmail) -> WouldBe:
    """For a stored mail or one that is only in memory (unsaved)."""
    circumstances = _fresh_circumstances()
    mail = _read_ahead(inbound, circumstances)
    with _rolled_back():
        return mail.before or _decided(mail.settled, circumstances)


def compare(mails: Iterable[InboundEmail], change: Change) -> Comparison:
    """Each mail as it would be settled now, and as it would be after `change`. An exception of `change` is raised.

    `change` saves what a form holds. It is called many times, each time inside a transaction that is rolled back soon:
    mail that comes in meanwhile has to wait for at most LONGEST_HOLD and one mail more, where the database knows one
    writer at a time.
    """
    wanted = list(mails)
    compared: list[Compared] = []
    deadline = time.monotonic() + LONGEST_COMPARISON
    while len(compared) < len(wanted) and time.monotonic() < deadline:
        circumstances = _fresh_circumstances()
        batch = [
            _read_ahead(inbound, circumstances)
            for inbound in _for_a_moment(wanted[len(compared) : len(compared) + BATCH])
        ]
        with _rolled_back():
            done = [_with_before(mail, circumstances) for mail in _for_a_moment(batch)]
        _let_others_write()
        with _rolled_back():
            change()
            changed = _fresh_circumstances()
            compared += [
                Compared(mail.inbound, mail.before, _read_and_decided(mail, changed))
                for mail in _for_a_moment(done)
                if mail.before is not None
            ]
        _let_others_write()
    return Comparison(compared, left_out=len(wanted) - len(compared))


def _for_a_moment(mails: Sequence[T]) -> Iterator[T]:
    """At least one, and no more after LONGEST_HOLD."""
    until = time.monotonic() + LONGEST_HOLD
    for number, mail in enumerate(mails):
        if number and time.monotonic() > until:
            return
        yield mail


def _let_others_write() -> None:
    """SQLite has no queue of writers: who waits looks again now and then, and must find the lock free."""
    if connection.vendor == "sqlite":
        time.sleep(PAUSE)


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _fresh_circumstances() -> Circumstances:
    """Without what the day has seen: whether yesterday's mail would be over today's limit is not the question."""
    return replace(load_circumstances(), day=DayCount(0))


def _read_ahead(inbound: InboundEmail, circumstances: Circumstances) -> _Mail:
    """All that takes time: fetching, parsing, DNS. No transaction is open."""
    mail = _Mail(inbound, Settled(inbound, Trail()))
    mail.before = _read(mail, circumstances)
    return mail


def _with_before(mail: _Mail, circumstances: Circumstances) -> _Mail:
    mail.before = mail.before or _decided(mail.settled, circumstances)
    return mail


def _read_and_decided(mail: _Mail, circumstances: Circumstances) -> WouldBe:
    """Anew, with another configuration."""
    if mail.apart is None and mail.before is not None:
        return mail.before  # what cannot be read cannot be read with any configuration
    mail.settled = Settled(mail.inbound, Trail())
    return _read(mail, circumstances) or _decided(mail.settled, circumstances)


def _read(mail: _Mail, circumstances: Circumstances) -> WouldBe | None:
    """What becomes of a mail that cannot be read; None: it was read."""
    inbound, settled = mail.inbound, mail.settled
    try:
        mail.apart = mail.apart or take_apart(inbound, dry_run=True)
        settled.mail = read_email(
            inbound, settled.trail, dry_run=True, directory=circumstances.directory, apart=mail.apart
        )
    except NotAMail as refusal:
        return WouldBe(InboundEmail.State.REJECTED, Reason.NOT_A_MAIL, str(refusal))
    except ReadFailed as failure:
        return WouldBe(InboundEmail.State.QUARANTINED, failure.reason, str(failure))
    except (TemporaryFailure, OSError) as failure:
        return WouldBe(InboundEmail.State.RECEIVED, because=f"its content cannot be read now: {failure}")
    return None


def _decided(settled: Settled, circumstances: Circumstances) -> WouldBe:
    inbound, mail = settled.inbound, settled.mail
    assert mail is not None  # noqa: S101 - what was not read is not decided
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
        settled.trail.note("owner", first.owner.label, first.owner.because, first.owner.setting)
        record_type = (address.case_record_type if address else None) or circumstances.default_record_type
        would = replace(
            would,
            record_type=record_type.name,
            priority=address.case_priority if address else "",
            origin=address.case_origin if address else "",
            # Mails are looked at one by one, so each would name the rep whose turn it is now.
            owner=first.one_of or first.owner.label,
            owner_because=f"{first.owner.because} now" if first.one_of else first.owner.because,
            failure=first.failure,
        )
    return replace(would, trail=tuple(settled.trail.as_json()))
