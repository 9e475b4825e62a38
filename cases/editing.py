"""What a rep changes of a case itself: status, priority, type, subject. Each change is a line of its history.

Every function locks the case, asks whether the person may, and returns the event, or None when it was so already.
`seen` is what the person had on the page: when it is not true any more, ChangedMeanwhile says what is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change, seen_is_current
from cases.lifecycle import closed_status, default_status, set_status
from cases.mail_html.text import clean_text
from cases.models import Case, CaseEvent, CaseStatus, Draft
from routing.choices import Priority
from routing.models import RecordType

__all__ = [
    "PendingDraft",
    "change_priority",
    "change_record_type",
    "change_status",
    "change_subject",
    "close_case",
    "reopen_case",
]


class PendingDraft(CannotChange):
    """The person has an unsent answer on the case: keep or discard it?"""


@transaction.atomic
def change_status(
    *, case: Case, status: CaseStatus, by: Any, seen: str | None = None, now: datetime | None = None
) -> CaseEvent | None:
    case = case_to_change(case, by=by)
    if case.status_id == status.pk:
        return None
    seen_is_current(
        seen, case.status_id, words=_("Somebody set the status to %(status)s meanwhile.") % {"status": case.status}
    )
    return set_status(case=case, status=status, by=by, now=now)


@transaction.atomic
def close_case(
    *, case: Case, by: Any, keep_draft: bool | None = None, seen: str | None = None, now: datetime | None = None
) -> CaseEvent | None:
    """Close it with the first closed status. Raises PendingDraft when the person has an unsent answer there and did
    not say (`keep_draft`) what shall become of it. Drafts of others stay as they are.
    """
    status = closed_status()
    if status is None:
        raise CannotChange(_("No status closes a case. An administrator can add one."))
    locked = case_to_change(case, by=by)
    drafts = Draft.objects.filter(case=locked, author=by) if by is not None else Draft.objects.none()
    if keep_draft is None and drafts.exists():
        raise PendingDraft(_("You have an unsent answer on this case."))
    if keep_draft is False:
        drafts.delete()
    return change_status(case=locked, status=status, by=by, seen=seen, now=now)


@transaction.atomic
def reopen_case(*, case: Case, by: Any, now: datetime | None = None) -> CaseEvent | None:
    locked = case_to_change(case, by=by)
    if not locked.is_closed:
        return None
    Case.objects.filter(pk=locked.pk).update(reopened_count=F("reopened_count") + 1)
    return change_status(case=locked, status=default_status(), by=by, now=now)


@transaction.atomic
def change_priority(*, case: Case, priority: str, by: Any, seen: str | None = None) -> CaseEvent | None:
    if priority not in Priority.values:
        raise CannotChange(_("There is no such priority."), field="priority")
    case = case_to_change(case, by=by)
    if case.priority == priority:
        return None
    was = Priority(case.priority).label if case.priority in Priority.values else case.priority
    words = _("Somebody set the priority to %(priority)s meanwhile.") % {"priority": was}
    seen_is_current(seen, case.priority, words=words)
    return _change(
        case, "priority", priority, CaseEvent.Kind.PRIORITY_CHANGED, by, f"{was} → {Priority(priority).label}"
    )


@transaction.atomic
def change_record_type(*, case: Case, record_type: RecordType, by: Any, seen: str | None = None) -> CaseEvent | None:
    case = case_to_change(case, by=by)
    if case.record_type_id == record_type.pk:
        return None
    was = case.record_type.name
    seen_is_current(seen, case.record_type_id, words=_("Somebody set the type to %(name)s meanwhile.") % {"name": was})
    return _change(
        case, "record_type_id", record_type.pk, CaseEvent.Kind.TYPE_CHANGED, by, f"{was} → {record_type.name}"
    )


@transaction.atomic
def change_subject(*, case: Case, subject: str, by: Any, seen: str | None = None) -> CaseEvent | None:
    """The subject of the case, and with it that of answers; mails keep their own."""
    subject = " ".join(clean_text(subject).split())[:500]
    if not subject:
        raise CannotChange(_("A case needs a subject."), field="subject")
    case = case_to_change(case, by=by)
    if case.subject == subject:
        return None
    words = _("Somebody changed the subject to “%(subject)s” meanwhile.") % {"subject": case.subject}
    seen_is_current(seen, case.subject, words=words)
    return _change(case, "subject", subject, CaseEvent.Kind.SUBJECT_CHANGED, by, subject)


def _change(case: Case, name: str, value: Any, kind: CaseEvent.Kind, by: Any, because: str) -> CaseEvent:
    detail = {"was": getattr(case, name), "now": value}
    Case.objects.filter(pk=case.pk).update(**{name: value})
    return CaseEvent.objects.create(case=case, kind=kind, actor=by, because=because[:500], detail=detail)
