"""Reads that cross tables. `visible_cases` stands before every page, search, count, export and attachment."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, Permission
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    CaseQuerySet,
    CaseTask,
    Delivery,
    EmailAddress,
    EmailMessage,
    InboundEmail,
)
from cases.models.case import NUMBER_OFFSET
from routing.models import Queue, QueueMember

CASES_PER_PAGE = 50
MESSAGES_PER_PAGE = 40
EVENTS_PER_PAGE = 100
COUNTED_TO = 100  # counts beside views stop here ("99+")
# Each queue of a rep is read through its own index; with more queues than this one plain condition is cheaper to
# plan.
SEPARATE_READS = 30
TEXT_SHOWN = 30_000  # characters of one mail on the case page
MAX_KEY = 2**63 - 1


def _grants(user: Any, codename: str) -> QuerySet[Permission]:
    """The permission row if the user holds this permission of cases, directly or by a group (as ModelBackend)."""
    return Permission.objects.filter(
        Q(user=user) | Q(group__user=user), content_type__app_label="cases", codename=codename
    )


def may_view_all_cases(user: Any) -> bool:
    """At most one statement; the answer of user.has_perm("cases.view_all_cases")."""
    if not user.is_active or isinstance(user, AnonymousUser):
        return False
    return user.is_superuser or _grants(user, "view_all_cases").exists()


def visible_cases(user: Any) -> CaseQuerySet:
    """The cases a user may know of: owned by them, by a queue of theirs, or all with cases.view_all_cases.

    Inactive and anonymous users see none. One statement, whatever is asked of it.
    """
    cases = Case.objects.all()
    if not user.is_active or isinstance(user, AnonymousUser):
        return cases.none()
    if user.is_superuser:
        return cases
    queues = QueueMember.objects.filter(user=user).values("queue")
    return cases.filter(Q(owner_user=user) | Q(owner_queue__in=queues) | Exists(_grants(user, "view_all_cases")))


# The list
# ------------------------------------------------------------------------------------------------------------
class ListView(models.TextChoices):
    """The ready-made views beside the queues of a rep."""

    MINE = "mine", _("My cases")
    QUEUES = "queues", _("My queues")
    UNASSIGNED = "unassigned", _("Unassigned")
    OPEN = "open", _("All open")
    CLOSED = "closed", _("Closed")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the sort key of its last row. Travels in links as an opaque word."""

    at: datetime
    key: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.key}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, word: str) -> Cursor | None:
        """None for anything that is not a cursor: the list then starts at its top."""
        try:
            at, key = base64.urlsafe_b64decode(word[:100] + "=" * (-len(word[:100]) % 4)).decode("ascii").split(" ")
            cursor = cls(at=datetime.fromisoformat(at), key=int(key))
        except (ValueError, binascii.Error):
            return None
        # Years at the ends of the calendar have moments that no other time zone can write down.
        is_sane = cursor.at.tzinfo is not None and 1900 <= cursor.at.year <= 9000
        return cursor if is_sane and 0 < cursor.key <= MAX_KEY else None


@dataclass(frozen=True, slots=True)
class MyQueue:
    key: int
    name: str
    open_count: int  # at most COUNTED_TO


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: list[Case]
    older: Cursor | None  # None: this is the end


