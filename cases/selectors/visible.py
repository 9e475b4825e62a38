"""Which cases a user may know of. It stands before every page, search, count, export and attachment."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Exists, Q, QuerySet

from cases.models import (
    Case,
    CaseQuerySet,
    Mention,
)
from routing.models import QueueMember


def grants_of(user: Any, codename: str) -> QuerySet[Permission]:
    """The permission row if the user holds this permission of cases, directly or by a group (as ModelBackend)."""
    return Permission.objects.filter(
        Q(user=user) | Q(group__user=user), content_type__app_label="cases", codename=codename
    )


def may_view_all_cases(user: Any) -> bool:
    """At most one statement; the answer of user.has_perm("cases.view_all_cases")."""
    if not user.is_active or isinstance(user, AnonymousUser):
        return False
    return user.is_superuser or grants_of(user, "view_all_cases").exists()


def visible_cases(user: Any) -> CaseQuerySet:
    """The cases a user may know of: owned by them, by a queue of theirs, where a note mentions them, or all with
    cases.view_all_cases.

    Inactive and anonymous users see none. One statement, whatever is asked of it.
    """
    cases = Case.objects.all()
    if not user.is_active or isinstance(user, AnonymousUser):
        return cases.none()
    if user.is_superuser:
        return cases
    queues = QueueMember.objects.filter(user=user).values("queue")
    return cases.filter(
        Q(owner_user=user)
        | Q(owner_queue__in=queues)
        | Q(pk__in=mentioned_in(user))
        | Exists(grants_of(user, "view_all_cases"))
    )


def mentioned_in(user: Any) -> QuerySet[Mention, int]:
    """Keys of the cases in which a note mentions the user."""
    return Mention.objects.filter(user=user).order_by().values_list("case", flat=True)
