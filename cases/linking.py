"""Cases that have to do with each other and stay two."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cases.acting import CannotChange, lock_two
from cases.models import Case, CaseEvent, CaseLink

__all__ = ["link_cases", "unlink_cases"]


@transaction.atomic
def link_cases(*, case: Case, other: Case, by: Any) -> CaseEvent | None:
    """The event on `case`; None when they were linked. The person must be allowed to work on both."""
    if case.pk == other.pk:
        raise CannotChange(_("A case cannot be linked to itself."), field="other")
    case, other = lock_two(case, other, by=by)
    _link, is_new = CaseLink.objects.get_or_create(**_pair(case, other), defaults=None)
    return _note(CaseEvent.Kind.LINKED, case, other, by) if is_new else None


@transaction.atomic
def unlink_cases(*, case: Case, other: Case, by: Any) -> CaseEvent | None:
    case, other = lock_two(case, other, by=by)
    removed, _by_model = CaseLink.objects.filter(**_pair(case, other)).delete()
    return _note(CaseEvent.Kind.UNLINKED, case, other, by) if removed else None


def _pair(case: Case, other: Case) -> dict[str, int]:
    return {"first_id": min(case.pk, other.pk), "second_id": max(case.pk, other.pk)}


def _note(kind: CaseEvent.Kind, case: Case, other: Case, by: Any) -> CaseEvent:
    CaseEvent.objects.create(case=other, kind=kind, actor=by, because=case.number_text)
    return CaseEvent.objects.create(
        case=case, kind=kind, actor=by, because=other.number_text, detail={"other": other.pk}
    )
