"""Mail that waits for approval, and who may give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from cases.models import Approval, Case
from cases.selectors.visible import grants_of, visible_cases

COUNTED_TO = 100
APPROVALS_PER_PAGE = 100


def is_approver(user: Any) -> bool:
    """Whether this user holds `cases.approve_reply`, as the database says now. At most two statements."""
    if isinstance(user, AnonymousUser):
        return False
    stored = get_user_model().objects.filter(pk=user.pk, is_active=True).first()
    return stored is not None and (stored.is_superuser or grants_of(stored, "approve_reply").exists())


def may_approve(user: Any, approval: Approval) -> str:
    """Why this user may not decide on it; "" for one who may. One's own mail is never one's own to approve."""
    if approval.requested_by_id == user.pk:
        return _("Somebody else has to approve your mail.")
    if not is_approver(user):
        return _("You do not have the permission to approve mail.")
    if not visible_cases(user).filter(pk=approval.case_id).exists():
        return _("You may not see this case.")
    return ""


def waiting_for(user: Any) -> QuerySet[Approval]:
    """What this user could decide on; nothing for somebody who is no approver."""
    if not is_approver(user):
        return Approval.objects.none()
    waiting = Approval.objects.filter(state=Approval.State.WAITING, case__in=visible_cases(user))
    return waiting.filter(Q(requested_by__isnull=True) | ~Q(requested_by=user.pk))


def list_waiting(user: Any) -> Sequence[Approval]:
    """For the view "Awaiting approval", the oldest first. At most three statements."""
    rows = waiting_for(user).select_related("case", "requested_by", "outbox__email_message", "outbox__from_address")
    texts = ("case__description", "outbox__text_body", "outbox__email_message__text_body")
    bodies = ("outbox__email_message__html_body", "outbox__email_message__reply_text")
    return list(rows.defer(*texts, *bodies).order_by("pk")[:APPROVALS_PER_PAGE])


def count_waiting(user: Any) -> int:
    """At most COUNTED_TO."""
    return waiting_for(user).order_by()[:COUNTED_TO].count()


def waiting_on(case: Case) -> dict[int, Approval]:
    """The open requests of one case by the key of their mail."""
    rows = Approval.objects.filter(case=case, state=Approval.State.WAITING).select_related("outbox", "requested_by")
    return {each.outbox.email_message_id: each for each in rows if each.outbox.email_message_id is not None}


def history_of(case: Case) -> Sequence[Approval]:
    """Every request of a case that was decided, oldest first."""
    decided = Approval.objects.filter(case=case).exclude(state=Approval.State.WAITING)
    return list(decided.select_related("requested_by", "decided_by", "outbox").order_by("pk")[:APPROVALS_PER_PAGE])
