"""Colleagues: who can be given a case, who can be told about one."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from routing.models import QueueMember

MOST_OFFERED = 8


def reps() -> QuerySet[User]:
    """Active users who may work on cases: directly, by a group, or as superusers (as ModelBackend)."""
    return _holders(["reply_case"])


def approvers() -> QuerySet[User]:
    """Active users who may approve mail of others, in the cases that they may see."""
    return _holders(["approve_reply"])


def colleagues() -> QuerySet[User]:
    """Active users who have to do with cases at all, whom a note may mention."""
    in_a_queue = Exists(QueueMember.objects.filter(user=OuterRef("pk")))
    return _holders(["reply_case", "view_all_cases"], or_else=Q(in_a_queue))


def _holders(codenames: list[str], *, or_else: Q | None = None) -> QuerySet[User]:
    direct = User.user_permissions.through.objects.filter(
        user=OuterRef("pk"), permission__content_type__app_label="cases", permission__codename__in=codenames
    )
    by_group = User.groups.through.objects.filter(
        user=OuterRef("pk"),
        group__permissions__content_type__app_label="cases",
        group__permissions__codename__in=codenames,
    )
    holds = Q(is_superuser=True) | Q(Exists(direct)) | Q(Exists(by_group))
    return User.objects.filter(holds | or_else if or_else is not None else holds, is_active=True)


def named_like(people: QuerySet[User], text: str, *, size: int = MOST_OFFERED) -> list[User]:
    """Those whose user name, first or last name begins with the text, by name. Nothing typed: the first of all."""
    text = text.strip()[:60]
    if text:
        people = people.filter(
            Q(username__istartswith=text) | Q(first_name__istartswith=text) | Q(last_name__istartswith=text)
        )
    return list(people.order_by("first_name", "last_name", "username")[:size])
