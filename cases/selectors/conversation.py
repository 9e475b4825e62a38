"""One case: its mails, its history, its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left

from cases.models import (
    Approval,
    Attachment,
    Case,
    CaseEvent,
    CaseStatus,
    CaseTask,
    CaseVisit,
    Delivery,
    Draft,
    EmailAddress,
    EmailMessage,
    InboundEmail,
)
from cases.models.case import NUMBER_OFFSET
from cases.selectors.cursor import MAX_KEY, Cursor
from cases.selectors.service_clocks import with_clocks
from cases.selectors.visible import grants_of, visible_cases
from routing.permission_sets import sendable_addresses

MESSAGES_PER_PAGE = 40
TASKS_SHOWN = 100
MOST_NEW = 40  # mails that appear by one click; more than that is a page to open anew
TEXT_SHOWN = 30_000  # characters of one mail on the case page


def find_visible_case(user: Any, number: int) -> Case | None:
    """The case with this number if the user may see it, with what its page shows of other tables. One statement."""
    if not NUMBER_OFFSET < number <= MAX_KEY:
        return None
    return (
        with_clocks(visible_cases(user).with_number(number))
        .select_related(
            *("status", "record_type", "owner_user", "owner_queue", "contact", "routing_address"),
            *("possibly_belongs_to", "merged_into", "satisfaction"),
        )
        .defer("description", "possibly_belongs_to__description", "merged_into__description")
        .annotate(
            # A rep may be pointed to a case that is none of theirs: then the page names no subject and offers no
            # join.
            may_see_possible=Exists(visible_cases(user).filter(pk=OuterRef("possibly_belongs_to"))),
            # Whether a composer is offered. Who may send from what is asked when it opens, and again when it is sent.
            may_reply=Value(True) if user.is_superuser else Exists(grants_of(user, "reply_case")),
            may_approve=Value(True) if user.is_superuser else Exists(grants_of(user, "approve_reply")),
            # What is on the page, for the look at what came meanwhile (selectors.history.lines_since).
            newest_event=Subquery(CaseEvent.objects.filter(case=OuterRef("pk")).order_by("-pk").values("pk")[:1]),
            # What counts as seen by who reads the page: the mail that was written down last, not always the one that
            # was received last. Read before the mails are.
            newest_mail=Subquery(EmailMessage.objects.filter(case=OuterRef("pk")).order_by("-pk").values("pk")[:1]),
            # Whether an answer can close it.
            may_be_closed=models.Case(
                models.When(closed_at__isnull=True, then=Exists(CaseStatus.objects.filter(is_closed=True))),
                default=Value(False),
            ),
            was_here=Exists(CaseVisit.objects.filter(case=OuterRef("pk"), user=user)),
            # What the reader left half written here, the newest.
            my_draft=Subquery(
                Draft.objects.filter(author=user, case=OuterRef("pk")).order_by("-updated_at").values("pk")[:1]
            ),
        )
        .first()
    )


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: Sequence[EmailMessage]  # oldest first
    earlier: Cursor | None  # None: the first message of the case is here


def messages_of(
    case: Case,
    *,
    before: Cursor | None = None,
    after: int | None = None,
    size: int = MESSAGES_PER_PAGE,
    reader: Any = None,
) -> MessagePage:
    """The newest mails of a case, or those before a cursor, oldest first. Three statements, whatever their number.

    `after`: only mails that were written down after the one with this key.

    Bodies stay in the database but for the beginning of the texts: `text_start`, `reply_start`, `has_html`,
    `has_headers`, `request_is_shared`. `reader_may_send`: of one of ours, whether the reader holds its address.
    """
    messages = EmailMessage.objects.filter(case=case)
    if before is not None:
        messages = messages.filter(
            Q(received_at__lt=before.at) | Q(received_at=before.at, pk__lt=before.key), received_at__lte=before.at
        )
    if after is not None:
        messages = messages.filter(pk__gt=after)
    found = list(
        messages.select_related("inbound_email", "created_by", "outbox__from_address")
        .only(
            *("case_id", "inbound_email_id", "incoming", "status", "from_address", "from_name", "subject", "snippet"),
            *("message_date", "received_at", "is_automatic", "automatic_kind", "is_bounce", "bounce", "spf", "dkim"),
            *("dmarc", "authenticated_by", "thread_basis", "flags", "defects", "special_parts", "also_received_by"),
            *("message_identifier",),
            *("inbound_email__trail", "inbound_email__provider", "inbound_email__envelope_recipients"),
            *("created_by__username", "created_by__first_name", "created_by__last_name"),
            *("outbox__state", "outbox__detail", "outbox__not_before", "outbox__lease_until", "outbox__sent_at"),
            *("outbox__is_scheduled", "outbox__closes_case", "outbox__from_address__is_active"),
            *("outbox__from_address__verified_at", "outbox__from_address__verified_email"),
            *("outbox__from_address__email_address", "outbox__from_address__deleted_at"),
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
            reader_may_send=_may_send(reader),
            # Of a bounce the mail that did not arrive, which may stand on another page.
            bounced_id=_of_bounced_mail("pk"),
            bounced_at=_of_bounced_mail("received_at"),
            # Why one of ours waits for a second person.
            approval_because=Subquery(
                Approval.objects.filter(outbox__email_message=OuterRef("pk"), state=Approval.State.WAITING).values(
                    "required_because"
                )[:1]
            ),
            approval_changes=_of_changed("changes"),
            approved_with_changes_by=_of_changed("decided_by__username"),
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


@dataclass(frozen=True, slots=True)
class NewMail:
    count: int  # MOST_NEW stands for "or more"
    newest: int  # key of the newest of them; what was seen when there is none


def new_since(case: Case, seen: int) -> NewMail:
    """Mails that were written down on a case after the one with the key `seen`. One statement."""
    keys = (
        EmailMessage.objects.filter(case=case, pk__gt=seen)
        .exclude(status=EmailMessage.Status.DRAFT)
        .order_by("-pk")
        .values_list("pk", flat=True)[:MOST_NEW]
    )
    found = list(keys)
    return NewMail(len(found), found[0] if found else seen)


def _may_send(reader: Any) -> Exists | Value:
    """In the statement that reads the mails: the page of a case costs the same whatever became of its mail."""
    if reader is None:
        return Value(False)
    return Exists(sendable_addresses(reader).filter(pk=OuterRef("outbox__from_address")))


def _of_changed(column: str) -> Subquery:
    """Of one of ours that an approver changed before it left."""
    changed = Approval.objects.filter(outbox__email_message=OuterRef("pk"), state=Approval.State.APPROVED)
    return Subquery(changed.exclude(changes={}).order_by("-pk").values(column)[:1])


def _request_is_shared() -> Exists:
    """Whether the provider's request that brought a mail brought others too."""
    others = InboundEmail.objects.filter(raw=OuterRef("inbound_email__raw")).exclude(pk=OuterRef("inbound_email"))
    return Exists(others)


def _of_bounced_mail(column: str) -> models.Case:
    sent = EmailMessage.objects.filter(
        case=OuterRef("case"),
        incoming=False,
        message_identifier=KeyTextTransform("original_message_id", OuterRef("bounce")),
    ).exclude(message_identifier="")
    return models.Case(models.When(is_bounce=True, then=Subquery(sent.order_by("-pk").values(column)[:1])))


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


def tasks_of(case: Case) -> list[CaseTask]:
    return list(CaseTask.objects.filter(case=case).select_related("owner").order_by("pk")[:TASKS_SHOWN])


def visible_messages(user: Any, number: int) -> QuerySet[EmailMessage]:
    """The mails of one case, none when the user may not see it. For the parts of a page that have their own URL.

    Drafts are their author's alone.
    """
    if not NUMBER_OFFSET < number <= MAX_KEY:
        return EmailMessage.objects.none()
    return EmailMessage.objects.filter(
        ~Q(status=EmailMessage.Status.DRAFT) | Q(created_by=user), case__in=visible_cases(user).with_number(number)
    )
