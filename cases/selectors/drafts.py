"""Drafts of one author. They are shown to nobody else, superusers included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from cases.models import Case, Draft
from cases.selectors.visible import visible_cases

COUNTED_TO = 100
DRAFTS_PER_PAGE = 100


def own_drafts(user: Any) -> QuerySet[Draft]:
    """The drafts that this user wrote, of new mail or on cases that he or she may still see."""
    if not user.is_active or isinstance(user, AnonymousUser):
        return Draft.objects.none()
    return Draft.objects.filter(Q(case__isnull=True) | Q(case__in=visible_cases(user)), author=user)


def list_drafts(user: Any) -> Sequence[Draft]:
    """For the view "Drafts": the newest ones. One statement."""
    from_start = own_drafts(user).select_related("case", "send_from").defer("html", "case__description")
    return list(from_start.order_by("-updated_at", "-pk")[:DRAFTS_PER_PAGE])


def count_drafts(user: Any) -> int:
    """At most COUNTED_TO."""
    return own_drafts(user).order_by()[:COUNTED_TO].count()


def drafts_on(user: Any, case: Case) -> list[Draft]:
    """For the page of a case that the user may see: what he or she left half written there, newest first."""
    drafts = Draft.objects.filter(author=user, case=case).defer("html", "text")
    return list(drafts.order_by("-updated_at", "-pk")[:10])
