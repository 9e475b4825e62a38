"""Who may send from what, and why. Composer, use case and worker ask here; nobody decides it a second time.

A reply needs three things. The user is active and holds `cases.reply_case`, directly or by a group; a superuser holds
it as every permission. The user may see the case. And the address is one that the user may send from
(routing.permission_sets), where superuser status counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from cases.models import Case, Outbox, SendDecision
from cases.selectors.visible import visible_cases
from routing.models import RoutingAddress
from routing.permission_sets import explain_addresses, may_send_from
from routing.sending_rules import Permission as Answer

__all__ = [
    "DefaultSender",
    "Senders",
    "allowed_senders",
    "default_sender",
    "permission_to_send",
    "record_decision",
    "refusal_of_user",
]

REPLY_CODENAME = "reply_case"


@dataclass(frozen=True, slots=True)
class Senders:
    """Every routing address that is not deleted, each with the reason, in the order of their names."""

    allowed: list[tuple[RoutingAddress, str]]
    refused: list[tuple[RoutingAddress, str]]

    def allows(self, address: RoutingAddress) -> bool:
        return any(each.pk == address.pk for each, _because in self.allowed)


@dataclass(frozen=True, slots=True)
class DefaultSender:
    """The address that a reply starts with. `passed_over` says why a better one is not used; "" when none is."""

    address: RoutingAddress | None
    because: str
    passed_over: str = ""


def permission_to_send(
    user: User | AnonymousUser, address: RoutingAddress, *, case: Case | None = None, at: datetime | None = None
) -> Answer:
    """Whether `user` may send from `address`, on `case` when one is given. At most five queries, never a cached
    answer.
    """
    return refusal_of_user(user, case=case) or may_send_from(user, address, at)


def allowed_senders(user: User | AnonymousUser, case: Case | None = None, *, at: datetime | None = None) -> Senders:
    """Every address with the answer of `permission_to_send`. At most six queries for any number of addresses."""
    answers = explain_addresses(user, at)
    if refusal := refusal_of_user(user, case=case):
        return Senders([], [(address, refusal.because) for address, _answer in answers])
    return Senders(
        [(address, answer.because) for address, answer in answers if answer.allowed],
        [(address, answer.because) for address, answer in answers if not answer.allowed],
    )


def refusal_of_user(user: User | AnonymousUser, *, case: Case | None = None) -> Answer | None:
    """Why `user` may reply from no address at all; None when that depends on the address. Two queries."""
    if not user.is_authenticated:
        return Answer(False, _("Nobody is signed in."))
    reply_permission = Permission.objects.filter(
        Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")),
        content_type__app_label="cases",
        codename=REPLY_CODENAME,
    )
    # Asked of the database and not of `user.has_perm`, which remembers what was true when it was first asked.
    stored = get_user_model().objects.filter(pk=user.pk).annotate(holds_reply_case=Exists(reply_permission)).first()
    names = {"user": user.get_username()}
    if stored is None or not stored.is_active:
        return Answer(False, _("%(user)s is not an active user.") % names)
    if not (stored.is_superuser or stored.holds_reply_case):
        return Answer(False, _("%(user)s does not have the permission to reply to cases.") % names)
    if case is not None and not visible_cases(stored).filter(pk=case.pk).exists():
        return Answer(False, _("%(user)s may not see case %(number)s.") % (names | {"number": case.number_text}))
    return None


def default_sender(user: User | AnonymousUser, case: Case, senders: Senders | None = None) -> DefaultSender:
    """The address the customer wrote to, else the rep's last used, else the first permitted one. One query more than
    `senders` cost.
    """
    senders = senders or allowed_senders(user, case)
    written_to = case.routing_address
    if written_to is not None and senders.allows(written_to):
        return DefaultSender(written_to, _("The customer wrote to it."))
    passed_over = ""
    if written_to is not None:
        why = next((because for each, because in senders.refused if each.pk == written_to.pk), "")
        passed_over = _("The customer wrote to %(address)s, which you cannot send from. %(why)s") % {
            "address": written_to.email_address,
            "why": why or _("The routing address was deleted."),
        }
    if not senders.allowed:
        return DefaultSender(None, _("There is no address that you may send from."), passed_over.strip())
    last_used = _last_used(user)
    chosen = next((each for each, _because in senders.allowed if each.pk == last_used), None)
    if chosen is not None:
        return DefaultSender(chosen, _("You sent from it last."), passed_over.strip())
    return DefaultSender(senders.allowed[0][0], _("The first address that you may send from."), passed_over.strip())


def _last_used(user: User | AnonymousUser) -> int | None:
    return (
        Outbox.objects.filter(kind=Outbox.Kind.REPLY, email_message__created_by=user.pk)
        .order_by("-email_message__pk")
        .values_list("from_address", flat=True)
        .first()
    )


def record_decision(
    answer: Answer,
    *,
    stage: SendDecision.Stage,
    user: User | AnonymousUser | None,
    address: RoutingAddress,
    case: Case | None,
    outbox: Outbox | None = None,
) -> SendDecision:
    """Keep one answer. `case` may be one that the user may not see: the row is for administrators."""
    return SendDecision.objects.create(
        user_id=user.pk if user is not None else None,
        user_name=user.get_username() if user is not None else "",
        address=address,
        case=case,
        outbox=outbox,
        stage=stage,
        allowed=answer.allowed,
        because=answer.because[:500],
    )
