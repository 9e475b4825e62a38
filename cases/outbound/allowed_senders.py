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
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from cases.models import Case, Outbox, SendDecision
from cases.selectors.visible import visible_cases
from routing.models import EmailToCaseSettings, RecordType, RoutingAddress
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
        return self.find(address.pk) is not None

    def find(self, address_id: int | None) -> RoutingAddress | None:
        """The allowed address of this key."""
        return next((each for each, _because in self.allowed if each.pk == address_id), None)


@dataclass(frozen=True, slots=True)
class DefaultSender:
    """The address that a reply starts with, with the reason. `passed_over` says why each better one is not used."""

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


def default_sender(user: User | AnonymousUser, case: Case | None, senders: Senders | None = None) -> DefaultSender:
    """The Email action's value for the case's record type, else its value for all cases, else the address the customer
    wrote to, else the rep's last used, else the first permitted one. What is not permitted is passed over, and said.
    Two queries more than `senders` cost. `case` is None for a new mail, which has neither type nor customer yet.
    """
    senders = senders or allowed_senders(user, case)
    passed_over: list[str] = []
    for wish in _wishes(case):
        if chosen := senders.find(wish.address_id):
            return DefaultSender(chosen, wish.because, " ".join(passed_over))
        passed_over.append(wish.passed_over(senders))
    because = _("There is no address that you may send from.")
    chosen = None
    if senders.allowed:
        because = _("The first address that you may send from.")
        chosen = senders.allowed[0][0]
        if last_used := senders.find(_last_used(user)):
            because, chosen = _("You sent from it last."), last_used
    return DefaultSender(chosen, because, " ".join(passed_over))


@dataclass(frozen=True, slots=True)
class _Wish:
    """An address that a reply should start with, if the rep may send from it."""

    what: str
    address_id: int | None
    because: str

    def passed_over(self, senders: Senders) -> str:
        address, why = next(
            ((each.email_address, because) for each, because in senders.refused if each.pk == self.address_id),
            (_("a deleted address"), ""),
        )
        words = _("%(what)s is %(address)s, which you cannot send from. %(why)s")
        return (words % {"what": self.what, "address": address, "why": why}).strip()


def _wishes(case: Case | None) -> list[_Wish]:
    """Best first, each address once. One query."""
    for_all = EmailToCaseSettings.objects.filter(pk=1).values_list("default_from", flat=True)[:1]
    of_all = _("The predefined From for all cases")
    if case is None:
        return [_Wish(of_all, key, f"{of_all}.") for key in for_all if key is not None]
    name, for_type, for_all_cases = (
        RecordType.objects.filter(pk=case.record_type_id)
        .annotate(for_all=Subquery(for_all))
        .values_list("name", "default_from", "for_all")
        .get()
    )
    of_type = _("The predefined From for cases of the type “%(type)s”") % {"type": name}
    wishes = [
        _Wish(of_type, for_type, f"{of_type}."),
        _Wish(of_all, for_all_cases, f"{of_all}."),
        _Wish(_("The address that the customer wrote to"), case.routing_address_id, _("The customer wrote to it.")),
    ]
    first: dict[int, _Wish] = {}
    for wish in wishes:
        if wish.address_id is not None:
            first.setdefault(wish.address_id, wish)
    return list(first.values())


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
