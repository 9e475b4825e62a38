"""The names behind the keys of a ListQuery, for titles, chips and the choices of the filter form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, NullIf, Trim

from cases.list_query import ListQuery
from cases.models import Case, CaseStatus, SavedView, Tag
from cases.selectors.lists import Reader
from routing.models import Queue, QueueMember, RecordType, RoutingAddress

MOST_CHOICES = 200  # of one filter in the form
MOST_VIEWS = 50  # in the left pane
Row = tuple[str, int, str]  # kind, key, name


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filter form offers: (key, name) of each kind."""

    status: list[tuple[int, str]]
    type: list[tuple[int, str]]
    address: list[tuple[int, str]]
    user: list[tuple[int, str]]
    queue: list[tuple[int, str]]
    tag: list[tuple[int, str]]


def names_in(query: ListQuery, reader: Reader) -> dict[tuple[str, int], str]:
    """The names that this list has to say, by kind and key; none of what is not for this reader. One statement, or
    none.
    """
    wanted: dict[str, tuple[int, ...]] = {
        "status": query.status,
        "type": query.type,
        "address": query.address,
        "queue": (query.queue,) if query.queue is not None else (),
    }
    kind, _colon, key = query.owner.partition(":")
    if key:
        wanted[kind] = (*wanted.get(kind, ()), int(key))
    asked = [_named(kind, Q(pk__in=keys) & _known_to(reader, kind)) for kind, keys in wanted.items() if keys]
    if not asked:
        return {}
    rows = asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0]
    return {(kind, key): name for kind, key, name in rows}


def choices_for(reader: Reader) -> Choices:
    """Everything a filter can be set to that the reader may know of. One statement for each kind."""
    return Choices(
        status=_pairs("status", Q(), by="position"),
        type=_pairs("type", Q()),
        address=_pairs("address", Q(deleted_at__isnull=True) & _known_to(reader, "address")),
        user=_pairs("user", Q(is_active=True) & _known_to(reader, "user")),
        queue=_pairs("queue", _known_to(reader, "queue")),
        tag=_pairs("tag", Q()),
    )


def owners_who_left(reader: Reader) -> list[tuple[int, str]]:
    """(key, name) of who is not active and still owns open cases, for whoever sees every case. One statement."""
    if not reader.views_all:
        return []
    owns = Exists(Case.objects.filter(owner_user=OuterRef("pk"), closed_at__isnull=True))
    return _pairs("user", Q(owns, is_active=False))


def _known_to(reader: Reader, kind: str) -> Q:
    """Who sees a part of the cases knows their own queues, who works in them, and the addresses that fill them."""
    if reader.views_all or kind in ("status", "type", "tag"):
        return Q()
    match kind:
        case "queue":
            return Q(pk__in=reader.queues)
        case "address":
            return Q(owner_queue__in=reader.queues)
        case _:
            colleagues = QueueMember.objects.filter(queue__in=reader.queues).order_by().values("user")
            return Q(pk=reader.user.pk) | Q(pk__in=colleagues)


def find_saved_view(user: Any, key: int) -> SavedView | None:
    """A view of the user's own, or one that its owner shares."""
    return SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), pk=key).first()


def saved_views_of(user: Any) -> list[SavedView]:
    """The user's own and those that others share, by name."""
    return list(SavedView.objects.filter(Q(owner=user) | Q(is_shared=True)).order_by("name", "pk")[:MOST_VIEWS])


_MODELS: dict[str, tuple[Any, str]] = {
    "status": (CaseStatus, "label"),
    "type": (RecordType, "name"),
    "address": (RoutingAddress, "routing_name"),
    "queue": (Queue, "name"),
    "tag": (Tag, "name"),
}


def _named(kind: str, condition: Q) -> QuerySet[Any, Row]:
    if kind == "user":
        full = NullIf(Trim(Concat(F("first_name"), Value(" "), F("last_name"))), Value(""))
        rows = get_user_model().objects.annotate(called=Coalesce(full, F("username")))
    else:
        model, field = _MODELS[kind]
        rows = model.objects.annotate(called=F(field))
    # Plain text of one type, so that the databases can put the kinds under each other.
    return (
        rows.filter(condition)
        .order_by()
        .values_list(Value(kind, CharField()), "pk", Cast("called", CharField(max_length=300)))
    )


def _pairs(kind: str, condition: Q, *, by: str = "called") -> list[tuple[int, str]]:
    return [(key, name) for _kind, key, name in _named(kind, condition).order_by(by, "pk")[:MOST_CHOICES]]
