"""The list of cases: one page of what a ListQuery asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.list_query import ListQuery
from cases.models import Approval, Case, CaseQuerySet, Draft
from cases.models.case import NUMBER_OFFSET
from cases.search_query import SearchQuery, read_search
from cases.selectors.list_filters import filters_of, is_not_snoozed, is_snoozed, unread_by
from cases.selectors.list_rows import with_row_facts
from cases.selectors.list_sorts import cursor_after, read_cursor, sorted_by
from cases.selectors.search import Candidates, find_candidates
from cases.selectors.visible import grants_of, mentioned_in
from routing.models import Queue, QueueMember

CASES_PER_PAGE = 50
COUNTED_TO = 100  # counts beside views stop here ("99+")
# Each queue of a rep is read through its own index; with more queues than this one plain condition is cheaper to
# plan.
SEPARATE_READS = 30
MOST_CASES_OF_MINE = 1000  # that are looked into when words stand in very many mails


class ListView(models.TextChoices):
    """The ready-made views beside the queues of a rep."""

    MINE = "mine", _("My cases")
    QUEUES = "queues", _("My queues")
    UNREAD = "unread", _("Unread")
    AWAITING = "awaiting", _("Awaiting us")
    UNASSIGNED = "unassigned", _("Unassigned")
    MENTIONS = "mentions", _("Mentions")
    SNOOZED = "snoozed", _("Snoozed")
    DRAFTS = "drafts", _("My drafts")
    APPROVAL = "approval", _("Awaiting approval")
    OPEN = "open", _("All open")
    CLOSED = "closed", _("Closed")
    ALL = "all", _("All cases")


@dataclass(frozen=True, slots=True)
class MyQueue:
    key: int
    name: str
    open_count: int  # at most COUNTED_TO


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose list it is, with what decides what they see: read once a request."""

    user: Any
    queues: tuple[int, ...]
    views_all: bool


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: list[Case]
    next: str  # cursor of the following page; "": this is the end
    direct: Case | None = None  # the case whose number was searched for; not among `cases`
    candidates: Candidates | None = None  # of a search for words


