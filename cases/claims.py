"""Claim, lease, prove: how several workers share one table of waiting rows and none of them does the work of another.

A row waits in its waiting state. `claim` takes some of them with one committed UPDATE and hands back a token; the
lease says until when they are ours. A worker that dies leaves its rows to be claimed again when the lease is over. A
worker that was only slow finds out when it proves its claim, in the first statement of the transaction that writes the
result.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connections, models, router, transaction
from django.db.models import F, Func, Q, QuerySet, Subquery
from django.utils import timezone

from cases.models.claimable import Claimable

__all__ = [
    "LostLease",
    "back_off",
    "claim",
    "claimed_rows",
    "extend_lease",
    "in_states",
    "new_token",
    "prove",
    "release_for_retry",
    "retry_at",
]

Row = TypeVar("Row", bound=Claimable)

LONGEST_ERROR = 4000  # characters of an error kept on a row


class LostLease(RuntimeError):
    """Another worker took the row over, or a person changed it: what this worker did for it is void."""


class _OnceAsArray(Subquery):
    # PostgreSQL may run a sub-select with LIMIT again for every row it joins, and then takes more rows than the limit.
    # An array is computed once, before the UPDATE starts.
    template = "ANY(ARRAY(%(subquery)s))"


def new_token() -> str:
    return secrets.token_hex(16)


def claim(
    rows: QuerySet[Row],
    *,
    limit: int,
    lease: timedelta,
    waiting_state: str,
    claiming_state: str,
    min_age: timedelta = timedelta(0),
    age_field: str = "received_at",
    open_states: Sequence[str] = (),
    now: datetime | None = None,
) -> str:
    """Take up to `limit` of the rows, oldest first, and commit. Returns the token; `claimed_rows` fetches them.

    Taken are rows in `waiting_state` that are due (no lease_until, or one that is over), and rows in `claiming_state`
    whose lease is over: their worker died. With `waiting_state == claiming_state` a row keeps its state while it is
    claimed. `min_age` leaves fresh rows, which nobody has tried yet, to the workers that are woken for them;
    `age_field` tells a row's age. `open_states` are the states that the table's index of open rows lists, in its
    order; unset: the two states above. Each claim adds 1 to `attempts`. Raises RuntimeError inside a transaction: only
    a committed claim holds.
    """
    now = now or timezone.now()
    token = new_token()
    rows = rows.filter(in_states(*(open_states or (waiting_state, claiming_state))))
    due = _due(rows, waiting_state, claiming_state, now=now, min_age=min_age, age_field=age_field).order_by("pk")
    using = router.db_for_write(rows.model)
    taken: QuerySet[Row] = rows.model._default_manager.using(using)
    if connections[using].features.has_select_for_update_skip_locked:
        ids = due.using(using).select_for_update(skip_locked=True).values("pk")[:limit]
        once = _OnceAsArray(ids, output_field=models.BigIntegerField())
        taken = taken.filter(
            Func(F("pk"), once, template="%(expressions)s", arg_joiner=" = ", output_field=models.BooleanField())
        )
    else:
        taken = taken.filter(pk__in=due.using(using).values("pk")[:limit])
    with transaction.atomic(using=using, durable=True):
        taken.update(state=claiming_state, claim_token=token, lease_until=now + lease, attempts=F("attempts") + 1)
    return token


def _due(
    rows: QuerySet[Row], waiting_state: str, claiming_state: str, *, now: datetime, min_age: timedelta, age_field: str
) -> QuerySet[Row]:
    fresh = Q(state=waiting_state, lease_until__isnull=True)
    if min_age > timedelta(0):
        fresh &= Q(**{f"{age_field}__lte": now - min_age})
    return rows.filter(fresh | Q(state__in=[waiting_state, claiming_state], lease_until__lte=now))


def in_states(*states: str) -> Func:
    """A condition on `state` with the values written into the SQL: SQLite uses a partial index for nothing else."""
    values = ", ".join(f"'{_plain_word(state)}'" for state in dict.fromkeys(map(str, states)))
    template = f"%(expressions)s IN ({values})" if "," in values else f"%(expressions)s = {values}"
    return Func(F("state"), template=template, output_field=models.BooleanField())


def _plain_word(state: str) -> str:
    if not state.isidentifier():
        raise ValueError(f"Not the name of a state: {state!r}")
    return state


def claimed_rows(rows: QuerySet[Row], token: str, *, state: str | Sequence[str] = ()) -> list[Row]:
    """The rows that a claim took, oldest first; select_related and the like are the caller's.

    `state`: what the table's index is conditioned on (the claiming state, or the open states in the index's order),
    for speed alone.
    """
    if not token:
        return []
    states = (state,) if isinstance(state, str) else tuple(state)
    return list((rows.filter(in_states(*states)) if states else rows).filter(claim_token=token).order_by("pk"))


def prove(row: Claimable, *, state: str | None = None, **changes: Any) -> None:
    """Write `changes` to a claimed row, provided that the claim still holds; raises LostLease when it does not.

    Meant as the first statement of the transaction that writes the result: it locks the row, so that nobody claims it
    while the transaction runs. `state` is the new state; None keeps it. Without changes it only proves and locks. A
    lease that is over but was taken by nobody still holds: the token decides. The row in memory follows.
    """
    if state is not None:
        changes["state"] = state
    model = type(row)
    held = model._default_manager.filter(pk=row.pk, claim_token=row.claim_token, state=row.state)  # type: ignore[attr-defined,misc]
    if not row.claim_token or held.update(**(changes or {"claim_token": row.claim_token})) != 1:
        raise LostLease(f"{model.__name__} {row.pk} was taken over")
    for name, value in changes.items():
        setattr(row, name, value)


def extend_lease(row: Claimable, *, lease: timedelta) -> None:
    """Keep a claimed row for longer; raises LostLease."""
    prove(row, lease_until=timezone.now() + lease)


def release_for_retry(row: Claimable, *, waiting_state: str, not_before: datetime, **changes: Any) -> None:
    """Give a claimed row back to wait until `not_before`, with what went wrong in `changes`; raises LostLease."""
    prove(row, state=waiting_state, claim_token="", lease_until=not_before, **changes)


BACK_OFF: Sequence[timedelta] = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 900, 1800, 3600))


def back_off(attempts: int) -> timedelta:
    """How long to wait after the n-th attempt failed: 10 s, 30 s, 1, 5, 15, 30 minutes, then an hour each."""
    return BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]


def retry_at(attempts: int, *, now: datetime, told: timedelta | None = None) -> datetime:
    """When to try again; `told` is what the other side asked for (Retry-After), believed up to a day."""
    return now + max(back_off(attempts), min(told or timedelta(0), timedelta(days=1)))