class _BoundedCount(Subquery):
    """count(*) of a query that is limited, so that it reads at most that many rows."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


def open_cases() -> CaseQuerySet:
    return Case.objects.filter(closed_at__isnull=True)


def queues_of(user: Any) -> list[MyQueue]:
    """The queues a user is a member of, each with its open cases counted up to COUNTED_TO. One statement."""
    counted = open_cases().filter(owner_queue=OuterRef("pk")).order_by().values("pk")[:COUNTED_TO]
    rows = (
        Queue.objects.filter(members=user)
        .annotate(open_count=_BoundedCount(counted))
        .order_by("name")
        .values_list("pk", "name", "open_count")
    )
    return [MyQueue(key, name, count) for key, name, count in rows]


def count_my_open_cases(user: Any) -> int:
    """At most COUNTED_TO."""
    return open_cases().filter(owner_user=user).order_by()[:COUNTED_TO].count()


def list_cases(
    user: Any,
    *,
    view: ListView,
    queues: list[MyQueue],
    views_all: bool,
    queue: int | None = None,
    before: Cursor | None = None,
    size: int = CASES_PER_PAGE,
) -> CasePage:
    """One page of a view, newest activity first. One statement; reads no bodies.

    `queues` and `views_all` are what queues_of and may_view_all_cases said in this request; `queue` narrows to one
    queue of them.
    """
    cases = Case.objects.filter(closed_at__isnull=view != ListView.CLOSED, merged_into__isnull=True)
    if before is not None:
        cases = cases.filter(
            Q(last_activity_at__lt=before.at) | Q(last_activity_at=before.at, pk__lt=before.key),
            last_activity_at__lte=before.at,  # says the same again in the one form that an index range can use
        )
    owners = _owners_of(user, view=view, queues=queues, views_all=views_all, queue=queue)
    cases = _first_of_each(cases, owners, size=size + 1) if owners is not None else cases
    found = list(
        _with_last_message(cases)
        .select_related("status", "owner_user", "owner_queue")
        .defer("description")
        .order_by("-last_activity_at", "-pk")[: size + 1]
    )
    page = found[:size]
    return CasePage(page, Cursor(page[-1].last_activity_at, page[-1].pk) if len(found) > size else None)


def _owners_of(
    user: Any, *, view: ListView, queues: list[MyQueue], views_all: bool, queue: int | None
) -> list[Q] | None:
    """The owners a view is about, one condition each; None: whoever owns it."""
    mine, ours = Q(owner_user=user), [Q(owner_queue=each.key) for each in queues]
    if queue is not None:
        return [Q(owner_queue=queue)] if views_all or any(each.key == queue for each in queues) else []
    match view:
        case ListView.MINE:
            return [mine]
        case ListView.QUEUES:
            return ours
        case ListView.UNASSIGNED:
            return [Q(owner_queue__isnull=False)] if views_all else ours
        case _:
            return None if views_all else [mine, *ours]


def _first_of_each(cases: CaseQuerySet, owners: list[Q], *, size: int) -> CaseQuerySet:
    """Of every owner the first `size` cases: each part is a short walk along an index, however many there are."""
    if not owners:
        return cases.none()
    if len(owners) == 1:
        return cases.filter(owners[0])
    either = Q()
    if len(owners) > SEPARATE_READS:
        for owner in owners:
            either |= owner
        return cases.filter(either)
    for owner in owners:
        first = cases.filter(owner).order_by("-last_activity_at", "-pk").values("pk")[:size]
        either |= Q(pk__in=first)
    return Case.objects.filter(either)


def _with_last_message(cases: CaseQuerySet) -> CaseQuerySet:
    # What a rep took back to write on is not for the others.
    mails = EmailMessage.objects.filter(case=OuterRef("pk")).exclude(status=EmailMessage.Status.DRAFT)
    last = mails.order_by("-received_at", "-pk")
    return cases.annotate(
        last_snippet=Subquery(last.values("snippet")[:1]),
        last_incoming=Subquery(last.values("incoming")[:1]),
        last_flags=Subquery(last.values("flags")[:1]),
    )


# One case
# ------------------------------------------------------------------------------------------------------------
def find_visible_case(user: Any, number: int) -> Case | None:
    """The case with this number if the user may see it, with what its page shows of other tables. One statement."""
    if not NUMBER_OFFSET < number <= MAX_KEY:
        return None
    return (
        visible_cases(user)
        .with_number(number)
        .select_related(
            *("status", "record_type", "owner_user", "owner_queue", "contact", "routing_address"),
            *("possibly_belongs_to", "merged_into"),
        )
        .defer("description", "possibly_belongs_to__description", "merged_into__description")
        .annotate(
            # A rep may be pointed to a case that is none of theirs: then the page names no subject and offers no
            # join.
            may_see_possible=Exists(visible_cases(user).filter(pk=OuterRef("possibly_belongs_to"))),
            # Whether a composer is offered. Who may send from what is asked when it opens, and again when it is sent.
            may_reply=Value(True) if user.is_superuser else Exists(_grants(user, "reply_case")),
        )
        .first()
    )


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: Sequence[EmailMessage]  # oldest first
    earlier: Cursor | None  # None: the first message of the case is here


def messages_of(case: Case, *, before: Cursor | None = None, size: int = MESSAGES_PER_PAGE) -> MessagePage:
    """The newest mails of a case, or those before a cursor, oldest first. Three statements, whatever their number.

    Bodies stay in the database but for the beginning of the texts: `text_start`, `reply_start`, `has_html`,
    `has_headers`, `request_is_shared`.
    """
    messages = EmailMessage.objects.filter(case=case)
    if before is not None:
        messages = messages.filter(
            Q(received_at__lt=before.at) | Q(received_at=before.at, pk__lt=before.key), received_at__lte=before.at
        )
    found = list(
        messages.select_related("inbound_email", "created_by", "outbox")
        .only(
            *("case_id", "inbound_email_id", "incoming", "status", "from_address", "from_name", "subject", "snippet"),
            *("message_date", "received_at", "is_automatic", "automatic_kind", "is_bounce", "bounce", "spf", "dkim"),
            *("dmarc", "authenticated_by", "thread_basis", "flags", "defects", "special_parts", "also_received_by"),
            *("inbound_email__trail", "inbound_email__provider", "inbound_email__envelope_recipients"),
            *("created_by__username", "created_by__first_name", "created_by__last_name"),
            *("outbox__state", "outbox__detail", "outbox__not_before", "outbox__lease_until", "outbox__sent_at"),
        )
        .annotate(
            text_start=Left("text_body", TEXT_SHOWN + 1),
            reply_start=Left("reply_text", TEXT_SHOWN + 1),
            has_html=models.Case(models.When(html_body="", then=Value(False)), default=Value(True)),
            has_forward=models.Case(
                models.When(forwarded_original__isnull=True, then=Value(False)), default=Value(True)
            ),
            original_address=KeyTextTransform("from_address", "forwarded_original"),
            original_name=KeyTextTransform("from_name", "forwarded_original"),
            has_headers=models.Case(models.When(headers__isnull=True, then=Value(False)), default=Value(True)),
            request_is_shared=_request_is_shared(),
        )
        .prefetch_related(
            models.Prefetch("addresses", _with_delivery()),
            models.Prefetch("attachments", Attachment.objects.select_related("blob").order_by("position")),
        )
        .order_by("-received_at", "-pk")[: size + 1]
    )
    page = found[:size]
    earlier = Cursor(page[-1].received_at, page[-1].pk) if len(found) > size else None
    return MessagePage(page[::-1], earlier)


def _request_is_shared() -> Exists:
    """Whether the provider's request that brought a mail brought others too."""
    others = InboundEmail.objects.filter(raw=OuterRef("inbound_email__raw")).exclude(pk=OuterRef("inbound_email"))
    return Exists(others)


