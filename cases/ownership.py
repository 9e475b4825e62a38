"""Who works on a case: take it, give it to a colleague, give it to a queue. cases.assignment writes it.

A change that a colleague made in between is told, not overwritten: the caller says on which `routing_version` it
decided.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from cases.acting import CannotChange, ChangedMeanwhile, case_to_change
from cases.assignment import CaseChangedMeanwhile, assign
from cases.models import Case, CaseEvent, RoutingDecision
from cases.selectors.people import reps
from routing.models import Queue
from routing.owners import OwnerChoice

__all__ = ["assign_to_queue", "assign_to_user", "take_case"]


def take_case(*, case: Case, by: User, expected_version: int | None = None) -> CaseEvent | None:
    return _assign(case, OwnerChoice(by, None, "took the case"), by=by, expected_version=expected_version)


def assign_to_user(
    *, case: Case, user: User, by: User, expected_version: int | None = None, because: str = ""
) -> CaseEvent | None:
    """Give it to somebody who may work on cases; owning it, they see it."""
    if user == by:
        return take_case(case=case, by=by, expected_version=expected_version)
    if not reps().filter(pk=user.pk).exists():
        words = _("%(user)s may not work on cases.") % {"user": user.get_full_name() or user.get_username()}
        raise CannotChange(words, field="owner")
    because = " ".join(because.split()) or f"given by {by}"
    return _assign(case, OwnerChoice(user, None, because), by=by, expected_version=expected_version)


def assign_to_queue(
    *, case: Case, queue: Queue, by: User, expected_version: int | None = None, because: str = ""
) -> CaseEvent | None:
    because = " ".join(because.split()) or f"given by {by}"
    return _assign(case, OwnerChoice(None, queue, because), by=by, expected_version=expected_version)


@transaction.atomic
def _assign(case: Case, owner: OwnerChoice, *, by: User, expected_version: int | None) -> CaseEvent | None:
    """The event; None when that is the owner already. `expected_version` None: whoever owns it now."""
    case = case_to_change(case, by=by)
    if (case.owner_user_id, case.owner_queue_id) == (
        owner.user.pk if owner.user else None,
        owner.queue.pk if owner.queue else None,
    ):
        return None
    if expected_version is not None and expected_version != case.routing_version:
        raise ChangedMeanwhile(
            _("Meanwhile the case went to %(owner)s.") % {"owner": _name_of_owner(case)}, field="owner"
        )
    try:
        return assign(
            case=case,
            owner=owner,
            kind=RoutingDecision.Kind.MANUAL,
            expected_version=case.routing_version,
            decided_by=by,
        )
    except CaseChangedMeanwhile as error:  # the system assigned it in between (SQLite locks no rows)
        raise ChangedMeanwhile(_("Meanwhile the case got another owner."), field="owner") from error


def _name_of_owner(case: Case) -> str:
    if case.owner_user is not None:
        return case.owner_user.get_full_name() or case.owner_user.get_username()
    return str(case.owner_queue)
