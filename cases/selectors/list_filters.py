"""What the filters of a list of cases mean, as conditions."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.list_query import ListQuery
from cases.models import Attachment, Case, CaseVisit, Tag


def unread_by(user: Any) -> Q:
    """The customer wrote after the user last looked, or the user never looked."""
    seen = CaseVisit.objects.filter(user=user, case=OuterRef("pk"), seen_at__gte=OuterRef("last_inbound_at"))
    return Q(last_inbound_at__isnull=False) & ~Q(Exists(seen))


def is_snoozed(now: datetime) -> Q:
    return Q(snoozed_until__gt=now)


def is_not_snoozed(now: datetime) -> Q:
    return Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)


def filters_of(query: ListQuery, user: Any) -> list[Q]:
    """Each has to hold. Who may see a case is not said here."""
    conditions: list[Q] = []
    for name, lookup in (
        ("status", "status__in"),
        ("priority", "priority__in"),
        ("type", "record_type__in"),
        ("address", "routing_address__in"),
        ("awaiting", "awaiting"),
    ):
        if value := getattr(query, name):
            conditions.append(Q(**{lookup: value}))
    if query.owner:
        conditions.append(_owned_by(query.owner, user))
    conditions += [Q(pk__in=_tagged(name)) for name in query.tag]
    conditions += _between("created_at", query.opened_from, query.opened_to)
    conditions += _between("last_activity_at", query.active_from, query.active_to)
    if query.files:
        files = Attachment.objects.filter(email_message__case=OuterRef("pk"), inline=False)
        conditions.append(Q(Exists(files)))
    if query.domain:
        conditions.append(Q(supplied_domain=query.domain))
    if query.unread:
        conditions.append(unread_by(user))
    return conditions


def _owned_by(word: str, user: Any) -> Q:
    kind, _colon, key = word.partition(":")
    if kind == "me":
        return Q(owner_user=user)
    return Q(owner_user=int(key)) if kind == "user" else Q(owner_queue=int(key))


def _tagged(name: str) -> QuerySet[Any, Any]:
    return Case.tags.through.objects.filter(tag__in=Tag.objects.filter(name__iexact=name)).values("case")


def _between(field: str, first: date | None, last: date | None) -> list[Q]:
    """Days of the zone that is shown, the last one included."""
    conditions = []
    if first is not None:
        conditions.append(Q(**{f"{field}__gte": _start_of(first)}))
    if last is not None:
        conditions.append(Q(**{f"{field}__lt": _start_of(last + timedelta(days=1))}))
    return conditions


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