def is_raw_for_reps(message: Any) -> bool:
    """Whether whoever may see this mail may also have the request that brought it; asks nothing of the database.

    A provider may post the mails of several customers in one request, and a verification link that was taken out of
    the texts still stands in the bytes: those are for the back office alone. `message` has `request_is_shared`, from
    messages_of or find_mail_with_request.
    """
    has_request = message.inbound_email_id is not None
    return has_request and not message.request_is_shared and EmailMessage.LINK_REMOVED not in message.defects


def find_mail_with_request(user: Any, number: int, message_id: int) -> Any | None:
    """A mail of a case that the user may see, with the stored request that brought it."""
    return (
        visible_messages(user, number)
        .filter(pk=message_id, inbound_email__isnull=False)
        .select_related("inbound_email__raw__blob")
        .only("inbound_email", "defects")
        .annotate(request_is_shared=_request_is_shared())
        .first()
    )


def _with_delivery() -> QuerySet[EmailAddress]:
    """Addresses, each with what became of our mail for it."""
    of_recipient = Delivery.objects.filter(
        email_message=OuterRef("email_message"), recipient=OuterRef("address")
    ).order_by()
    return EmailAddress.objects.annotate(
        delivery_state=Subquery(of_recipient.values("state")[:1]),
        delivery_detail=Subquery(of_recipient.values("detail")[:1]),
    ).order_by("pk")


def events_of(case: Case) -> list[CaseEvent]:
    """The newest lines of a case's history, oldest first. Mails that came or left are shown themselves."""
    events = (
        CaseEvent.objects.filter(case=case)
        .exclude(kind__in=[CaseEvent.Kind.EMAIL_ADDED, CaseEvent.Kind.REPLY_QUEUED, CaseEvent.Kind.REPLY_SENT])
        .select_related("actor")
        .order_by("-pk")[:EVENTS_PER_PAGE]
    )
    return list(events)[::-1]


def tasks_of(case: Case) -> list[CaseTask]:
    return list(CaseTask.objects.filter(case=case).select_related("owner").order_by("pk")[:EVENTS_PER_PAGE])


def visible_messages(user: Any, number: int) -> QuerySet[EmailMessage]:
    """The mails of one case, none when the user may not see it. For the parts of a page that have their own URL.

    Drafts are their author's alone.
    """
    if not NUMBER_OFFSET < number <= MAX_KEY:
        return EmailMessage.objects.none()
    return EmailMessage.objects.filter(
        ~Q(status=EmailMessage.Status.DRAFT) | Q(created_by=user), case__in=visible_cases(user).with_number(number)
    )
