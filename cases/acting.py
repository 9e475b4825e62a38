"""May this person change this case? One answer for pages, use cases and bulk actions, and the lock they work under.

Who may answer a case may act on it: permission `cases.reply_case`, and the case must be visible. Writing a note needs
only that the case is visible.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, Value
from django.utils.translation import gettext as _

from cases.models import Case
from cases.selectors.visible import grants_of, visible_cases

__all__ = ["CannotChange", "ChangedMeanwhile", "NotAllowed", "case_to_change", "lock_two", "seen_is_current"]


class NotAllowed(PermissionError):
    """The person may not do this; the message says why. A case that they may not see is said not to exist."""


class CannotChange(ValueError):
    """It cannot be done as asked; the message says why. `field` names the control it is about, "" for none."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ChangedMeanwhile(CannotChange):
    """Somebody else changed the same thing since the person looked: nothing was overwritten."""


def case_to_change(case: Case, *, by: Any | None, merged_too: bool = False) -> Case:
    """The case as it is now, locked until the caller's transaction ends.

    `by` None is the system, which may. Raises NotAllowed, and CannotChange for a case that was merged into another
    one: what is done there would be lost from sight.
    """
    # Locked by its key alone: a query with joins that waited for a lock compares the row as it is now with the joined
    # rows as they were, and finds nothing when the other transaction changed, say, the status.
    found = Case.objects.filter(pk=case.pk).defer("description").select_for_update().first()
    if found is None:
        raise NotAllowed(_("There is no such case."))
    if by is not None:
        _check_may_act(found, by)
    if found.merged_into is not None and not merged_too:
        raise CannotChange(
            _("This case was joined to %(number)s. Work on that one.") % {"number": found.merged_into.number_text}
        )
    return found


def _check_may_act(case: Case, by: Any) -> None:
    may_act = Value(True) if by.is_superuser else Exists(grants_of(by, "reply_case"))
    answer = visible_cases(by).filter(pk=case.pk).annotate(may_act=may_act).values_list("may_act", flat=True).first()
    if answer is None:
        raise NotAllowed(_("There is no such case."))
    if not answer:
        raise NotAllowed(_("You can read this case, but you do not have the permission to work on cases."))


def lock_two(first: Case, second: Case, *, by: Any | None) -> tuple[Case, Case]:
    """Both as they are now, locked in the order of their keys. Raises as case_to_change does, for either."""
    locked = {case.pk: case_to_change(case, by=by) for case in sorted((first, second), key=lambda case: case.pk)}
    return locked[first.pk], locked[second.pk]


def seen_is_current(seen: str | None, current: object, *, words: str) -> None:
    """Compare what the person saw with what is true. `seen` None: they did not look, so it is not asked.

    Raises ChangedMeanwhile; `words` say what is true now.
    """
    if seen is not None and seen != str(current):
        raise ChangedMeanwhile(words)
