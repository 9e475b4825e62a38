"""The list of cases and the counts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from cases.models import (
    Case,
    CaseQuerySet,
    EmailMessage,
)
from cases.selectors.cursor import Cursor
from routing.models import Queue

CASES_PER_PAGE = 50
COUNTED_TO = 100  # counts beside views stop here ("99+")
# Each queue of a rep is read through its own index; with more queues than this one plain condition is cheaper to
# plan.
SEPARATE_READS = 30


class ListView(models.TextChoices):
    """The ready-made views beside the queues of a rep."""

    MINE = "mine", _("My cases")
    QUEUES = "queues", _("My queues")
    UNASSIGNED = "unassigned", _("Unassigned")
    OPEN = "open", _("All open")
    CLOSED = "closed", _("Closed")


@dataclass(frozen=True, slots=True)
class MyQueue:
    key: int
    name: str
    open_count: int  # at most COUNTED_TO


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: list[Case]
    older: Cursor | None  # None: this is the end


class _BoundedCount(Subquery):
    """count(*) of a query that is limited, so that it reads at most that many rows."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


def open_cases() -> CaseQuerySet:
    return Case.objects.filter(closed_at__isnull=True)


def queues_of(user: Any) -> list[MyQueue]:
    """The queues a user is a member of, each with its open cases counted up to COUNTED_TO. One statement."""
    counted = open_cases().filter(owner_queue=OuterRef("pk")).order_by().values("pk")[:COUNTED_TO]
    rows = (
        Queue.objects.filter(members=user)
        .annotate(open_count=_BoundedCount(counted))
        .order_by("name")
        .values_list("pk", "name", "open_count")
    )
    return [MyQueue(key, name, count) for key, name, count in rows]


def count_my_open_cases(user: Any) -> int:
    """At most COUNTED_TO."""
    return open_cases().filter(owner_user=user).order_by()[:COUNTED_TO].count()


def list_cases(
    user: Any,
    *,
    view: ListView,
    queues: list[MyQueue],
    views_all: bool,
    queue: int | None = None,
    before: Cursor | None = None,
    size: int = CASES_PER_PAGE,
) -> CasePage:
    """One page of a view, newest activity first. One statement; reads no bodies.

    `queues` and `views_all` are what queues_of and may_view_all_cases said in this request; `queue` narrows to one
    queue of them.
    """
    cases = Case.objects.filter(closed_at__isnull=view != ListView.CLOSED, merged_into__isnull=True)
    if before is not None:
        cases = cases.filter(
            Q(last_activity_at__lt=before.at) | Q(last_activity_at=before.at, pk__lt=before.key),
            last_activity_at__lte=before.at,  # says the same again in the one form that an index range can use
        )
    owners = _owners_of(user, view=view, queues=queues, views_all=views_all, queue=queue)
    cases = _first_of_each(cases, owners, size=size + 1) if owners is not None else cases
    found = list(
        _with_last_message(cases)
        .select_related("status", "owner_user", "owner_queue")
        .defer("description")
        .order_by("-last_activity_at", "-pk")[: size + 1]
    )
    page = found[:size]
    return CasePage(page, Cursor(page[-1].last_activity_at, page[-1].pk) if len(found) > size else None)


def _owners_of(
    user: Any, *, view: ListView, queues: list[MyQueue], views_all: bool, queue: int | None
) -> list[Q] | None:
    """The owners a view is about, one condition each; None: whoever owns it."""
    mine, ours = Q(owner_user=user), [Q(owner_queue=each.key) for each in queues]
    if queue is not None:
        return [Q(owner_queue=queue)] if views_all or any(each.key == queue for each in queues) else []
    match view:
        case ListView.MINE:
            return [mine]
        case ListView.QUEUES:
            return ours
        case ListView.UNASSIGNED:
            return [Q(owner_queue__isnull=False)] if views_all else ours
        case _:
            return None if views_all else [mine, *ours]


def _first_of_each(cases: CaseQuerySet, owners: list[Q], *, size: int) -> CaseQuerySet:
    """Of every owner the first `size` cases: each part is a short walk along an index, however many there are."""
    if not owners:
        return cases.none()
    if len(owners) == 1:
        return cases.filter(owners[0])
    either = Q()
    if len(owners) > SEPARATE_READS:
        for owner in owners:
            either |= owner
        return cases.filter(either)
    for owner in owners:
        first = cases.filter(owner).order_by("-last_activity_at", "-pk").values("pk")[:size]
        either |= Q(pk__in=first)
    return Case.objects.filter(either)


def _with_last_message(cases: CaseQuerySet) -> CaseQuerySet:
    # What a rep took back to write on is not for the others.
    mails = EmailMessage.objects.filter(case=OuterRef("pk")).exclude(status=EmailMessage.Status.DRAFT)
    last = mails.order_by("-received_at", "-pk")
    return cases.annotate(
        last_snippet=Subquery(last.values("snippet")[:1]),
        last_incoming=Subquery(last.values("incoming")[:1]),
        last_flags=Subquery(last.values("flags")[:1]),
    )
