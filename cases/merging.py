"""Two cases become one. The merged case stays as a signpost: mail to it lands in the other one.

Cases are locked in the order of their keys, so that two people who merge at once wait for each other and do not block
each other for ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.acting import CannotChange, case_to_change, lock_two
from cases.lifecycle import closed_status, default_status
from cases.models import (
    Approval,
    Case,
    CaseComment,
    CaseEvent,
    CaseLink,
    CaseTask,
    Draft,
    EmailMessage,
    Mention,
    Outbox,
    Participant,
)

__all__ = ["CannotMerge", "dismiss_possible_case", "end_of_merges", "join_possible_case", "merge_case", "unmerge_case"]

LONGEST_CHAIN = 20


class CannotMerge(CannotChange):
    """The cases cannot become one, or two again; the message says why."""


def end_of_merges(case: Case) -> Case:
    """The case that mail to this one lands in."""
    seen = {case.pk}
    while case.merged_into is not None:
        case = case.merged_into
        if case.pk in seen or len(seen) > LONGEST_CHAIN:
            raise CannotMerge(_("The cases are merged into each other; split one of them first."))
        seen.add(case.pk)
    return case


@transaction.atomic
def merge_case(*, case: Case, into: Case, by: Any | None, now: datetime | None = None) -> Case:
    """Move everything on `case` to `into` (or to where that one was merged), leave a signpost, return the target."""
    now = now or timezone.now()
    target = end_of_merges(Case.objects.get(pk=into.pk))
    if target.pk == case.pk:
        same = into.pk == case.pk
        raise CannotMerge(
            _("A case cannot be merged into itself.") if same else _("That case was joined to this one already.")
        )
    case, target = lock_two(case, target, by=by)
    _merge(case, target, by=by, now=now)
    return target


@transaction.atomic
def join_possible_case(*, case: Case, by: Any | None) -> Case:
    """A person says: this case is part of the one it possibly belongs to. Its mails move there; it stays as merged."""
    case = Case.objects.get(pk=case.pk)
    if case.merged_into_id is not None:
        raise CannotMerge(_("Case %(number)s was joined already.") % {"number": case.number_text})
    if case.possibly_belongs_to is None:
        raise CannotMerge(_("Case %(number)s does not possibly belong to another one.") % {"number": case.number_text})
    target = end_of_merges(case.possibly_belongs_to)
    if target.pk == case.pk:
        raise CannotMerge(_("The cases are merged into each other; split one of them first."))
    case, target = lock_two(case, target, by=by)
    # The sender could not prove it: a person answers for these mails being here.
    EmailMessage.objects.filter(case=case).update(thread_basis=EmailMessage.ThreadBasis.MANUAL, approved_by=by)
    _merge(case, target, by=by, now=timezone.now())
    return target


@transaction.atomic
def dismiss_possible_case(*, case: Case, by: Any | None) -> None:
    """A person says: this case has nothing to do with the other one."""
    case = case_to_change(case, by=by)
    other = case.possibly_belongs_to
    if other is None:
        return
    Case.objects.filter(pk=case.pk).update(possibly_belongs_to=None)
    CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.JOINED,
        actor=by,
        because=f"kept apart from case {other.number_text}",
        detail={"kept_apart": other.pk},
    )


def _merge(case: Case, target: Case, *, by: Any | None, now: datetime) -> None:
    moved = _move_rows(case, target)
    _reopen_if_needed(case, target, by=by)
    status = closed_status() or case.status
    Case.objects.filter(pk=case.pk).update(
        merged_into=target,
        possibly_belongs_to=None,
        status=status,
        closed_at=case.closed_at or now,
        snoozed_until=None,
        last_activity_at=now,
    )
    awaits_us = Case.Awaiting.US in (case.awaiting if not case.is_closed else "", target.awaiting)
    Case.objects.filter(pk=target.pk).update(
        last_activity_at=now,
        last_inbound_at=max(filter(None, (case.last_inbound_at, target.last_inbound_at)), default=None),
        awaiting=Case.Awaiting.US if awaits_us else Case.Awaiting.CUSTOMER,
        snoozed_until=None if case.awaiting == Case.Awaiting.US else target.snoozed_until,
        possibly_belongs_to=None if target.possibly_belongs_to_id == case.pk else target.possibly_belongs_to_id,
    )
    CaseEvent.objects.bulk_create(
        [
            CaseEvent(
                case=case,
                kind=CaseEvent.Kind.MERGED,
                actor=by,
                because=f"joined to case {target.number_text}",
                detail=moved | {"into": target.pk},
            ),
            CaseEvent(case=target, kind=CaseEvent.Kind.JOINED, actor=by, because=f"case {case.number_text} joined"),
        ]
    )


def _move_rows(case: Case, target: Case) -> dict[str, list[int]]:
    """Returns the keys of what a later split gives back."""
    moved = {
        name: list(model.objects.filter(case=case).order_by("pk").values_list("pk", flat=True))
        for name, model in (("messages", EmailMessage), ("comments", CaseComment), ("tasks", CaseTask))
    }
    EmailMessage.objects.filter(case=case).update(case=target)
    # Notices stay: they told of this case.
    # A mail that was to close this case closes no other one.
    Outbox.objects.filter(case=case, email_message__isnull=False).update(case=target, closes_case=False)
    for model in (Approval, CaseComment, Mention, CaseTask, Draft):
        model.objects.filter(case=case).update(case=target)
    Case.objects.filter(possibly_belongs_to=case).exclude(pk=target.pk).update(possibly_belongs_to=target)
    known = set(target.participants.values_list("address", flat=True))
    Participant.objects.bulk_create(
        Participant(case=target, address=row.address, name=row.name, role=row.role)
        for row in case.participants.all()
        if row.address not in known
    )
    target.tags.add(*case.tags.all())
    _move_links(case, target)
    return moved


def _move_links(case: Case, target: Case) -> None:
    for link in [*case.links_as_first.all(), *case.links_as_second.all()]:
        other = link.second_id if link.first_id == case.pk else link.first_id
        link.delete()
        if other != target.pk:
            CaseLink.objects.get_or_create(first_id=min(other, target.pk), second_id=max(other, target.pk))


def _reopen_if_needed(case: Case, target: Case, *, by: Any | None) -> None:
    """Open work must not end in a closed case."""
    if case.is_closed or not target.is_closed:
        return
    Case.objects.filter(pk=target.pk).update(status=default_status(), closed_at=None)
    CaseEvent.objects.create(
        case=target, kind=CaseEvent.Kind.CASE_REOPENED, actor=by, because=f"open case {case.number_text} joined"
    )


@transaction.atomic
def unmerge_case(*, case: Case, by: Any | None, now: datetime | None = None) -> Case:
    """Undo a merge: the mails, notes and tasks that came from this case go back to it, and it is open again.

    What came in since stays where it is. Returns the case that gave them back.
    """
    now = now or timezone.now()
    case = Case.objects.get(pk=case.pk)
    if case.merged_into is None:
        raise CannotMerge(_("This case is not merged into another one."))
    target = case.merged_into
    first, second = sorted((case, target), key=lambda each: each.pk)
    locked = {each.pk: case_to_change(each, by=by, merged_too=True) for each in (first, second)}
    case, target = locked[case.pk], locked[target.pk]
    merged = case.events.filter(kind=CaseEvent.Kind.MERGED).order_by("-pk").first()
    if case.merged_into_id != target.pk or merged is None:
        raise CannotMerge(_("Somebody split or merged the case meanwhile."))
    for name, model in (("messages", EmailMessage), ("comments", CaseComment), ("tasks", CaseTask)):
        model.objects.filter(pk__in=merged.detail.get(name, []), case=target).update(case=case)
    Outbox.objects.filter(email_message__case=case).update(case=case)
    Approval.objects.filter(outbox__email_message__case=case).update(case=case)
    Mention.objects.filter(comment__case=case).update(case=case)
    Draft.objects.filter(case=target, answers__case=case).update(case=case)
    Case.objects.filter(pk=case.pk).update(
        merged_into=None, status=default_status(), closed_at=None, last_activity_at=now
    )
    CaseEvent.objects.bulk_create(
        [
            CaseEvent(
                case=case, kind=CaseEvent.Kind.CASE_REOPENED, actor=by, because=f"split from case {target.number_text}"
            ),
            CaseEvent(
                case=target,
                kind=CaseEvent.Kind.MAIL_MOVED,
                actor=by,
                because=f"back to case {case.number_text}, which is on its own again",
            ),
        ]
    )
    return target
