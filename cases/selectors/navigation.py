"""What the left pane of the console leads to: ready-made views and the queues of a rep, each with its open cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models import Exists, F, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.list_query import ListQuery
from cases.models import Approval, SavedView
from cases.rep_load import cases_that_count
from cases.selectors.drafts import own_drafts
from cases.selectors.list_names import saved_views_of
from cases.selectors.lists import (
    COUNTED_TO,
    BoundedCount,
    ListView,
    MyQueue,
    Reader,
    count_cases,
    counted_rows,
    open_cases,
    queues_of,
    reader_of,
)
from cases.selectors.visible import grants_of, visible_cases
from routing.models import RepPresence


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the pane. `key` is its name in the page ("mine", "queue-3"), `query` what the list is asked for."""

    key: str
    label: str | Promise
    query: str = ""
    count: int | None = None  # at most lists.COUNTED_TO; None: not counted
    page: str = "case_list"  # name of the URL


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading; "" needs none."""

    label: str | Promise
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class OwnPresence:
    """What flows know of one rep, with the same eyes (cases.rep_load)."""

    status: RepPresence.Status
    capacity: int
    load: int  # at most lists.COUNTED_TO

    @property
    def is_full(self) -> bool:
        return self.load >= self.capacity

    @property
    def load_text(self) -> str:
        return str(self.load) if self.load < COUNTED_TO else f"{COUNTED_TO - 1}+"


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What waits for one user; each number at most lists.COUNTED_TO."""

    open_cases: int
    awaiting_us: int  # of all that they may see
    drafts: int
    approvals: int  # of others; means nothing for somebody who is no approver
    may_approve: bool
    presence: OwnPresence | None  # None: takes no part in flows


@dataclass(frozen=True, slots=True)
class Navigation:
    groups: list[Group]
    presence: OwnPresence | None


# Where nobody looks every hour stands further down.
FIRST = (ListView.MINE, ListView.QUEUES, ListView.UNREAD, ListView.AWAITING)
FURTHER = (ListView.MENTIONS, ListView.SNOOZED)
WHOLE = (ListView.OPEN, ListView.CLOSED, ListView.ALL)


def navigation(user: Any) -> Navigation:
    """Five statements, however many views and queues there are."""
    reader = reader_of(user)
    work = own_work(reader)
    queues = queues_of(user)
    counts = {
        ListView.MINE: work.open_cases,
        ListView.QUEUES: min(COUNTED_TO, sum(each.open_count for each in queues)),
        ListView.UNREAD: count_cases(reader, ListQuery(view=ListView.UNREAD), now=timezone.now()),
        ListView.AWAITING: work.awaiting_us,
    }
    unassigned = (ListView.UNASSIGNED,) if reader.views_all else ()
    groups = [
        Group("", _entries((*FIRST, *unassigned), counts)),
        Group(_("Queues"), tuple(_queue_entry(each) for each in queues)),
        Group(_("Saved views"), tuple(_saved_entry(view) for view in saved_views_of(user))),
        Group(_("Follow up"), (*_entries(FURTHER, counts), *_unsent_entries(work))),
        Group(_("Everything"), _entries(WHOLE, counts)),
    ]
    return Navigation([group for group in groups if group.entries], work.presence)


def _unsent_entries(work: OwnWork) -> Iterable[Entry]:
    yield Entry("drafts", _("Drafts"), count=work.drafts, page="drafts")
    if work.may_approve:
        yield Entry("approvals", _("Awaiting approval"), count=work.approvals, page="approvals")


def own_work(reader: Reader) -> OwnWork:
    """One statement."""
    user = reader.user
    approvals = Approval.objects.filter(state=Approval.State.WAITING, case__in=visible_cases(user))
    counted = {
        "open_cases": open_cases().filter(owner_user=user),
        "drafts": own_drafts(user),
        "approvals": approvals.filter(Q(requested_by__isnull=True) | ~Q(requested_by=user.pk)),
        "load": cases_that_count().filter(owner_user=user),
    }
    keys: dict[str, QuerySet[Any, Any]] = {
        name: rows.order_by().values("pk")[:COUNTED_TO] for name, rows in counted.items()
    }
    keys["awaiting"] = counted_rows(reader, ListQuery(view=ListView.AWAITING), now=timezone.now()).values("pk")
    # Fields of a user have some of these names.
    asked: dict[str, Any] = {f"my_{name}": BoundedCount(rows) for name, rows in keys.items()}
    asked["my_grant"] = Exists(grants_of(user, "approve_reply"))
    asked |= {"my_status": F("presence__status"), "my_capacity": F("presence__capacity")}
    row = get_user_model().objects.filter(pk=user.pk).annotate(**asked).values(*asked).get()
    presence = None
    if row["my_status"] is not None:
        presence = OwnPresence(RepPresence.Status(row["my_status"]), row["my_capacity"], row["my_load"])
    return OwnWork(
        open_cases=row["my_open_cases"],
        awaiting_us=row["my_awaiting"],
        drafts=row["my_drafts"],
        approvals=row["my_approvals"],
        may_approve=user.is_superuser or row["my_grant"],
        presence=presence,
    )


def _entries(views: Iterable[ListView], counts: Mapping[ListView, int]) -> tuple[Entry, ...]:
    return tuple(Entry(view.value, view.label, urlencode({"view": view}), counts.get(view)) for view in views)


def _queue_entry(queue: MyQueue) -> Entry:
    query = urlencode({"view": "queues", "queue": queue.key})
    return Entry(f"queue-{queue.key}", queue.name, query, queue.open_count)


def _saved_entry(view: SavedView) -> Entry:
    return Entry(f"saved-{view.pk}", view.name, urlencode({"saved": view.pk}))
