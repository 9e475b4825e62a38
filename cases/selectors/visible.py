"""Which cases a user may know of. It stands before every page, search, count, export and attachment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import Exists, OuterRef, Q, QuerySet

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


def who_may_see(users: Iterable[int], cases: Iterable[Case]) -> set[tuple[int, int]]:
    """The (user, case) keys for which visible_cases says yes, for many of both at once. Three statements."""
    asked, by_key = set(users), {case.pk: case for case in cases}
    sees_all = Exists(grants_of(OuterRef("pk"), "view_all_cases"))
    known = User.objects.filter(pk__in=asked, is_active=True).annotate(sees_all=sees_all)
    all_of_them = {key: is_root or sees for key, is_root, sees in known.values_list("pk", "is_superuser", "sees_all")}
    queues = {case.owner_queue_id for case in by_key.values()} - {None}
    memberships = set(QueueMember.objects.filter(user__in=all_of_them, queue__in=queues).values_list("user", "queue"))
    mentions = set(Mention.objects.filter(user__in=all_of_them, case__in=by_key).values_list("user", "case"))
    return {
        (user, key)
        for user, sees in all_of_them.items()
        for key, case in by_key.items()
        if sees or case.owner_user_id == user or (user, case.owner_queue_id) in memberships or (user, key) in mentions
    }


def mentioned_in(user: Any) -> QuerySet[Mention, int]:
    """Keys of the cases in which a note mentions the user."""
    return Mention.objects.filter(user=user).order_by().values_list("case", flat=True)