class BoundedCount(Subquery):
    """count(*) of a query that is limited, so that it reads at most that many rows."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


def reader_of(user: Any) -> Reader:
    """One statement."""
    if not user.is_active or user.is_anonymous:
        return Reader(user, (), views_all=False)
    queues = QueueMember.objects.filter(user=user).order_by().values_list("queue", flat=True)
    if user.is_superuser:
        return Reader(user, tuple(queues), views_all=True)
    # Beside the queues a zero, which is no key, for the permission to view all.
    keys = set(queues.union(grants_of(user, "view_all_cases").order_by().values_list(Value(0), flat=True)))
    return Reader(user, tuple(sorted(keys - {0})), views_all=0 in keys)


def open_cases() -> CaseQuerySet:
    """What is to be done: a snoozed case is in no list of work, and no number beside one counts it."""
    return Case.objects.filter(is_not_snoozed(timezone.now()), closed_at__isnull=True)


def queues_of(user: Any) -> list[MyQueue]:
    """The queues a user is a member of, each with its open cases counted up to COUNTED_TO. One statement."""
    counted = open_cases().filter(owner_queue=OuterRef("pk")).order_by().values("pk")[:COUNTED_TO]
    rows = (
        Queue.objects.filter(members=user)
        .annotate(open_count=BoundedCount(counted))
        .order_by("name")
        .values_list("pk", "name", "open_count")
    )
    return [MyQueue(key, name, count) for key, name, count in rows]


def list_cases(reader: Reader, query: ListQuery, *, now: datetime, size: int = CASES_PER_PAGE) -> CasePage:
    """One page. One statement, one or two more for a search for words; reads no bodies."""
    search = read_search(query.q)
    if query.q and search.is_empty:
        return CasePage([], "")
    candidates = _candidates(search, reader)
    cases = _asked_for(reader, query, search, now=now)
    after = read_cursor(query.before, sort=query.sort)
    chosen: CaseQuerySet
    if candidates is not None:
        matching = cases.filter(_any(_owners_of(reader, query)), pk__in=candidates.cases)
        chosen = sorted_by(matching, query.sort, after=after)
    else:
        chosen = _walk(cases, _owners_of(reader, query), query.sort, after=after, size=size + 1)
    direct_key = search.number - NUMBER_OFFSET if search.number and after is None else None
    if direct_key is not None:
        chosen = _with_direct(chosen, direct_key, reader, query.sort, size=size + 1)
    found = list(with_row_facts(chosen, reader.user)[: size + 1 + (direct_key is not None)])
    direct = next((case for case in found if case.pk == direct_key), None)
    rest = [case for case in found if case is not direct]
    page = rest[:size]
    following = str(cursor_after(page[-1], sort=query.sort)) if len(rest) > size else ""
    return CasePage(page, following, direct, candidates)


def count_cases(reader: Reader, query: ListQuery, *, now: datetime) -> int:
    """How many cases a list without a search has, at most COUNTED_TO. One statement."""
    return counted_rows(reader, query, now=now).count()


def counted_rows(reader: Reader, query: ListQuery, *, now: datetime) -> CaseQuerySet:
    """The cases that count_cases counts, for a statement that counts several lists."""
    return _counted(_asked_for(reader, query, SearchQuery(), now=now), reader, query)


def count_newer(reader: Reader, query: ListQuery, *, since: datetime, now: datetime) -> int:
    """How many of them had activity after a moment, at most COUNTED_TO. One statement; none for a search."""
    if query.q:
        return 0
    newer = _asked_for(reader, query, SearchQuery(), now=now).filter(last_activity_at__gt=since)
    return _counted(newer, reader, query).count()


def _counted(cases: CaseQuerySet, reader: Reader, query: ListQuery) -> CaseQuerySet:
    # Along the same indexes as the list itself, and no further than the number that is shown.
    return _walk(cases, _owners_of(reader, query), "activity", after=None, size=COUNTED_TO)[:COUNTED_TO]


def _candidates(search: SearchQuery, reader: Reader) -> Candidates | None:
    """None: no words are looked for."""
    if not search.terms:
        return None
    among = None
    if not reader.views_all:
        seen = Case.objects.filter(merged_into__isnull=True)
        owners = _owners_of(reader, ListQuery(view=ListView.ALL))
        among = _walk(seen, owners, "activity", after=None, size=MOST_CASES_OF_MINE).values("pk")[:MOST_CASES_OF_MINE]
    return find_candidates(search, user=reader.user, among=among)


def _asked_for(reader: Reader, query: ListQuery, search: SearchQuery, *, now: datetime) -> CaseQuerySet:
    """What view, filters and operators of the search say, but for the owners."""
    conditions = [*_view_conditions(query, reader.user, now=now), *filters_of(query, reader.user)]
    operators = ListQuery(tag=search.tags, owner="me" if search.is_mine else "", unread="unread" in search.states)
    conditions += filters_of(operators, reader.user)
    for state in search.states:
        if state in ("open", "closed"):
            conditions.append(Q(closed_at__isnull=state == "open"))
    return Case.objects.filter(*conditions, merged_into__isnull=True)


def _view_conditions(query: ListQuery, user: Any, *, now: datetime) -> list[Q]:
    is_open = Q(closed_at__isnull=True)
    match query.view:
        case ListView.ALL:
            return []
        case ListView.CLOSED:
            return [Q(closed_at__isnull=False)]
        case ListView.SNOOZED:
            return [is_open, is_snoozed(now)]
        case ListView.MENTIONS:
            return [Q(pk__in=mentioned_in(user))]
        case ListView.DRAFTS:
            return [Q(pk__in=Draft.objects.filter(author=user, case__isnull=False).order_by().values("case"))]
        case ListView.APPROVAL:
            waiting = Approval.objects.filter(state=Approval.State.WAITING)
            return [Q(pk__in=waiting.order_by().values("case"))]
        case ListView.UNREAD:
            return [is_open, is_not_snoozed(now), unread_by(user)]
        case ListView.AWAITING:
            return [is_open, is_not_snoozed(now), Q(awaiting=Case.Awaiting.US)]
    return [is_open, is_not_snoozed(now)]


def _owners_of(reader: Reader, query: ListQuery) -> list[Q] | None:
    """What of the cases this list may hold, one condition for each owner; None: whoever owns them."""
    mine, ours = Q(owner_user=reader.user), [Q(owner_queue=key) for key in reader.queues]
    if query.queue is not None:
        return [Q(owner_queue=query.queue)] if reader.views_all or query.queue in reader.queues else []
    match query.view:
        case ListView.MINE:
            return [mine]
        case ListView.QUEUES:
            return ours
        case ListView.UNASSIGNED:
            return [Q(owner_queue__isnull=False)] if reader.views_all else ours
    return None if reader.views_all else [mine, *ours, Q(pk__in=mentioned_in(reader.user))]


def _any(owners: Iterable[Q] | None) -> Q:
    """Of no owner: nothing."""
    if owners is None:
        return Q()
    either = Q(pk__in=())
    for owner in owners:
        either |= owner
    return either


def _walk(cases: CaseQuerySet, owners: list[Q] | None, sort: str, *, after: Any, size: int) -> CaseQuerySet:
    """Of every owner the first `size` cases: each part is a short walk along an index, however many there are."""
    if owners is None or len(owners) == 1 or len(owners) > SEPARATE_READS:
        return sorted_by(cases.filter(_any(owners)), sort, after=after)
    if not owners:
        return cases.none()
    parts = (sorted_by(cases.filter(owner), sort, after=after).values("pk")[:size] for owner in owners)
    return sorted_by(Case.objects.filter(_any(Q(pk__in=part) for part in parts)), sort)


def _with_direct(chosen: CaseQuerySet, key: int, reader: Reader, sort: str, *, size: int) -> CaseQuerySet:
    """The case whose number was typed comes along, wherever the order would place it, if it is theirs to see."""
    seen = Q(pk=key, merged_into__isnull=True) & _any(_owners_of(reader, ListQuery(view=ListView.ALL)))
    return sorted_by(Case.objects.filter(seen | Q(pk__in=chosen.values("pk")[:size])), sort)
